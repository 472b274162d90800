"""`[draws.NAME]`: values drawn on the host, one for each step: a function of (seed, name, step).

A static draw is a setting of the model's call, such as the number of patches of FlexiViT: the step is compiled ahead
for each of its values. Any other draw travels with the batch, under `draws.NAME`, the same for all examples of a step.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import jax
import numpy as np

from bvc.compile.wiring import DRAWS
from bvc.diagnostics import Diagnostic
from bvc.diagnostics.catalog import shapes
from bvc.ir import DrawNode, ModelNode, Node

T = TypeVar("T")

Value = int | float
Values = Mapping[str, Value]
"""Name of a draw -> what was drawn."""


@dataclass(frozen=True)
class Draw:
    """One of them; `name` is that of its table."""

    name: str
    node: DrawNode

    @property
    def feature(self) -> str:
        """The feature of the batch that it becomes, unless it is static."""
        return f"{DRAWS}{self.name}"

    @property
    def dtype(self) -> np.dtype:
        """Of that feature: i32 if all values are whole numbers, else f32."""
        whole = all(isinstance(value, int) for value in self.node.values)
        return np.dtype(np.int32 if whole else np.float32)

    def index(self, seed: int, step: int) -> int:
        """Which value is drawn for the step after `step` updates."""
        weights = np.cumsum(self.node.weights or [1.0] * len(self.node.values))
        bits = np.random.Philox(key=[seed, zlib.crc32(self.feature.encode())], counter=[step, 0, 0, 0])
        place = float(bits.random_raw()) / 2**64 * weights[-1]
        return min(int(np.searchsorted(weights, place, side="right")), len(self.node.values) - 1)


def drawn_features(draws: Sequence[Draw], batch: int) -> dict[str, jax.ShapeDtypeStruct]:
    """The features that draws add to a batch, abstractly."""
    return {
        each.feature: jax.ShapeDtypeStruct((batch,), each.dtype) for each in draws if not each.node.static
    }


def variants_of(draws: Sequence[Draw]) -> Iterator[dict[str, Value]]:
    """Every combination of the values of static draws; one without any if there are none."""
    static = [each for each in draws if each.node.static]
    for values in itertools.product(*(dict.fromkeys(each.node.values) for each in static)):
        yield {each.name: value for each, value in zip(static, values, strict=True)}


def split_draws(batch: Mapping[str, T]) -> tuple[dict[str, T], dict[str, T]]:
    """The features of a batch, and apart from them its draws, which transforms do not see."""
    drawn = {name: value for name, value in batch.items() if name.startswith(DRAWS)}
    return {name: value for name, value in batch.items() if name not in drawn}, drawn


def static_feeds(model: ModelNode) -> dict[str, str]:
    """Setting of the model's call -> static draw that sets it."""
    return {
        name: path.removeprefix(DRAWS)
        for name, path in model.feeds.items()
        if path.startswith(DRAWS) and name not in model.component.call.ports
    }


def check_draws(draws: Sequence[Draw], model: ModelNode, readers: Sequence[Node]) -> list[Diagnostic]:
    """Draws that nothing reads, and settings that are fed by what is no static draw."""
    static = [each.feature for each in draws if each.node.static]
    wrong = [
        shapes.not_static(name, f"{DRAWS}{draw}", model.feed_origins.get(name, model.origin), static)
        for name, draw in static_feeds(model).items()
        if f"{DRAWS}{draw}" not in static
    ]
    read = {path for node in readers for path in node.feeds.values()}
    return wrong + [
        shapes.unread_draw(each.name, each.node.origin) for each in draws if each.feature not in read
    ]
