"""A stored `tf.Example` as features, straight from its fields: where TFDS stores plain values, its own reader takes ten
times as long. What it stores otherwise (ragged, compressed, of several unknown sizes) is left to it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_PLAIN = frozenset(("Image", "LabeledImage", "Text", "ClassLabel", "Scalar", "Tensor", "BBoxFeature"))
_LISTS = {"i": "int64_list", "u": "int64_list", "b": "int64_list", "f": "float_list"}


@dataclass(frozen=True, slots=True)
class Field:
    """One feature as it is stored.

    Attributes:
        name: flat (`captions/text`).
        dtype: of the array; None for texts and encoded files.
        text: whether bytes are a text.
        shape: of one value.
        several: whether there is any number of values.
        classes: of a class id, how many there are.
    """

    name: str
    dtype: np.dtype[Any] | None
    text: bool
    shape: tuple[int, ...]
    several: bool
    classes: int | None


def fields_of(features: Any, prefix: str = "", several: bool = False) -> tuple[Field, ...] | None:
    """The fields of TFDS features; None if one of them is not stored plainly."""
    found: list[Field] = []
    for name, inner in features.items():
        sequence = type(inner).__name__ == "Sequence"
        held = inner.feature if sequence else inner
        kind = type(held).__name__
        if sequence and several:
            return None
        if kind == "FeaturesDict":
            below = fields_of(held, f"{prefix}{name}/", several or sequence)
            if below is None:
                return None
            found += below
        elif kind not in _PLAIN or getattr(getattr(held, "_encoding", None), "value", "none") != "none":
            return None
        else:
            field = _field(prefix + name, held, kind, several or sequence)
            if field is None:
                return None
            found.append(field)
    return tuple(found)


def _field(name: str, held: Any, kind: str, several: bool) -> Field | None:
    if kind in ("Image", "LabeledImage"):
        return Field(name, None, False, (), several, None)
    dtype = np.dtype(held.np_dtype)
    if dtype.kind in "OSU":
        return Field(name, None, True, (), several, None) if not held.shape else None
    if None in held.shape or dtype.kind not in _LISTS:
        return None
    classes = held.num_classes if kind == "ClassLabel" else None
    return Field(name, dtype, False, tuple(held.shape), several, classes)


def read_example(raw: bytes, fields: Sequence[Field]) -> dict[str, Any]:
    """The features of an example.

    Raises:
        ValueError: it is no example, or does not hold these fields.
    """
    from google.protobuf.message import DecodeError
    from tensorflow_datasets.proto import tf_example_pb2

    messages: Any = tf_example_pb2  # its classes are made when it is imported
    try:
        stored = messages.Example.FromString(raw).features.feature
    except DecodeError as error:
        raise ValueError("it is no `tf.Example`") from error
    return {field.name: _value(stored, field) for field in fields}


def _value(stored: Any, field: Field) -> Any:
    if field.name not in stored:
        raise ValueError(f"`{field.name}` is missing")
    feature = stored[field.name]
    wanted = "bytes_list" if field.dtype is None else _LISTS[field.dtype.kind]
    kind = feature.WhichOneof("kind")
    values = () if kind is None else getattr(feature, kind).value
    if len(values) and kind != wanted:
        raise ValueError(f"`{field.name}` is stored as {kind}, not as {wanted}")
    size = math.prod(field.shape)
    if len(values) % max(size, 1) if field.several else len(values) != size:
        raise ValueError(f"`{field.name}` holds {len(values)} values, not {size}")
    if field.dtype is None:
        found = [value.decode("utf-8") for value in values] if field.text else list(values)
        return found if field.several else found[0]
    array = np.array(values, field.dtype)
    if field.classes is not None:
        check_classes(field.name, array, field.classes)
    return array.reshape((-1, *field.shape) if field.several else field.shape)


def check_classes(name: str, ids: np.ndarray, count: int | None) -> None:
    """Raise `ValueError` for an id that is no class; -1 stands for none, where a split has no labels."""
    wrong = ids[(ids < -1) | (ids >= (count or np.inf))]
    if wrong.size:
        raise ValueError(f"`{name}` is class {wrong[0]}, of {count}")
