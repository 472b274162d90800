"""What both ResNets of BiT share: depths, stages of units, the head over a grid of features."""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypedDict, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from bvc.component import SettingError, Stack, gather, view
from bvc.library.layers.dense import Dense
from bvc.library.layers.dropout import Keys
from bvc.library.layers.headed import HeadedImageModel, Image
from bvc.library.layers.initializers import RandomKey
from bvc.library.layers.repeat import Remat, repeat
from bvc.library.layers.tap import tap

Unit = TypeVar("Unit", bound=eqx.Module)
Make = Callable[[int, int, int, Key[Array, ""]], Unit]
"""Builds a unit from the channels that it gets, those of its 3 x 3 convolution, its stride and a key."""
Features = Float[Array, "b h w c"]
Reduced = Float[Array, "b H W o"]
"""What a unit or a stage gives: its first stride and its width are its own."""

DEPTHS = {
    26: (2, 2, 2, 2),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
    200: (3, 24, 36, 3),
}


class ResNetOutputs(TypedDict, total=False):
    """`logits` only with a head."""

    logits: Float[Array, "b c"]
    pre_logits: Float[Array, "b d"]


class GridOutputs(TypedDict, total=False):
    """What the head makes of each position of the last stage."""

    logits: Float[Array, "b gh gw c"]
    pre_logits: Float[Array, "b gh gw d"]


def units_of(depth: int | tuple[int, ...]) -> tuple[int, ...]:
    """Units in each stage.

    Raises:
        SettingError: no published network has so many layers.
    """
    if isinstance(depth, tuple):
        return depth
    if depth not in DEPTHS:
        known = ", ".join(map(str, DEPTHS))
        raise SettingError(
            "depth", f"{depth} is not known", help=f"known are {known}, or the units of each stage"
        )
    return DEPTHS[depth]


def channels_of(width: float) -> int:
    """Channels of the stem.

    Raises:
        SettingError: they do not make up whole groups of the norms.
    """
    channels = int(64 * width)
    if channels < 32 or channels % 32:
        raise SettingError(
            "width",
            f"{width:g} makes {channels} channels, which the norms cannot divide into 32 groups",
            help="take a multiple of 0.5",
        )
    return channels


class Stage(eqx.Module, Generic[Unit]):
    """Units of one resolution: the first changes stride and channels, the others are alike."""

    first: Unit
    rest: Stack[Unit] | None

    @staticmethod
    def build(
        make: Make[Unit], units: int, channels: int, middle: int, stride: int, key: RandomKey
    ) -> Stage[Unit]:
        """`make(channels, middle, stride, key)` builds a unit that gives `4 * middle` channels."""
        first_key, rest_key = jax.random.split(key)
        rest = None
        if units > 1:
            rest = Stack.build(lambda k: make(4 * middle, middle, 1, k), units - 1, rest_key)
        return Stage(make(channels, middle, stride, first_key), rest)

    def __call__(self, x: Features, remat: Remat) -> Reduced:
        """All units one after another."""
        first: Any = gather(self.first)
        x = first(x)
        if self.rest is None:
            return x
        return repeat(self.rest, x, lambda unit, x, index, _: _apply(unit, x), remat=remat)


def stages_of(
    make: Make[Unit], units: Sequence[int], root: int, keys: Sequence[RandomKey]
) -> tuple[Stage[Unit], ...]:
    """The stages after a stem of `root` channels: each has twice the channels, and all but the first half the sides."""
    stages: list[Stage[Unit]] = []
    channels = root
    for index, (count, key) in enumerate(zip(units, keys, strict=True)):
        middle = root * 2**index
        stages.append(Stage.build(make, count, channels, middle, 1 if index == 0 else 2, key))
        channels = 4 * middle
    return tuple(stages)


class ResNet(HeadedImageModel):
    """A network whose features on a grid are averaged and read by a linear head."""

    head: eqx.AbstractVar[Dense | None]

    @abc.abstractmethod
    def features(self, image: Image) -> Reduced:
        """What the head reads, at each position."""

    def __call__(self, image: Image, *, keys: Keys = None) -> ResNetOutputs:
        """The whole model; nothing in it is random."""
        del keys
        x = jnp.mean(self.features(image), axis=(1, 2))
        tap("pre_logits", x)
        outputs: ResNetOutputs = {"pre_logits": x}
        if self.head is not None:
            outputs["logits"] = gather(self.head)(x)
            tap("logits", outputs["logits"])
        return outputs

    @view
    def patches(self, image: Image, *, keys: Keys = None) -> GridOutputs:
        """The head at each position instead of on their mean."""
        del keys
        x = self.features(image)
        return {"pre_logits": x} if self.head is None else {"pre_logits": x, "logits": gather(self.head)(x)}


def _apply(unit: Any, x: Features) -> Features:
    return unit(x)
