"""Dims of ports: what arrives at them is matched by name, across the ports of one component."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax

from bvc.component.feature import Feature
from bvc.component.port import Port


@dataclass
class Dims:
    """Sizes of named dims of one component, and the path at which each was first seen."""

    sizes: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])

    def clash(
        self, port: Port, path: str, feature: Feature
    ) -> tuple[str, tuple[str, int], tuple[str, int]] | None:
        """The first dim that has another size here than where it was seen before: name, before, here."""
        for word, size in self._named(port, feature.shape):
            before = self.sizes.setdefault(word, (path, size))
            if before[1] != size:
                return word, before, (path, size)
        return None

    def _named(self, port: Port, shape: tuple[int | str, ...]) -> list[tuple[str, int]]:
        words = matching(port, shape)
        if words is None:
            return []
        return [
            (str(word), size)
            for word, size in zip(words, shape, strict=True)
            if isinstance(word, str) and isinstance(size, int) and word.isidentifier() and word != "_"
        ]


def matching(port: Port, shape: tuple[int | str, ...]) -> tuple[int | str, ...] | None:
    """The port's dims, one for each dim of `shape`, or None if no shape of the port fits."""
    for words in port.shapes:
        spread = [word for word in words if isinstance(word, str) and (word.startswith("*") or word == "...")]
        if spread:
            at = words.index(spread[0])
            missing = len(shape) - (len(words) - 1)
            if missing < 0:
                continue
            words = (*words[:at], *("_",) * missing, *words[at + 1 :])
        if len(words) == len(shape) and all(
            _fits(word, size) for word, size in zip(words, shape, strict=True)
        ):
            return words
    return None


def fits(port: Port, feature: Feature) -> bool:
    """Whether an array of this dtype and shape may arrive at the port, dims apart."""
    dtype = not port.dtypes or feature.dtype in port.dtypes
    return dtype and matching(port, feature.shape) is not None


def _fits(word: int | str, size: int | str) -> bool:
    return not isinstance(word, int) or not isinstance(size, int) or word == size


def feature_of(array: jax.ShapeDtypeStruct) -> Feature:
    """The feature type of an abstract array."""
    return Feature(str(array.dtype), tuple(array.shape))


def arrives(value: Any) -> dict[str, Feature]:
    """What arrives at a port: one array with the empty name, or several by their names; nothing if it is none."""
    if hasattr(value, "shape"):
        return {"": feature_of(value)}
    if isinstance(value, Mapping) and value and all(hasattr(each, "shape") for each in value.values()):
        return {str(name): feature_of(each) for name, each in value.items()}
    return {}


def takes(port: Port, value: Any) -> bool:
    """Whether an abstract array, or several by name, may arrive at the port, dims apart."""
    found = arrives(value)
    return (
        ("" not in found) == port.several and bool(found) and all(fits(port, each) for each in found.values())
    )


def described(features: Mapping[str, Feature]) -> str:
    """`image: f32[512 224 224 3], labels: i32[512 16]`."""
    return ", ".join(f"{name}: {feature}" for name, feature in features.items())
