"""In which order compilers run the ops of a step, where it is not that of the program.

The rules are for what happens outside loops; seen in the schedules of two towers, of a student beside its teacher, and
of unrolled layers. The first two are those of compilers for GPUs, the others are those of the one for TPUs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bvc.plan.fusion import Fused
from bvc.plan.ops import Op, Ops, Value
from bvc.plan.place import Pass, pass_of
from bvc.plan.siblings import needs


def made_first(body: Ops, fused: Fused) -> dict[Value, Op]:
    """What loops of the forward pass collect for the backward pass; the room for it is made before anything runs.

    Arrays of one form are cleared by one kernel: with it comes the room for what loops of the backward pass collect in
    the same form, as gradients of weights in the precision of the weights.
    """
    found = _collected(body, fused, "forward")
    forms = {(value.shape, value.dtype) for value in found}
    later = _collected(body, fused, "backward").items()
    return found | {value: op for value, op in later if (value.shape, value.dtype) in forms}


def _collected(body: Ops, fused: Fused, part: Pass) -> dict[Value, Op]:
    return {
        value: op
        for op in body.ops
        if op.name == "scan" and pass_of(op) == part
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


def largest_first(body: Ops) -> Ops:
    """The ops with loops of the forward pass that leave much before those that leave less and that they do not need.

    A frozen tower or teacher, which leaves nothing for the backward pass, so runs beside all that the trained one left.
    """
    loops = [op for op in body.ops if op.name == "scan" and pass_of(op) == "forward"]
    return _moved(body, loops, {op: sum(value.bytes for value in op.outputs) for op in loops})


def heaviest_first(body: Ops, weigh: Callable[[Op], int]) -> Ops:
    """The ops with loops of the backward pass before lighter ones that they do not need.

    What the lighter ones leave, gradients of their weights, is then not yet there.

    Args:
        body: the ops of a step.
        weigh: the bytes that one iteration of a loop takes.
    """
    loops = [op for op in body.ops if op.name == "scan" and pass_of(op) == "backward"]
    return _moved(body, loops, {op: weigh(op) for op in loops} if len(loops) > 1 else {})


def _moved(body: Ops, loops: Sequence[Op], weights: Mapping[Op, int]) -> Ops:
    """The ops with heavier loops before lighter ones where they can be; the same object if nothing moves."""
    if len(loops) < 2:
        return body
    made = needs(body)
    needed = {op: made[op.outputs[0]] for op in body.ops if op.outputs}
    ops = list(body.ops)
    for heavy in sorted(loops, key=weights.__getitem__):
        for light in loops:
            start, end = ops.index(light), ops.index(heavy)
            bit = 1 << body.ops.index(light)
            if start < end and weights[light] < weights[heavy] and not needed[heavy] & bit:
                between = ops[start : end + 1]
                before = [op for op in between if not needed.get(op, bit) & bit]
                ops[start : end + 1] = [*before, *(op for op in between if needed.get(op, bit) & bit)]
    return body if ops == list(body.ops) else replace(body, ops=tuple(ops))
