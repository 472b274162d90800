"""Did you mean: names close to one that was not found."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LIMIT = 3


def close(name: str, known: Iterable[str], limit: int = LIMIT) -> list[str]:
    """At most `limit` of the known names: the nearest, others as near, and those that begin with it."""
    names = list(dict.fromkeys(known))
    folded = {candidate.lower(): candidate for candidate in reversed(names)}
    if name.lower() in folded:
        return [folded[name.lower()]]
    swapped = [candidate for candidate in names if sorted(candidate) == sorted(name)]  # `rl` for `lr`
    best = swapped[:1] or difflib.get_close_matches(name, names, n=1, cutoff=0.62)
    if not best:
        return []
    others = [other for other in names if other != best[0]]
    similar = difflib.get_close_matches(name, others, n=limit, cutoff=0.75)
    longer = [other for other in others if other.startswith(best[0])]
    return list(dict.fromkeys([*best, *similar, *longer]))[:limit]


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A help line such as ``did you mean `resize`? also close: `resize_small` ``, or None."""
    found = close(name, known)
    if not found:
        return None
    line = f"did you mean `{found[0]}`?"
    if found[1:]:
        line += f" also close: {listing(found[1:])}"
    return line


def listing(names: Iterable[object], most: int = 12) -> str:
    """Names in backquotes with commas between, cut where there are too many to read."""
    words = [f"`{name}`" for name in names]
    if len(words) > most:
        return f"{', '.join(words[:most])} and {len(words) - most} more"
    return ", ".join(words)
