"""Folders of big_vision's trainers are read; what is damaged or was never completed is an error."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import tensorstore

from bvc.component import DataError
from bvc.library.checkpoints.archive import entries, read
from bvc.library.checkpoints.export import named, published
from bvc.library.checkpoints.load import load_parameters
from bvc.library.models.vit import Vit
from tests.modules import abstract, filled

DRAW = np.random.default_rng(0)
PARAMS = {
    "params/img/kernel": DRAW.normal(size=(8, 6)).astype(np.float32),
    "params/img/bias": np.zeros(8, np.float32),
    "params/low": DRAW.normal(size=(3, 2)).astype(ml_dtypes.bfloat16),
    "params/t": np.float32(3.5),
    "params/none": np.zeros((0, 3), np.float32),
}
STATE = PARAMS | {"opt/0/count": np.int32(7), "chrono/accum": np.float32(1.5)}


def save(folder: Path, arrays: dict[str, Any] = STATE, compressor: str = "zstd") -> Path:
    """Write arrays as jax's manager of checkpoints does; those of two dims as from two devices."""
    for name, leaf in arrays.items():
        chunks = [max(1, size // 2 if leaf.ndim == 2 else size) for size in leaf.shape]
        spec = {
            "driver": "zarr",
            "kvstore": {"driver": "file", "path": f"{folder}/{name.replace('/', '~')}/"},
            "metadata": {"compressor": {"id": compressor}, "shape": leaf.shape, "chunks": chunks},
            "dtype": leaf.dtype.name,
            "create": True,
        }
        tensorstore.open(spec).result().write(leaf).result()
    return folder


def test_parameters_of_a_trainer(tmp_path: Path) -> None:
    trainer = tmp_path / "checkpoint.bv"
    save(tmp_path / "checkpoint.bv-000000100", {"params/old": np.ones(1)})
    save(tmp_path / "checkpoint.bv-000000200-tmp", compressor="gzip")
    (tmp_path / "checkpoint.bv-LAST").write_text("000000200-tmp")
    for given in (trainer, f"{trainer}-LAST", f"{trainer}-000000200-tmp"):
        found = read(str(given))
        assert {f"params/{name}" for name in found} == PARAMS.keys()
        for name, leaf in found.items():
            assert leaf.dtype == PARAMS[f"params/{name}"].dtype
            np.testing.assert_array_equal(leaf, PARAMS[f"params/{name}"])
    assert {name: (each.shape, each.dtype) for name, each in entries(str(trainer)).items()} == {
        name: (leaf.shape, leaf.dtype.name) for name, leaf in STATE.items()
    }
    assert set(read(f"{trainer}-000000100")) == {"old"}
    assert set(read(f"{trainer}:img")) == {"kernel", "bias"}


def test_a_model_from_a_trainer(tmp_path: Path) -> None:
    model = abstract(Vit, width=8, depth=1, heads=2, mlp_dim=12, size=8, patch=4, out_dim=5)
    full = filled(model)
    arrays = {f"params/{name}": leaf for name, leaf in published(full, named(full)).items()}
    values, _ = load_parameters(model, str(save(tmp_path / "checkpoint.bv-000000100", arrays)))
    for name, leaf in named(full).items():
        np.testing.assert_array_equal(values[name], leaf)


@pytest.mark.parametrize(
    ("folder", "last", "reason"),
    [
        ("200-tmp", None, "nothing says that its save was completed: there is no `checkpoint.bv-LAST`"),
        ("200-tmp", "200", "nothing says that its save was completed: `checkpoint.bv-LAST` names 200"),
        ("300", "200-tmp", "nothing says that its save was completed: `checkpoint.bv-LAST` names 200-tmp"),
        ("LAST", "../../etc", "`checkpoint.bv-LAST` names no step"),
        ("LAST", "400", "No such file"),
    ],
)
def test_a_save_that_was_not_completed(folder: str, last: str | None, reason: str, tmp_path: Path) -> None:
    place = tmp_path / f"checkpoint.bv-{folder}"
    if last is not None:
        (tmp_path / "checkpoint.bv-LAST").write_text(last)
    if folder != "LAST":
        save(place, {"params/t": PARAMS["params/t"]})
    for look in (read, entries):
        with pytest.raises(DataError, match=reason):
            look(str(place))


def described(**changes: Any) -> Callable[[Path], object]:
    """What changes the description of an array."""

    def change(folder: Path) -> None:
        file = folder / "params~img~kernel/.zarray"
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    return change


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda folder: (folder / "params~img~kernel/1.0").unlink(), "missing"),
        (lambda folder: (folder / "params~img~kernel/1.0").write_bytes(b"(\xb5/\xfd"), "Truncated Zstd"),
        (
            lambda folder: (folder / "params~img~kernel/.zarray").unlink(),
            "`params/img/kernel` is not described",
        ),
        (
            lambda folder: (folder / "params~img~kernel/.zarray").write_bytes(b'{"shape"'),
            "description of .* damaged",
        ),
        (
            lambda folder: (folder / "params~img~kernel/.zarray").write_bytes(b"[" * 90_000),
            "description of .* damaged",
        ),
        (lambda folder: (folder / "params~t").rename(folder / "params~..~..~t"), "is no name of an array"),
        (lambda folder: (folder / "params~t").rename(folder / "params~~t"), "is no name of an array"),
        (described(shape=[8, -1]), "no valid shape"),
        (described(shape=[8, True]), "no valid shape"),
        (described(shape=[9, 6]), "missing"),
        (described(shape=[10**9, 6]), "would grow from"),
        (described(shape=[10**9, 6], chunks=[10**9, 6]), "would grow from"),
        (described(dtype="|O"), r"holds '\|O', not numbers"),
        (described(dtype="<f8"), "Not enough data"),
        (described(compressor={"id": "magic"}), "not registered"),
        (described(chunks=[0, 6]), "Expected integer in the range"),
    ],
)
def test_damaged_folders(damage: Callable[[Path], object], reason: str, tmp_path: Path) -> None:
    folder = save(tmp_path / "checkpoint.bv-000000100")
    damage(folder)
    with pytest.raises(DataError, match=reason) as caught:
        read(str(folder))
    assert "\n" not in caught.value.what
    assert len(caught.value.what) < 400


def test_nothing_in_the_folder(tmp_path: Path) -> None:
    folder = save(tmp_path / "checkpoint.bv-000000100", PARAMS)
    with pytest.raises(DataError, match="nothing in the checkpoint lies below `txt`"):
        read(f"{folder}:txt")
    shutil.rmtree(folder)
    with pytest.raises(DataError, match="is missing"):
        read(str(folder))
