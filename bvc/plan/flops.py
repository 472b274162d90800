"""FLOPs of a step on one device: two for each multiplication of a matrix product or convolution, as the field counts.

Loops count as often as they run, of branches the dearest; a `while` counts once, since nobody knows how often it runs.
"""

from __future__ import annotations

import math
from collections import Counter

from bvc.plan.ops import Op, Ops, Value
from bvc.plan.place import Pass, pass_of


def count_flops(step: Ops) -> dict[Pass, int]:
    """FLOPs on one device by pass: forward, backward, recomputed, update."""
    return dict(_count(step))


def matrix_flops(op: Op) -> int:
    """FLOPs of one op: those of a matrix product or a convolution, else 0."""
    if op.name == "dot_general":
        (contracted, _), _ = op.params["dimension_numbers"]
        left, result = op.inputs[0], op.outputs[0]
        return 2 * math.prod(result.shape) * math.prod(left.shape[dim] for dim in contracted)
    if op.name == "conv_general_dilated":
        return _convolution(op)
    return 0


def _count(body: Ops) -> Counter[Pass]:
    total: Counter[Pass] = Counter()
    for op in body.ops:
        own = matrix_flops(op)
        if own:
            total[pass_of(op)] += own
        if op.inner:
            dearest = max((_count(part) for part in op.inner), key=lambda counted: counted.total())
            for name, flops in dearest.items():
                total[name] += op.repeats * flops
    return total


def _convolution(op: Op) -> int:
    kernel: Value = op.inputs[1]
    result = op.outputs[0]
    out_features = kernel.shape[op.params["dimension_numbers"].rhs_spec[0]]
    products = math.prod(result.shape) * math.prod(kernel.shape) // out_features
    # the zeros that a strided convolution's gradient inserts into its input are not multiplied
    return 2 * products // math.prod(op.params["lhs_dilation"])
