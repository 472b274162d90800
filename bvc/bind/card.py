"""Data cards: what is known of a dataset without touching it, `stdlib/data/NAME.toml`."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bvc.component import registry
from bvc.component.feature import Feature
from bvc.diagnostics import Failed, Origin, Place
from bvc.diagnostics.catalog import data as catalog
from bvc.spec.tree import Array, Leaf, Node, Scalar, Table, plain

_PACKAGE = Path(__file__).parent.parent
_INSTALLED, _CHECKOUT = _PACKAGE / "_stdlib" / "data", _PACKAGE.parent / "stdlib" / "data"
_KEYS = {"doc", "source", "features", "splits", "prepare", "downloaded"}


@dataclass(frozen=True, slots=True)
class Card:
    """Facts about a dataset.

    Attributes:
        name: its name in specs.
        doc: what it is.
        source: the table that describes its source component.
        features: features of one raw example, flat (`captions/text`).
        splits: examples in each split.
        prepare: how to get it, in words; empty where `bvc data prepare` does it alone.
        downloaded: the table of a source that reads what is downloaded by hand, from which `bvc data prepare` writes
            the dataset without TensorFlow; its key `version` is that of the dataset.
    """

    name: str
    doc: str
    source: Table
    features: Mapping[str, Feature]
    splits: Mapping[str, int]
    prepare: str = ""
    downloaded: Table | None = None


def find_card(name: str) -> Card | None:
    """The card of a dataset, or None. `NAME:VERSION` is the card of NAME with that version, where it has several."""
    name, colon, version = name.partition(":")
    if name not in card_names() or (colon and not version):
        return None
    card = _read(name)
    if not version:
        return card
    source = registry.find("source", str(plain(card.source.items["type"])))
    if source is not None and "version" not in source.settings:
        return None
    origin = card.source.origin
    versioned = Table({**card.source.items, "version": Leaf(version, origin)}, origin, card.source.keys)
    return replace(card, source=versioned)


def card_names() -> list[str]:
    """Names of all datasets that have a card, sorted."""
    folder = _folder()
    return sorted(file.relative_to(folder).with_suffix("").as_posix() for file in folder.rglob("*.toml"))


def _folder() -> Path:
    return _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT


@functools.cache
def _read(name: str) -> Card:
    file = f"std:data/{name}.toml"
    text = (_folder() / f"{name}.toml").read_text(encoding="utf-8")
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Failed(catalog.bad_card(file, f"is no TOML: {error}")) from error
    unknown = sorted(set(found) - _KEYS)
    if unknown:
        raise Failed(catalog.bad_card(file, f"has an unknown key `{unknown[0]}`"))
    missing = sorted({"doc", "source", "features", "splits"} - set(found))
    if missing:
        raise Failed(catalog.bad_card(file, f"lacks `{missing[0]}`"))
    try:
        features = {key: Feature.parse(value) for key, value in found["features"].items()}
    except ValueError as error:
        raise Failed(catalog.bad_card(file, f"has a feature that cannot be read: {error}")) from error
    origin = Origin((Place(file, 0, len(text)),))
    source = _tree(found["source"], origin)
    if not isinstance(source, Table):
        raise Failed(catalog.bad_card(file, "has a `source` that is no table"))
    downloaded = _tree(found["downloaded"], origin) if "downloaded" in found else None
    if downloaded is not None and not isinstance(downloaded, Table):
        raise Failed(catalog.bad_card(file, "has a `downloaded` that is no table"))
    words = found.get("prepare", "")
    return Card(name, found["doc"], source, features, dict(found["splits"]), words, downloaded)


def _tree(value: dict[str, Any] | list[Any] | Scalar, origin: Origin) -> Node:
    if isinstance(value, dict):
        return Table({key: _tree(item, origin) for key, item in value.items()}, origin)
    if isinstance(value, list):
        return Array(tuple(_tree(item, origin) for item in value), origin)
    return Leaf(value, origin)
