"""`bvc checkpoint`: what it prints, writes and refuses."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import jax
import ml_dtypes
import numpy as np
import pytest
from typer.testing import CliRunner

from bvc.bind import bind
from bvc.cli.checkpoint import checkpoint
from bvc.compile.program import compile_experiment
from bvc.library.checkpoints.archive import read
from bvc.library.checkpoints.export import export, named, published
from bvc.library.models.vit import Vit
from bvc.runtime.checkpoints import published as cards
from bvc.runtime.checkpoints.checkpoint import Checkpoints
from bvc.runtime.folder import Folder
from bvc.spec import load
from bvc.spec.show import show
from tests.modules import abstract, filled
from tests.runtime.command import SPEC

SMALL = {"width": 8, "depth": 2, "heads": 2, "mlp_dim": 12, "size": 16, "patch": 4, "out_dim": 5}
MODEL = "[model]\ntype = 'vit'\n" + "\n".join(f"{name} = {value}" for name, value in SMALL.items())


def bvc(*arguments: object) -> tuple[int, str]:
    """Exit status and output of `bvc checkpoint ARGUMENTS`; whatever is raised, is raised here."""
    done = CliRunner().invoke(checkpoint, [str(each) for each in arguments], catch_exceptions=False)
    return done.exit_code, done.output


@pytest.fixture(scope="module")
def model() -> Vit:
    return filled(abstract(Vit, **SMALL))


@pytest.fixture
def file(model: Vit, tmp_path: Path) -> Path:
    export(model, tmp_path / "vit.npz", stacked=True)
    return tmp_path / "vit.npz"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "spec.toml").write_text(MODEL)
    return tmp_path / "spec.toml"


def test_what_a_file_holds(file: Path) -> None:
    status, printed = bvc("inspect", file)
    assert status == 0
    assert "params/Transformer/encoderblock/MlpBlock_0/Dense_0/kernel " in printed
    assert "float32[2 8 12]" in printed
    assert "flexivit or vit in the names of big_vision, layers stacked" in printed
    status, printed = bvc("inspect", f"{file}:params/head")
    assert (status, printed.count("float32")) == (0, 2)


def test_conversion_is_exact_both_ways(file: Path, tmp_path: Path) -> None:
    np.savez(file, a=np.arange(3, dtype=ml_dtypes.bfloat16), b=np.asfortranarray(np.ones((2, 3))))
    assert bvc("convert", file, tmp_path / "a.safetensors")[0] == 0
    assert bvc("convert", tmp_path / "a.safetensors", tmp_path / "b.npz")[0] == 0
    before, after = read(str(file)), read(str(tmp_path / "b.npz"))
    assert before.keys() == after.keys()
    for name, leaf in before.items():
        assert leaf.dtype == after[name].dtype
        np.testing.assert_array_equal(leaf, after[name])
    assert "bfloat16[3]" in bvc("inspect", tmp_path / "a.safetensors")[1]


def test_a_spec_says_how_arrays_are_named_and_shaped(
    model: Vit, file: Path, spec: Path, tmp_path: Path
) -> None:
    status, printed = bvc("convert", file, tmp_path / "single.npz", "--spec", f"{spec}#model")
    assert (status, printed) == (0, f"{len(named(model))} arrays written to {tmp_path / 'single.npz'}\n")
    found = read(str(tmp_path / "single.npz"))
    for name, leaf in published(model, named(model)).items():
        np.testing.assert_array_equal(found[name], leaf)


@pytest.mark.slow
def test_the_parameters_of_a_run(tmp_path: Path) -> None:
    resolved = load(str(SPEC))
    program = compile_experiment(bind(resolved))
    draw = np.random.default_rng(0)
    state = jax.tree.map(lambda leaf: draw.uniform(size=leaf.shape).astype(leaf.dtype), program.state)
    saving = Checkpoints(Folder(tmp_path / "run/checkpoints"), lambda step: False)
    saving.save(3, jax.tree.map(jax.numpy.asarray, state), {})
    saving.close()
    (tmp_path / "run/spec.toml").write_text(show(resolved))

    status, printed = bvc("inspect", tmp_path / "run")
    assert status == 0
    assert "params/image/blocks/*/mlp/up/kernel " in printed
    assert "after step 3" in printed
    assert bvc("verify", tmp_path / "run") == (0, "step 3: as it was saved\n")
    assert bvc("convert", tmp_path / "run", tmp_path / "run.npz")[0] == 0
    found = read(str(tmp_path / "run.npz"))
    for name, leaf in published(program.params, named(state.params)).items():
        np.testing.assert_array_equal(found[name], leaf)
    next((tmp_path / "run/checkpoints/000000003").rglob("_METADATA")).write_bytes(b"")
    status, printed = bvc("verify", tmp_path / "run")
    assert status == 1
    assert "is not what was saved" in printed
    assert bvc("inspect", tmp_path / "run")[0] == 1


def test_a_file_beside_its_model(model: Vit, file: Path, spec: Path) -> None:
    status, printed = bvc("verify", file)
    assert status == 0
    assert "with a SPEC its arrays are compared" in printed
    status, printed = bvc("verify", file, spec)
    assert status == 0
    assert f"{len(named(model))} parameters loaded" in printed
    spec.write_text(MODEL.replace("patch = 4", "patch = 8"))
    status, printed = bvc("verify", file, spec)
    assert status == 1
    assert "`embedding/kernel` has shape [8, 8, 3, 8] in the model" in printed
    spec.write_text(MODEL.replace("out_dim = 5", "out_dim = 5\ninit = 'vit.npz'\ninit_skip = ['head/.*']"))
    printed = bvc("verify", file, spec)[1]
    assert "left at its initial value: head/kernel" in printed
    assert "left in the file: head/kernel" in printed
    spec.write_text(MODEL.replace("vit", "vot"))
    assert bvc("verify", file, spec)[0] == 1


def test_a_file_beside_its_card(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def told(digest: str) -> tuple[int, str]:
        (tmp_path / "checkpoint").mkdir(exist_ok=True)
        card = MODEL.replace("model", "tiny") + f"\ninit = 'vit.npz'\n[sha256]\n'vit.npz' = '{digest}'\n"
        (tmp_path / "checkpoint/card.toml").write_text(card)
        return bvc("verify", file, f"{tmp_path}/checkpoint/card.toml#tiny")

    monkeypatch.setattr(cards, "stdlib_root", lambda: tmp_path)
    status, printed = told("0" * 64)
    assert status == 1
    assert f"that of the published file {'0' * 64}" in printed
    status, printed = told(printed.partition("its SHA-256 is ")[2][:64])
    assert status == 0
    assert "as std:checkpoint/card.toml#tiny says" in printed


def test_a_published_file_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BVC_FILES", str(tmp_path))
    status, printed = bvc("verify", "flexivit_b_i1k.npz")
    assert status == 1
    assert f"looked for {tmp_path}/flexivit_b_i1k.npz" in printed
    assert "std:checkpoint/flexivit.toml" in printed
    assert "put the file there, or name its folder in `$BVC_FILES`" in printed


class Trap:
    """Fails the test when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return pytest.fail, ("unpickled",)


