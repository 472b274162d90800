"""Slices of a split, written as TFDS writes them: `train`, `train[:99%]`, `full[25_600:]`, `train+test`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_PART = re.compile(r"^(?P<name>[\w-]+)(?:\[(?P<start>[^:\[\]]*):(?P<stop>[^:\[\]]*)\])?$")
_BOUND = re.compile(r"^-?[\d_]*\d[\d_]*(?:\.\d+)?%?$")


class SplitError(ValueError):
    """A text that names no examples: `reason` completes "`TEXT` ...", `help` is the mend."""

    def __init__(self, reason: str, help: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.help = help


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a slice: a number of examples, or a percentage; negative counts from the end."""

    value: float
    percent: bool

    def position(self, size: int) -> int:
        """In examples; a percentage is rounded to the nearest example, half to even, as TFDS does."""
        found = round(self.value * size / 100.0) if self.percent else int(self.value)
        if found < 0:
            found += size
        return min(max(found, 0), size)


@dataclass(frozen=True, slots=True)
class Slice:
    """Examples `start` to `stop` of one split (None: from its beginning, to its end)."""

    name: str
    start: Bound | None = None
    stop: Bound | None = None

    def range(self, size: int) -> range:
        """Positions in a split that holds `size` examples."""
        start = self.start.position(size) if self.start else 0
        stop = self.stop.position(size) if self.stop else size
        return range(start, max(start, stop))


def parse_split(text: str, sizes: Mapping[str, int] | None = None) -> tuple[Slice, ...]:
    """The slices that `text` names, in order.

    Args:
        text: names of splits with optional slices, joined by `+`.
        sizes: examples in each split of the dataset, as far as known; no sizes: any name is accepted.

    Raises:
        SplitError: the text is no split, names an unknown one, or holds no example.

    >>> [len(part.range(1000)) for part in parse_split("train[:99%]+train[998:]")]
    [990, 2]
    """
    parts = tuple(_part(part.strip()) for part in text.split("+"))
    if sizes:
        listed = ", ".join(f"`{name}`" for name in sizes)
        for part in parts:
            if part.name not in sizes:
                raise SplitError(f"names a split `{part.name}` that does not exist", f"take one of {listed}")
        if not any(len(part.range(sizes[part.name])) for part in parts):
            held = ", ".join(f"`{part.name}` holds {sizes[part.name]} examples" for part in parts)
            raise SplitError("holds no example", f"choose other bounds: {held}")
    return parts


def split_size(text: str, sizes: Mapping[str, int]) -> int | None:
    """How many examples `text` names, or None where the size of a split is not known."""
    parts = parse_split(text)
    if any(part.name not in sizes for part in parts):
        return None
    return sum(len(part.range(sizes[part.name])) for part in parts)


def _part(text: str) -> Slice:
    found = _PART.match(text)
    if found is None:
        raise SplitError("is no split", "write a name, or a slice such as `train[:99%]` or `train[1000:]`")
    return Slice(found["name"], _bound(found["start"]), _bound(found["stop"]))


def _bound(text: str | None) -> Bound | None:
    if not text:
        return None
    percent = text.endswith("%")
    number = text.removesuffix("%").replace("_", "")
    if _BOUND.match(text) is None or (not percent and "." in number):
        raise SplitError(
            f"has a bound `{text}` that is no number of examples",
            "write a whole number, or a percentage such as `99%`",
        )
    value = float(number) if "." in number else int(number)
    if percent and abs(value) > 100:
        raise SplitError(f"has a bound `{text}` beyond 100%", "percentages run from -100% to 100%")
    return Bound(value, percent)
