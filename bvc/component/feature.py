"""The type of a feature: dtype and symbolic shape, as pipelines and ports speak of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Dim = int | str

_SHORT = {"float": "f", "int": "i", "uint": "u", "bfloat": "bf"}


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

    def __str__(self) -> str:
        name = self.dtype
        for long, short in _SHORT.items():
            if name.startswith(long) and name[len(long) :].isdigit():
                name = short + name[len(long) :]
        return f"{name}[{' '.join(str(dim) for dim in self.shape)}]" if self.shape else name


Features = Mapping[str, Feature]