def write_objects(file: Path) -> None:
    np.savez(file, x=np.array([Trap()], dtype=object))


def write_pickle(file: Path) -> None:
    file.write_bytes(pickle.dumps(Trap()))


def write_cut(file: Path) -> None:
    np.savez(file, x=np.ones(1000))
    file.write_bytes(file.read_bytes()[:5000])


def write_flipped(file: Path) -> None:
    np.savez(file, x=np.ones(1000))
    content = bytearray(file.read_bytes())
    content[4000] ^= 1
    file.write_bytes(content)


def write_bomb(file: Path) -> None:
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (25000000,), }"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        prefix = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
        archive.writestr("x.npy", prefix + bytes(100_000_000))


@pytest.mark.parametrize("damage", [write_objects, write_pickle, write_cut, write_flipped, write_bomb])
@pytest.mark.parametrize("command", ["verify", "convert"])
def test_malformed_files(command: str, damage: Callable[[Path], None], tmp_path: Path) -> None:
    file = tmp_path / "bad.npz"
    damage(file)
    more = [tmp_path / "out.npz"] if command == "convert" else []
    status, printed = bvc(command, file, *more)
    assert status == 1
    assert printed.startswith(f"error[B0506]: cannot use `{file}`: the checkpoint cannot be read")
    assert list(tmp_path.iterdir()) == [file]


def test_what_is_refused(file: Path, tmp_path: Path) -> None:
    for arguments, reason in {
        ("convert", file, file): "there is such a file already",
        ("convert", file, tmp_path / "a.pt"): "its name ends in neither",
        ("convert", file, tmp_path / "nowhere/a.npz"): "no such file or directory",
        ("inspect", tmp_path / "a.pt"): "is no checkpoint that can be read",
        ("inspect", "nowhere://bucket/run"): "is no checkpoint that can be read",
        ("inspect", f"{file}:params/tail"): "nothing in the checkpoint lies below",
    }.items():
        status, printed = bvc(*arguments)
        assert (status, reason in printed) == (1, True), printed
    (tmp_path / "a.safetensors").write_bytes(b"\xff" * 100)
    assert bvc("inspect", tmp_path / "a.safetensors")[0] == 1
    assert bvc("convert", file)[0] == 2
