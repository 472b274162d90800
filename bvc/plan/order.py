"""In which order a compiler for GPUs runs the ops of a step, where it is not that of the program.

Both rules are for what happens outside loops; seen in the schedules of two towers and of unrolled layers.
"""

from __future__ import annotations

from bvc.plan.fusion import Fused
from bvc.plan.ops import Op, Ops, Value
from bvc.plan.place import pass_of


def made_first(body: Ops, fused: Fused) -> dict[Value, Op]:
    """What loops of the forward pass collect for the backward pass; the room for it is made before anything runs."""
    return {
        value: op
        for op in body.ops
        if op.name == "scan" and pass_of(op) == "forward"
        for value in op.outputs[op.params["num_carry"] :]
        if value in fused.stored
    }


def postponed(body: Ops, fused: Fused) -> dict[Value, int]:
    """For each operand of a gradient's product the index of the op that reads the product: only then it is computed.

    Gradients of weights are so read by the sum over devices or by the update, after the whole backward pass.
    """
    first: dict[Value, int] = {}
    for index, op in enumerate(body.ops):
        if any(value in fused.stored or value in fused.streamed for value in op.outputs):
            for value in fused.reads(op):
                first.setdefault(value, index)
    found: dict[Value, int] = {}
    for op in body.ops:
        if op.name == "dot_general" and pass_of(op) == "backward":
            until = max(first.get(value, 0) for value in op.outputs)
            found.update((value, max(found.get(value, 0), until)) for value in fused.reads(op))
    return found
