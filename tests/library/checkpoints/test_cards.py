"""Every card of `stdlib/checkpoint` describes a model that can be built."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import pytest

from bvc.bind import bind
from bvc.compile import construct
from bvc.component.names import parameters
from bvc.library.checkpoints.archive import address
from bvc.spec import load, stdlib_root
from bvc.spec.tree import plain
from tests.parity._model import REST

STATED = {
    "lit.toml#b16b": 195_871_489 - 768,
    "lit.toml#b16b_2": 195_280_897 - 768,
    "lit.toml#l16l": 638_443_521 - 1024,
    "mixer.toml#b16_i1k": 59_880_472,
    "mixer.toml#l16_i1k": 208_196_168,
}
"""Parameters as the tests of google-research/vision_transformer state them; its ViT has a position for the class token,
which is added to that token when a file is read."""

ARRAYS = {
    "givt.toml#imagenet_causal": {"decoder/LogitsDense/bias": (16 + 2 * 16 * 16,)},
    "givt.toml#panoptic": {"decoder/LogitsDense/bias": (3 * 16,), "EmbedLabels/embedding": (1, 1024)},
    "uvim.toml#depth_stage2": {
        "pos_embedding_decoder": (1, 256, 1024),
        "pos_embedding_encoder": (1, 1024, 1024),
    },
    "siglip.toml#so400m14_384": {"img/pos_embedding": (1, 27 * 27, 1152)},
    "clippo.toml#c4": {"img/head/kernel": (768, 768)},
}
"""What big_vision's configuration of these files asks for, where a setting is easily missed."""


def cards() -> Iterator[str]:
    for file in sorted((stdlib_root() / "checkpoint").glob("*.toml")):
        for name, table in tomllib.loads(file.read_text(encoding="utf-8")).items():
            if isinstance(table, dict) and name != "let":
                yield f"{file.name}#{name}"


def without_files(table: Mapping[str, Any]) -> dict[str, Any]:
    """A model's settings alone."""
    return {
        name: without_files(value) if isinstance(value, Mapping) else value
        for name, value in table.items()
        if name != "init"
    }


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    """Modules by their settings: cards of the same settings share one."""
    return {}


@pytest.mark.parametrize("card", list(cards()))
def test_a_card_is_a_model_and_its_file(card: str, tmp_path: Path, known: dict[str, Any]) -> None:
    spec = tmp_path / "card.toml"
    spec.write_text(f'[model]\nuse = "std:checkpoint/{card}"\n{REST}', encoding="utf-8")
    loaded = load(str(spec))
    table = plain(loaded.tree)["model"]
    node = bind(loaded).model
    assert node.init is not None
    assert table["init"].startswith(str(address(node.init).file))
    settings = json.dumps(without_files(table))
    if settings not in known:
        known[settings] = construct.abstract(node, lambda duration: int(duration.value))
    module = known[settings]
    naming = module.naming()
    assert naming.rules
    shapes = {naming.published(found.name): found.shape for found in parameters(module)}
    assert len(shapes) > 10
    count = sum(leaf.size for leaf in jax.tree.leaves(module))
    assert STATED.get(card, count) == count
    for name, shape in ARRAYS.get(card, {}).items():
        assert shapes[name] == shape
