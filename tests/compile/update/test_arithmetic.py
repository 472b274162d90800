"""The program is that of jax.numpy's operators, whether they were traced or not."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bvc.compile.update.arithmetic import add, divide, multiply, sum_entries

Abstract = jax.ShapeDtypeStruct
MATRIX, SCALAR = Abstract((3, 7), jnp.float32), Abstract((), jnp.float32)
HALF = Abstract((3, 7), jnp.bfloat16)
LAYERS = np.ones((3, 1), np.float32)


def program(operation: Callable[..., Any], *operands: Any) -> str:
    """What is traced of an operation; operands that are not abstract are constants."""

    def run(*traced: jax.Array) -> Any:
        arrays = iter(traced)
        return operation(*(next(arrays) if isinstance(each, Abstract) else each for each in operands))

    return str(jax.make_jaxpr(run)(*(each for each in operands if isinstance(each, Abstract))))


@pytest.mark.parametrize(
    "ours, theirs", [(add, operator.add), (multiply, operator.mul), (divide, operator.truediv)]
)
def test_an_operator(ours: Callable[..., Any], theirs: Callable[..., Any]) -> None:
    for x in (MATRIX, HALF):
        for y in (MATRIX, HALF, SCALAR, 0.5, 2, LAYERS):
            assert program(ours, x, y) == program(theirs, x, y)
            assert program(ours, y, x) == program(theirs, y, x)


@pytest.mark.parametrize("array", [MATRIX, SCALAR, HALF], ids=str)
def test_a_sum(array: Abstract) -> None:
    assert program(sum_entries, array) == program(jnp.sum, array)
