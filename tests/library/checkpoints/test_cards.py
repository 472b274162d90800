"""Every card of `stdlib/checkpoint` describes a model that can be built."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import jax
import pytest

from bvc.bind import bind
from bvc.compile import construct
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


def cards() -> Iterator[str]:
    for file in sorted((stdlib_root() / "checkpoint").glob("*.toml")):
        for name, table in tomllib.loads(file.read_text(encoding="utf-8")).items():
            if isinstance(table, dict) and name != "let":
                yield f"{file.name}#{name}"


@pytest.mark.parametrize("card", list(cards()))
def test_a_card_is_a_model_and_its_file(card: str, tmp_path: object) -> None:
    spec = f"{tmp_path}/card.toml"
    with open(spec, "w", encoding="utf-8") as file:
        file.write(f'[model]\nuse = "std:checkpoint/{card}"\n{REST}')
    loaded = load(spec)
    model = bind(loaded).model
    assert model.init is not None
    assert str(address(model.init).file) == plain(loaded.tree)["model"]["init"]
    module = construct.abstract(model, lambda duration: int(duration.value))
    assert len(jax.tree.leaves(module)) > 10
    count = sum(leaf.size for leaf in jax.tree.leaves(module))
    assert STATED.get(card, count) == count
    assert module.naming().rules
