from __future__ import annotations

import math

import pytest

from bvc.plan.memory.tiles import tiled_bytes
from bvc.plan.ops import Value

MIB = 2**20


def array(*shape: int, width: int = 2) -> Value:
    return Value(shape, "bfloat16" if width == 2 else "float32", math.prod(shape) * width)


@pytest.mark.parametrize(
    ("value", "mib"),
    [
        (array(12, 32, 196, 1536), 225.0),
        (array(12, 1, 32, 6, 196, 196, width=4), 450.0),
        (array(12, 32, 196, 6, 64), 72.0),
        (array(12, 384, 6, 64, width=4), 6.75),
        (array(12, 128, 49, 3072), 441.0),
    ],
    ids=[
        "rows are padded",
        "rows and lanes",
        "turned",
        "turned so that nothing is lost",
        "rows are a large batch",
    ],
)
def test_arrays_are_padded_as_libtpu_lays_them_out(value: Value, mib: float) -> None:
    """The sizes are those of libtpu 0.0.52 for the layers of a ViT-S/16 and a ViT-B/32."""
    assert tiled_bytes(value) == mib * MIB


@pytest.mark.parametrize(
    ("value", "batched", "mib"),
    [
        (array(12, 256, 12, 16, 16, width=4), {1, 2}, 288.0),
        (array(12, 256, 12, 16, 16, width=1), {1, 2}, 72.0),
        (array(256, 197, 12, 64, width=4), {0, 2}, 192.0),
        (array(12, 256, 12, 16, 1, width=4), {1, 2}, 24.0),
    ],
    ids=["attention weights", "a mask", "an operand", "sums"],
)
def test_what_a_product_goes_through_one_by_one_lies_outside_tiles(
    value: Value, batched: set[int], mib: float
) -> None:
    """The sizes are those of libtpu 0.0.52 for the layers of BERT-base and of ViT-B/16 with a class token."""
    assert tiled_bytes(value, frozenset(batched)) == mib * MIB


@pytest.mark.parametrize("value", [array(), array(7), array(1, 300, 1), array(0, 4)], ids=str)
def test_what_has_no_two_dims_is_not_padded(value: Value) -> None:
    assert tiled_bytes(value) == value.bytes
