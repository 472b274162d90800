"""All diagnostics of a run, in file order, each cause told once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bvc.diagnostics.diagnostic import Diagnostic


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sorted by file, in the order in which files first appear, and place.

    What is the same at the same place is told once; where it came from several generated tables, a
    note says from how many.
    """
    told: dict[tuple[object, ...], list[Diagnostic]] = {}
    for diagnostic in diagnostics:
        key = (diagnostic.code, diagnostic.message, diagnostic.place)
        told.setdefault(key, []).append(diagnostic)
    files: dict[str, int] = {}
    for same in told.values():
        place = same[0].place
        files.setdefault(place.file if place else "", len(files))
    found = [_once(same) for same in told.values()]
    return sorted(found, key=lambda d: (files[d.place.file], d.place.start) if d.place else (files[""], 0))


def _once(same: list[Diagnostic]) -> Diagnostic:
    first = same[0]
    tables = {d.origin.table for d in same if d.origin is not None and d.origin.table}
    if len(tables) > 1:
        return replace(first, notes=(*first.notes, f"the same in {len(tables)} generated tables"))
    return first
