"""The main job learns what it is for, and learns nothing from pairs that don't belong together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bvc.library.scenes.caption import captions
from bvc.library.scenes.scene import TEST, scenes
from tests.runtime.command import finish, start

SPEC = Path(__file__).parent.parent.parent / "specs" / "siglip_coco.toml"
STEPS = 200
CHANCE = 1 / TEST

STRANGERS = '''
"""Captions of another scene."""

import numpy as np

from bvc.component import Texts, component
from bvc.library.scenes.caption import captions
from bvc.library.scenes.scene import scenes

POOL = [captions(scene) for _, scene, _ in scenes("train")]


@component("op", writes="captions/text")
def strangers(rng: np.random.Generator) -> Texts:
    """The captions of a scene drawn at random, whatever the image shows."""
    return POOL[int(rng.integers(len(POOL)))]
'''

SHUFFLED = f"""
import = ["strangers"]
use = "{SPEC}"

[params]
local = true

[[when]]
if = "local"
data.train.pipeline = [
  "decode", "resize(48)", "value_range(-1, 1)", "strangers",
  "bert_tokenize(from='captions/text', to='text', max_len=24, vocab='std:vocab/shapes.txt')",
  "keep('image', 'text')",
]
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("main-job")


def test_held_out_scenes_are_new_and_told_apart() -> None:
    held_out = [scene for _, scene, _ in scenes("test")]
    assert len(held_out) >= 512
    assert not {scene.attributes for scene in held_out} & {
        scene.attributes for _, scene, _ in scenes("train")
    }
    assert len({caption for scene in held_out for caption in captions(scene)}) >= 500


@pytest.mark.slow
def test_recall_is_ten_times_above_chance(data_dir: Path, place: Path) -> None:
    found = _recalls(data_dir, place, f"{SPEC}:local", place / "right")
    assert min(found) >= 10 * CHANCE


@pytest.mark.slow
def test_shuffled_pairs_stay_at_chance(data_dir: Path, place: Path) -> None:
    (place / "strangers.py").write_text(STRANGERS)
    (place / "shuffled.toml").write_text(SHUFFLED)
    found = _recalls(data_dir, place, str(place / "shuffled.toml"), place / "shuffled")
    assert max(found) <= 5 * CHANCE  # 5 of 512 by chance alone in less than one run of a hundred


def _recalls(data_dir: Path, place: Path, spec: str, workdir: Path) -> tuple[float, float]:
    """Recall@1 from images to texts and back, after a short training."""
    shorter = {
        "run.length": f'"{STEPS} steps"',
        "evals.retrieval_shapes.every": f'"{STEPS} steps"',
        "evals.retrieval_shapes.skip_first": "true",
    }
    sets = [word for key, value in shorter.items() for word in ("--set", f"{key}={value}")]
    arguments = ("run", spec, "--workdir", str(workdir), *sets)
    finish(start(data_dir, *arguments, cache=place / "cache", modules=place))
    last = json.loads((workdir / "big_vision_metrics.txt").read_text().splitlines()[-1])
    assert last["step"] == STEPS
    return tuple(last[f"retrieval_shapes/{way}_recall@1"] for way in ("img2txt", "txt2img"))  # type: ignore[return-value]
