"""Files as Flax writes them are read, and what is no such file is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ml_dtypes
import msgpack
import numpy as np
import pytest

from bvc.component import DataError
from bvc.library.checkpoints.archive import entries, read
from bvc.library.checkpoints.export import named
from bvc.library.checkpoints.load import load_parameters
from bvc.library.models.cnn_vae import CnnVae
from tests.modules import abstract, filled


def packed(value: Any) -> Any:
    """What Flax makes of an array, or of a tree of them."""
    if isinstance(value, dict):
        return {name: packed(inner) for name, inner in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        content = msgpack.packb((value.shape, value.dtype.name, value.tobytes()), use_bin_type=True)
        return msgpack.ExtType(1 if isinstance(value, np.ndarray) else 3, content)
    return value


def nested(flat: dict[str, np.ndarray]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, leaf in flat.items():
        *folders, last = name.split("/")
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {})
        place[last] = leaf
    return tree


def test_what_flax_writes(tmp_path: Path) -> None:
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    chunks = {"__msgpack_chunked_array__": True, "shape": {"0": 2, "1": 3}, "chunks": {"0": x[0], "1": x[1]}}
    low = x.astype(ml_dtypes.bfloat16)
    tree = {
        "step": 7,
        "rate": np.float32(0.5),
        "opt": None,
        "params": {"a": x, "b": {"low": low, "large": chunks}},
    }
    (tmp_path / "state.msgpack").write_bytes(msgpack.packb(packed(tree)))
    found = read(str(tmp_path / "state.msgpack"))
    assert set(found) == {"a", "b/low", "b/large"}
    np.testing.assert_array_equal(found["a"], x)
    np.testing.assert_array_equal(found["b/large"], x)
    assert found["b/low"].dtype == ml_dtypes.bfloat16
    listed = entries(str(tmp_path / "state.msgpack"))
    assert {name: each.shape for name, each in listed.items()} == {
        "step": (),
        "rate": (),
        "params/a": (2, 3),
        "params/b/low": (2, 3),
        "params/b/large": (2, 3),
    }


def test_a_vae_of_maskgit(tmp_path: Path) -> None:
    model = abstract(
        CnnVae, codeword_dim=2, filters=4, num_res_blocks=1, channel_multipliers=(1, 2), norm="layer"
    )
    full = filled(model)
    naming = full.naming()
    flat = {naming.published(name).removeprefix("cnn_"): leaf for name, leaf in named(full).items()}
    assert {name.split("/")[0] for name in flat} == {"encoder", "decoder"}
    state = {
        "step": 1,
        "g_params": nested({name: leaf * 0 for name, leaf in flat.items()}),
        "ema_params": nested(flat),
    }
    (tmp_path / "vae.msgpack").write_bytes(msgpack.packb(packed(state)))
    values, report = load_parameters(model, f"{tmp_path}/vae.msgpack:ema_params")
    assert not (report.resized or report.converted or report.left_over)
    for name, leaf in named(full).items():
        np.testing.assert_array_equal(values[name], leaf)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xc1",
        msgpack.packb([1, 2]),
        msgpack.packb({"a": "text"}),
        msgpack.packb({"a": msgpack.ExtType(5, b"")}),
        msgpack.packb({"a": msgpack.ExtType(1, b"not packed")}),
        msgpack.packb({"a": msgpack.ExtType(1, msgpack.packb(((2,), "float32", b"123")))}),
        msgpack.packb({"a": msgpack.ExtType(1, msgpack.packb(((1,), "object", b"12345678")))}),
        msgpack.packb({"a": {"__msgpack_chunked_array__": True, "shape": {}}}),
        msgpack.packb({"a": {"__msgpack_chunked_array__": True, "shape": {"0": 1}, "chunks": {"0": "text"}}}),
        msgpack.packb({"a/b": 1, "a": {"b": 2}}),
        msgpack.packb(packed({"a": np.zeros(3)}))[:-4],
        b"\x81\xa1a" * 10_000 + b"\x01",
    ],
)
def test_what_is_no_such_file(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.msgpack").write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        read(str(tmp_path / "a.msgpack"))
