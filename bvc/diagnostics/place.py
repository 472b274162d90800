"""Where a piece of text stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Characters `start` to `end` (exclusive) of a text.

    `file` is the path as the user would type it, `std:...` for the standard library, or
    `<command line>`; it is the key under which `Sources` holds the text.
    """

    file: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Origin:
    """The chain of places of a value, from where it is used to where it was written.

    `places[0]` is where the value is used, `places[-1]` where it was written; between them stands
    each reference that it passed through. `bindings` are the loop variables of the generated table
    that holds it (`for = {...}`), `table` that table's name and `header` where it stands. `via` are the
    `use` that brought the file in which it is used, nearest first.
    """

    places: tuple[Place, ...]
    table: str = ""
    bindings: tuple[tuple[str, object], ...] = ()
    via: tuple[Place, ...] = ()
    header: Place | None = None

    @property
    def mend(self) -> Place:
        """The place that a user can mend: the nearest one outside the standard library."""
        for place in (*self.places, *self.via):
            if not place.file.startswith("std:"):
                return place
        return self.places[0]


class Sources(dict[str, str]):
    """The texts that were read, by the file name that stands in a `Place`."""

    def position(self, place: Place) -> tuple[int, int]:
        """Line and column (both from 1, columns in characters) where `place` starts."""
        before = self.get(place.file, "")[: place.start]
        return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1

    def slice(self, place: Place) -> str:
        """The text at `place`."""
        return self.get(place.file, "")[place.start : place.end]
