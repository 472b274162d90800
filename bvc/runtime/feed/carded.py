"""Datasets by the name of their card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bvc.bind.card import Card, card_names, find_card
from bvc.component import registry
from bvc.component.error import DataError
from bvc.component.source import Records, Source
from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import data as catalog
from bvc.diagnostics.catalog import missing
from bvc.spec.tree import plain


@dataclass(frozen=True)
class Carded:
    """A dataset with a card, and the source that reads it."""

    card: Card
    source: Source

    def open(self, split: str, root: str) -> Records:
        """The examples of a split below the data directory `root`.

        Raises:
            Failed: they are not on this machine (B0501), or cannot be opened (B0505).
        """
        lacking = self.source.missing(split, root)
        if lacking is not None:
            raise Failed(missing.data_missing(lacking.what, lacking.looked, lacking.command, None))
        try:
            return self.source.open(split, root)
        except DataError as error:
            raise Failed(missing.data_unreadable(error.what, error.looked, None, error.help)) from error


def find_carded(name: str) -> Carded:
    """The dataset `NAME` or `NAME:VERSION`.

    Raises:
        Failed: there is no card of this name (B0143), or it cannot be understood (B0142).
    """
    card = find_card(name)
    if card is None:
        raise Failed(catalog.no_such_dataset(name, card_names()))
    described: Any = plain(card.source)
    kind = described.pop("type")
    return Carded(card, source_of(card.name, kind, described))


def source_of(name: str, kind: str, settings: dict[str, Any]) -> Source:
    """The source that the card `name` describes.

    Raises:
        Failed: there is no such source (B0142).
    """
    component = registry.find("source", kind)
    if component is None:
        raise Failed(catalog.bad_card(f"std:data/{name}.toml", f"names an unknown source `{kind}`"))
    return component.target(**settings)
