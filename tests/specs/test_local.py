"""`:local` of every classifier learns in seconds what guessing does not know: the colour of a scene's first shape."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.runtime.command import finish, start

from .big_vision import resolved

ROOT = Path(__file__).parent.parent.parent
GUESSING = 0.17
"""A little more than the precision of the most frequent of eight colours in the test scenes."""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled programs."""
    return tmp_path_factory.mktemp("cache")


def last_row(spec: str, steps: int, data: Path, cache: Path, workdir: Path) -> dict[str, float]:
    length = f'run.length="{steps} steps"'
    command = ("run", f"{ROOT}/specs/{spec}", "--workdir", str(workdir), "--set", length)
    finish(start(data, *command, cache=cache))
    rows = (workdir / "big_vision_metrics.txt").read_text().splitlines()
    return json.loads(rows[-1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spec", "steps", "floor"),
    [
        ("vit_s16_i1k.toml:local", 60, 0.3),
        ("mlp_mixer_i1k.toml:local", 30, 0.3),
        ("bit_i1k.toml:local", 30, 0.3),
        ("transfer.toml:local", 30, 0.3),
    ],
)
def test_learns(spec: str, steps: int, floor: float, data_dir: Path, cache: Path, tmp_path: Path) -> None:
    assert last_row(spec, steps, data_dir, cache, tmp_path / "run")["val/prec@1"] > floor > GUESSING


def test_vit_i21k_is_the_same_as_vit_i1k() -> None:
    assert resolved("vit_i21k.toml", "local") == resolved("vit_i1k.toml", "local")
