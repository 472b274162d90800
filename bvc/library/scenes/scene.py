"""Scenes: two shapes, how they lie to each other, and the ground behind them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

SHAPES = ("circle", "square", "triangle", "star", "cross", "ring")
COLOURS = ("red", "green", "blue", "yellow", "purple", "orange", "cyan", "white")
SIZES = ("small", "large")
RELATIONS = ("left of", "above")
GROUNDS = ("black", "gray", "brown", "pink", "navy", "olive")

SEED = 20_230_327
TRAIN = 8_192
TEST = 512


@dataclass(frozen=True, slots=True)
class Item:
    """One shape: indices into `SHAPES`, `COLOURS` and `SIZES`."""

    shape: int
    colour: int
    size: int

    def __str__(self) -> str:
        return f"{SIZES[self.size]} {COLOURS[self.colour]} {SHAPES[self.shape]}"


@dataclass(frozen=True, slots=True)
class Scene:
    """A combination of attributes; `first` lies to the left of or above `second`."""

    first: Item
    second: Item
    relation: int
    ground: int

    @property
    def attributes(self) -> tuple[int, ...]:
        """Shape, colour and size of both items, relation, ground."""
        first, second = self.first, self.second
        return (
            *(first.shape, first.colour, first.size),
            *(second.shape, second.colour, second.size),
            *(self.relation, self.ground),
        )


_RADICES = (len(SHAPES), len(COLOURS), len(SIZES), len(SHAPES), len(COLOURS), len(SIZES), 2, len(GROUNDS))


def scenes(split: str) -> Iterator[tuple[int, Scene, np.random.Generator]]:
    """Number, scene and source of randomness of every scene of `train` or `test`.

    The combinations of attributes are drawn without replacement, those of `test` first: none occurs in both.
    """
    drawn = np.random.default_rng(SEED).permutation(int(np.prod(_RADICES)))[: TEST + TRAIN]
    own = drawn[:TEST] if split == "test" else drawn[TEST:]
    for number, combination in enumerate(own.tolist()):
        yield number, scene_of(combination), np.random.default_rng((SEED, split == "test", number))


def scene_of(combination: int) -> Scene:
    """The scene with this number among all combinations."""
    digits: list[int] = []
    for radix in reversed(_RADICES):
        combination, digit = divmod(combination, radix)
        digits.append(digit)
    a, b, c, d, e, f, relation, ground = reversed(digits)
    return Scene(Item(a, b, c), Item(d, e, f), relation, ground)


def vocabulary() -> list[str]:
    """Word pieces that cover every caption: BERT's special pieces, words, letters."""
    words = itertools.chain(SHAPES, COLOURS, SIZES, GROUNDS)
    said = (
        "a",
        "above",
        "and",
        "background",
        "below",
        "ground",
        "is",
        "it",
        "its",
        "left",
        "of",
        "on",
        "right",
        "with",
    )
    letters = [chr(ord("a") + i) for i in range(26)]
    pieces = [*sorted({*words, *said} - set(letters)), *letters, *(f"##{letter}" for letter in letters)]
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ",", ".", *pieces]
