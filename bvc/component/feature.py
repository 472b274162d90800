"""The type of a feature: dtype and symbolic shape, as pipelines and ports speak of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

Dim = int | str

_SHORT = {"float": "f", "int": "i", "uint": "u", "bfloat": "bf"}
_LONG = {short: long for long, short in _SHORT.items()}
_WRITTEN = re.compile(r"^(?P<dtype>[a-z]+\d*)(?:\[(?P<dims>[^\[\]]*)\])?$")
_NUMBERED = re.compile(r"^(?P<kind>[a-z]+?)(?P<bits>\d+)$")


@dataclass(frozen=True, slots=True)
class Feature:
    """dtype (numpy's name, or `bytes` for an encoded file, or `str`) and shape.

    A dim is a number, or a name where it is not known before the data is read; dims of the same name
    are equal within one example.

    >>> str(Feature("uint8", ("h", "w", 3)))
    'u8[h w 3]'
    """

    dtype: str
    shape: tuple[Dim, ...] = ()

    @staticmethod
    def parse(text: str) -> Feature:
        """The feature that `str` wrote.

        Raises:
            ValueError: the text is not of the form `dtype` or `dtype[dims]`.

        >>> Feature.parse("f32[n 4]")
        Feature(dtype='float32', shape=('n', 4))
        """
        found = _WRITTEN.match(text)
        if found is None:
            raise ValueError(f"`{text}` is no feature: write a dtype and dims, such as `u8[h w 3]`")
        words = (found["dims"] or "").split()
        return Feature(_long(found["dtype"]), tuple(int(word) if word.isdigit() else word for word in words))

    def __str__(self) -> str:
        name = self.dtype
        numbered = _NUMBERED.match(name)
        if numbered and numbered["kind"] in _SHORT:
            name = _SHORT[numbered["kind"]] + numbered["bits"]
        return f"{name}[{' '.join(str(dim) for dim in self.shape)}]" if self.shape else name

    @property
    def fixed(self) -> bool:
        """Whether every dim is a number."""
        return all(isinstance(dim, int) for dim in self.shape)


Features = Mapping[str, Feature]


def _long(dtype: str) -> str:
    numbered = _NUMBERED.match(dtype)
    if numbered and numbered["kind"] in _LONG:
        return _LONG[numbered["kind"]] + numbered["bits"]
    return dtype
