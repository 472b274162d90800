"""Data cards."""

from __future__ import annotations

import pytest

from bvc.bind.card import card_names, find_card
from bvc.component import registry
from bvc.component.feature import Feature
from bvc.spec.tree import plain


@pytest.mark.parametrize("name", card_names())
def test_every_card_describes_a_source_and_its_examples(name: str) -> None:
    card = find_card(name)
    assert card is not None and card.doc.endswith(".")
    described = plain(card.source)
    assert isinstance(described, dict)
    source = registry.find("source", str(described.pop("type")))
    assert source is not None
    source.target(**described)
    assert all(size > 0 for size in card.splits.values())
    assert card.features["image"] == Feature("bytes")


def test_a_version_is_passed_to_the_source() -> None:
    card = find_card("cars196:2.1.0")
    assert card is not None
    assert plain(card.source) == {"type": "tfds", "name": "cars196", "version": "2.1.0"}


def test_generated_data_has_no_versions() -> None:
    assert find_card("shapes") is not None and find_card("shapes:9.9.9") is None


def test_no_card() -> None:
    assert find_card("imagenet") is None
    assert find_card("../data/shapes") is None


def test_the_card_of_shapes_tells_what_its_source_tells() -> None:
    card = find_card("shapes")
    source = registry.find("source", "shapes")
    assert card is not None and source is not None
    assert dict(card.features) == source.target().features()
