"""`:local` of every classifier learns in seconds what guessing does not know: the colour of a scene's first shape.

And fine-tuning starts from what one of them wrote, or from a file of big_vision.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from bvc.diagnostics import Sources
from bvc.library.checkpoints.archive import read
from bvc.library.checkpoints.export import named, published
from bvc.runtime.checkpoints.conversion import convert
from tests.library.evaluators.topology import Begun, begun
from tests.runtime.forks import fork

from .big_vision import resolved

ROOT = Path(__file__).parent.parent.parent
TRANSFER = Path(__file__).parent / "transfer.toml"
GUESSING = 0.17
"""A little more than the precision of the most frequent of eight colours in the test scenes."""

_HEADS = {"kernel": (64, 4, 16), "bias": (4, 16)}
_NORM = {"scale": (64,), "bias": (64,)}
_BLOCK = {
    **{f"{norm}/{name}": shape for norm in ("LayerNorm_0", "LayerNorm_1") for name, shape in _NORM.items()},
    **{
        f"MultiHeadDotProductAttention_0/{part}/{name}": shape
        for part in ("query", "key", "value")
        for name, shape in _HEADS.items()
    },
    "MultiHeadDotProductAttention_0/out/kernel": (4, 16, 64),
    "MultiHeadDotProductAttention_0/out/bias": (64,),
    "MlpBlock_0/Dense_0/kernel": (64, 128),
    "MlpBlock_0/Dense_0/bias": (128,),
    "MlpBlock_0/Dense_1/kernel": (128, 64),
    "MlpBlock_0/Dense_1/bias": (64,),
}
VIT = {
    "embedding/kernel": (8, 8, 3, 64),
    "embedding/bias": (64,),
    **{f"Transformer/encoderblock_{i}/{name}": shape for i in range(2) for name, shape in _BLOCK.items()},
    **{f"Transformer/encoder_norm/{name}": shape for name, shape in _NORM.items()},
    "pre_logits/kernel": (64, 64),
    "pre_logits/bias": (64,),
    "head/kernel": (64, 1000),
    "head/bias": (1000,),
}
"""Names and shapes of big_vision's ViT of this size, trained on a thousand classes."""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled programs."""
    return tmp_path_factory.mktemp("cache")


def run(spec: str, steps: int, data: Path, cache: Path, workdir: Path) -> None:
    length = f'run.length="{steps} steps"'
    command("run", f"{ROOT}/specs/{spec}", "--workdir", str(workdir), "--set", length, data=data, cache=cache)


def command(*arguments: str, data: Path, cache: Path) -> str:
    """What `bvc ARGUMENTS` prints; machine code is optimized, as a user's."""
    done = fork(data, *arguments, cache=cache, output=cache / "output")
    assert done.ended() == 0, done.printed
    return done.printed


def last_row(workdir: Path) -> dict[str, float]:
    rows = (workdir / "big_vision_metrics.txt").read_text().splitlines()
    return json.loads(rows[-1])


@pytest.fixture(scope="module")
def pretrained(data_dir: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The work directory of `vit_s16_i1k.toml:local`."""
    workdir = tmp_path_factory.mktemp("pretrained") / "run"
    run("vit_s16_i1k.toml:local", 60, data_dir, cache, workdir)
    return workdir


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spec", "steps", "floor"),
    [
        ("mlp_mixer_i1k.toml:local", 30, 0.3),
        ("bit_i1k.toml:local", 30, 0.3),
        ("transfer.toml:local", 30, 0.3),
    ],
)
def test_learns(spec: str, steps: int, floor: float, data_dir: Path, cache: Path, tmp_path: Path) -> None:
    run(spec, steps, data_dir, cache, tmp_path / "run")
    assert last_row(tmp_path / "run")["val/prec@1"] > floor > GUESSING


@pytest.mark.slow
def test_vit_learns(pretrained: Path) -> None:
    assert last_row(pretrained)["val/prec@1"] > 0.3 > GUESSING


@pytest.mark.slow
def test_transfer_starts_where_pretraining_ended(pretrained: Path, data_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "pre.npz"
    convert(str(pretrained), file, None, Sources())
    found = begun(TRANSFER, 1, f"local,model=vit-s16,init={file}")
    assert loaded_from(file, found) == {*(name for name in read(str(file)) if not name.startswith("head/"))}
    metrics = found.metrics(data_dir)
    assert metrics["fewshot/z/shapes_5shot-seed-0"] > GUESSING
    assert 0 <= metrics["real/prec@1"] <= 1
    # with a head of zeros every class of an image is as likely as not
    assert metrics["several/loss"] == pytest.approx(8 * math.log(2), rel=1e-3)


@pytest.mark.slow
def test_a_checkpoint_is_evaluated_alone(
    pretrained: Path, data_dir: Path, cache: Path, tmp_path: Path
) -> None:
    convert(str(pretrained), tmp_path / "pre.npz", None, Sources())
    init = f"model.init='{tmp_path / 'pre.npz'}'"
    spec = f"{ROOT}/specs/vit_s16_i1k.toml:local"
    printed = command("eval", spec, "--set", init, data=data_dir, cache=cache)
    found = json.loads(printed.splitlines()[-1])
    assert found == {"step": 0, **{name: last_row(pretrained)[name] for name in ("val/prec@1", "val/loss")}}


@pytest.mark.slow
def test_transfer_starts_from_a_file_of_big_vision(tmp_path: Path) -> None:
    random, file = np.random.default_rng(0), tmp_path / "vit.npz"
    theirs = {name: random.normal(size=shape).astype(np.float32) for name, shape in VIT.items()}
    np.savez(file, **{f"params/{name}": leaf for name, leaf in theirs.items()})
    found = begun(TRANSFER, 1, f"local,model=vit-s16,init={file}")
    assert loaded_from(file, found) == {*(name for name in VIT if not name.startswith("head/"))}


def loaded_from(file: Path, found: Begun) -> set[str]:
    """Names in a file of those arrays that a run begins with."""
    ours = published(found.program.module, named(found.state.params))
    return {name for name, leaf in read(str(file)).items() if np.array_equal(leaf, ours[name])}


def test_vit_i21k_is_the_same_as_vit_i1k() -> None:
    assert resolved("vit_i21k.toml", "local") == resolved("vit_i1k.toml", "local")
