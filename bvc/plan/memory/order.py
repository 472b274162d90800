"""In which order compilers run the ops of a step, where it is not that of the program.

The rules are for what happens outside loops; seen in the schedules of two towers, of a
student beside its teacher, of a captioner, and of these with sharded parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bvc.plan.memory.fusion import Fused
from bvc.plan.memory.siblings import needs
from bvc.plan.ops import Op, Ops, Value
from bvc.plan.place import pass_of


def made_early(body: Ops, fused: Fused) -> dict[Value, tuple[int, Op]]:
    """What loops collect, where compilers for GPUs make the room for it: the index of an op and the loop.

    What loops of the forward pass collect for the backward pass has its room before anything runs, and what is cleared
    by the same kernel, since it has the same form. All other that loops of the backward pass collect, as gradients of
    the weights of two towers, has it before the first of these loops.
    """
    loops = [(index, op) for index, op in enumerate(body.ops) if op.name == "scan"]
    found: dict[Value, tuple[int, Op]] = {}
    first: dict[tuple[object, ...], int] = {}
    for part in ("forward", "backward"):
        own = [(index, op) for index, op in loops if pass_of(op) == part]
        start = 0 if part == "forward" else min((index for index, _ in own), default=0)
        for _, op in own:
            for value in op.outputs[op.params["num_carry"] :]:
                if value in fused.stored:
                    found[value] = first.setdefault((value.shape, value.dtype), start), op
    return found


def postponed(body: Ops, fused: Fused) -> dict[Value, int]:
    """For what gradients of weights are computed from the index of the op that reads the gradient, if it waits for it.

    Compilers for GPUs compute the gradient of the last layer's weights no earlier, after the whole backward pass, for
    which the gradient of the logits waits; products that others of the backward pass lead to wait for nothing. Where
    loops gather weights, all of them wait: what is sent meanwhile is to be hidden behind them.
    """
    first: dict[Value, int] = {}
    for index, op in enumerate(body.ops):
        if any(value in fused.stored or value in fused.streamed for value in op.outputs):
            for value in fused.reads(op):
                first.setdefault(value, index)
    found: dict[Value, int] = {}
    led: set[Value] = set()
    every = bool(gathering(body))
    for op in body.ops:
        if pass_of(op) == "backward":
            after = not led.isdisjoint(op.inputs)
            if op.name == "dot_general" and (every or not after):
                until = max(first.get(value, 0) for value in op.outputs)
                found.update((value, max(found.get(value, 0), until)) for value in fused.reads(op))
            if op.name in ("dot_general", "scan") or after:
                led.update(op.outputs)
    return found


def gathering(body: Ops) -> tuple[Op, ...]:
    """The loops of the backward pass that gather weights."""
    return tuple(op for op in body.ops if op.name == "scan" and pass_of(op) == "backward" and _gathers(op))


def _gathers(op: Op) -> bool:
    return op.name.startswith("all_gather") or any(_gathers(each) for part in op.inner for each in part.ops)


def beside(body: Ops) -> dict[Op, list[tuple[Op, bool]]]:
    """For loops of the backward pass that gather weights the later ones that begin at the same time.

    To hide what is sent, compilers for GPUs take the first iteration out of such loops, and compute those of two towers
    at once; of a loop that needs the one before it, only what is computed again. With each loop goes whether it is free
    of the one before it.
    """
    loops = gathering(body)
    if len(loops) < 2:
        return {}
    made = needs(body)
    place = {op: index for index, op in enumerate(body.ops)}
    return {
        op: [(later, not made[later.outputs[0]] >> place[op] & 1) for later in loops[at + 1 :]]
        for at, op in enumerate(loops)
    }


def largest_first(body: Ops) -> Ops:
    """The ops with loops of the forward pass that leave much before those that leave less and that they do not need.

    The compiler for TPUs orders them so: a frozen tower or teacher, which leaves nothing for the backward pass, runs
    beside all that the trained one left.
    """
    loops = [op for op in body.ops if op.name == "scan" and pass_of(op) == "forward"]
    return _moved(body, loops, {op: sum(value.bytes for value in op.outputs) for op in loops})


def heaviest_first(body: Ops, weigh: Callable[[Op], int]) -> Ops:
    """The ops with loops of the backward pass before lighter ones that they do not need.

    What the lighter ones leave, gradients of their weights, is then not yet there. Compilers for GPUs order them so,
    those for TPUs where it takes less memory.

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
