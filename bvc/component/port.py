"""Ports: the arrays that a component reads and writes, read from jaxtyping annotations."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass

from bvc.component.annotation import Raw
from bvc.component.feature import Dim


@dataclass(frozen=True, slots=True)
class Port:
    """One array of a signature.

    `dtypes` are the numpy names that are accepted (several for `Num`, `Float`, ...; none: any), `bytes` or
    `str` for an encoded file or a text. `shapes` are the accepted shapes, one for each member of a union: a dim
    is a name, a number, `{size}` for the value of that setting, `*name` for any number of dims, `...` for any
    dims without a name.
    """

    name: str
    dtypes: tuple[str, ...]
    shapes: tuple[tuple[Dim, ...], ...]
    optional: bool = False
    annotation: str = ""
    several: bool = False
    """Arrays by name, each of which fits."""

    def __str__(self) -> str:
        return f"{self.name}: {self.annotation}"


def port_of(name: str, annotation: object, default: object = ...) -> Port | None:
    """The port that `annotation` declares, or None if it is no array annotation."""
    options = _options(annotation)
    several = len(options) == 1 and typing.get_origin(options[0]) in (Mapping, dict)
    if several:
        options = typing.get_args(options[0])[1:]
    arrays = [option for option in options if _raw(option) or _is_array(option)]
    if not arrays:
        return None
    dtypes: list[str] = []
    ranks: list[tuple[Dim, ...]] = []
    for array in arrays:
        raw = _raw(array)
        if raw:
            dtypes.append(raw.dtype)
            ranks.append(raw.dims)
        else:
            found = typing.cast("typing.Any", array)
            accepted = typing.cast("tuple[str, ...] | object", found.dtypes)
            if isinstance(accepted, tuple):  # else any dtype is
                # jaxtyping names booleans in two ways
                dtypes += [str(dtype).rstrip("_") for dtype in typing.cast("tuple[str, ...]", accepted)]
            ranks.append(tuple(_dim(word) for word in str(found.dim_str).split()))
    optional = type(None) in options or default is None
    described = " | ".join(_describe(array) for array in arrays)
    if several:
        described = f"{described} by name"
    return Port(name, tuple(dict.fromkeys(dtypes)), tuple(dict.fromkeys(ranks)), optional, described, several)


def ports_of(hints: Mapping[str, object]) -> dict[str, Port]:
    """The ports among annotated names, in order."""
    found = {name: port_of(name, hint) for name, hint in hints.items()}
    return {name: port for name, port in found.items() if port is not None}


def _options(annotation: object) -> tuple[object, ...]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)


def _raw(annotation: object) -> Raw | None:
    metadata = getattr(annotation, "__metadata__", ())
    return next((item for item in metadata if isinstance(item, Raw)), None)


def _is_array(annotation: object) -> bool:
    return hasattr(annotation, "dim_str") and hasattr(annotation, "dtypes")


def _dim(word: str) -> Dim:
    word = word.removeprefix("#")
    if "=" in word and not word.startswith("{"):
        word = word.split("=", 1)[1]
    return int(word) if word.isdigit() else word


def _describe(array: object) -> str:
    raw = _raw(array)
    if raw:
        return f"{raw.dtype}[{' '.join(raw.dims)}]" if raw.dims else raw.dtype
    return f"{str(getattr(array, '__name__', 'Array')).split('[', 1)[0]}[{getattr(array, 'dim_str', '')}]"
