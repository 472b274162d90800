"""Examples drawn from nothing but their types."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, SupportsIndex

import numpy as np
import PIL.Image

from bvc.component import Count, Feature, Features, Missing, SettingError, component
from bvc.component.source import Records

_WORDS = "a small large red green blue circle square star left of above on black gray ground".split()
_SIDE = (40, 64)
_COUNT = (1, 3)


@component("source")
class Generated:
    """Random examples with given features, to run a program where its data is not.

    Encoded files are JPEG images of 40 to 64 pixels a side, texts are a few words, whole numbers lie below `classes`
    (identifiers are unique), and other numbers in [0, 1). Dims without a size differ between examples.

    Settings:
        like: features of an example, `{ image = "bytes", label = "i64" }`
        examples: how many there are, in every split
        classes: whole numbers are drawn below this
    """

    def __init__(self, *, like: dict[str, str], examples: Count = 16, classes: Count = 2) -> None:
        self.like: dict[str, Feature] = {}
        for name, text in like.items():
            try:
                self.like[name] = Feature.parse(text)
            except ValueError as error:
                raise SettingError("like", f"says of `{name}`: {error}") from error
        self.examples = examples
        self.classes = classes

    def features(self) -> Features:
        """Those of `like`."""
        return self.like

    def missing(self, split: str, root: str) -> Missing | None:
        """Nothing is ever missing."""
        return None

    def open(self, split: str, root: str) -> Records:
        """The same examples in every split."""
        return Drawn(self.like, self.examples, self.classes)


@dataclass(frozen=True, slots=True)
class Drawn:
    """Examples, each a function of its index alone."""

    like: Mapping[str, Feature]
    examples: int
    classes: int

    def __len__(self) -> int:
        return self.examples

    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]:
        """The example at `index`."""
        number = int(index)
        rng = np.random.default_rng(number)
        sizes: dict[str, int] = {}
        return {name: self._value(name, feature, number, sizes, rng) for name, feature in self.like.items()}

    def fingerprint(self) -> str:
        """Everything: an example depends on nothing else."""
        return repr(self)

    def _value(
        self, name: str, feature: Feature, number: int, sizes: dict[str, int], rng: np.random.Generator
    ) -> Any:
        shape = _shape(feature, sizes, rng)
        count = int(np.prod(shape))
        if feature.dtype in ("bytes", "str"):
            draw = _image if feature.dtype == "bytes" else _text
            values = [draw(rng) for _ in range(count)]
            return values if shape else values[0]
        dtype = np.dtype(feature.dtype)
        if dtype == np.uint8:
            return rng.integers(256, size=shape, dtype=np.uint8)
        if dtype.kind in "iu":
            own = name.rpartition("/")[2].endswith("id")
            drawn = number * 100 + np.arange(count) if own else rng.integers(self.classes, size=count)
            return drawn.reshape(shape).astype(dtype)
        drawn = rng.random(shape)
        return (drawn < 0.5) if dtype.kind == "b" else np.asarray(drawn).astype(dtype)


def _shape(feature: Feature, sizes: dict[str, int], rng: np.random.Generator) -> tuple[int, ...]:
    """Sizes for the dims; two dims without a size are those of an image."""
    free = [dim for dim in feature.shape if isinstance(dim, str)]
    low, high = _SIDE if len(free) > 1 else _COUNT
    for dim in free:
        sizes.setdefault(dim, int(rng.integers(low, high + 1)))
    return tuple(sizes[dim] if isinstance(dim, str) else dim for dim in feature.shape)


def _image(rng: np.random.Generator) -> bytes:
    height, width = rng.integers(*_SIDE, size=2, endpoint=True)
    encoded = io.BytesIO()
    PIL.Image.fromarray(rng.integers(256, size=(height, width, 3), dtype=np.uint8)).save(encoded, "JPEG")
    return encoded.getvalue()


def _text(rng: np.random.Generator) -> str:
    return " ".join(rng.choice(_WORDS, size=int(rng.integers(3, 9))).tolist())
