"""Which results of a step get memory of their own: a model of how XLA fuses.

Elementwise ops are computed inside whatever reads them, unless a product (not on a TPU), a convolution, a collective
or a loop reads them, which wants its operands in memory, or (on a CPU) several ops read a result that is not trivial
to compute again. What a loop collects of an iteration is computed right into the whole, and where that is a slice
which it reads there, the compiler for TPUs keeps no second array.
Reshapes and transposes share the memory of what they show.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bvc.plan.ops import Op, Ops, Value
from bvc.plan.target import DeviceKind

_VIEWS = frozenset(
    "reshape squeeze expand_dims transpose bitcast_convert_type shard_map_result pvary pcast reshard "
    "sharding_constraint optimization_barrier copy copy_p stop_gradient random_wrap random_unwrap".split()
)
_ELEMENTWISE = frozenset(
    "add sub mul div rem max min neg abs sign pow integer_pow square sqrt rsqrt cbrt exp exp2 log log1p expm1 "
    "tanh logistic sin cos tan erf erfc erf_inv floor ceil round is_finite nextafter clamp select_n "
    "eq ne lt le gt ge and or xor not shift_left shift_right_logical shift_right_arithmetic "
    "convert_element_type reduce_precision add_any mul_add real imag iota broadcast_in_dim split concatenate pad "
    "slice rev dynamic_slice population_count clz".split()
)
_REDUCTIONS = frozenset(
    "reduce_sum reduce_max reduce_min reduce_prod reduce_and reduce_or reduce_xor argmax argmin".split()
)
_PRODUCTS = frozenset(["dot_general"])
_CHEAP = frozenset(
    "broadcast_in_dim iota convert_element_type slice dynamic_slice select_n neg not and or eq ne lt le gt ge".split()
)

_ROOTS = 8
"""A fusion that would read more arrays than this is cut: compilers bound their fusions in a similar way."""


@dataclass(frozen=True, slots=True)
class Fused:
    """Attributes:
    stored: values with memory of their own, besides the inputs.
    roots: for every value the stored values and inputs from which it is computed where it is read.
    streamed: results of a loop body that are computed right into what the loop collects.
    reduced: values that a reduction reads, directly or through what is fused into it.
    sources: for stored results of elementwise ops the stored values and inputs from which they are computed.
    """

    stored: frozenset[Value]
    roots: dict[Value, frozenset[Value]]
    streamed: frozenset[Value]
    reduced: frozenset[Value]
    sources: dict[Value, frozenset[Value]]

    def reads(self, op: Op) -> frozenset[Value]:
        """The stored values and inputs that an op reads when it runs."""
        return self.behind(op.inputs)

    def behind(self, values: Iterable[Value]) -> frozenset[Value]:
        """The stored values and inputs from which these are computed."""
        return frozenset().union(*(self.roots.get(value, frozenset()) for value in values))


def is_view(op: Op) -> bool:
    """Whether the result of an op is the same memory seen in another shape."""
    return op.name in _VIEWS


def is_elementwise(op: Op) -> bool:
    """Whether each number of a result comes of few numbers of the operands."""
    return op.name in _ELEMENTWISE


def in_place(op: Op) -> tuple[Sequence[Value], Sequence[Value]]:
    """The operands over which results may be written when nobody else needs them, and these results.

    A loop writes what it carries over what it was given to carry. What it collects has a place of its own: it still
    reads the other arrays, slice by slice.
    """
    if op.name == "scan":
        first, carried = op.params["num_consts"], op.params["num_carry"]
        return op.inputs[first : first + carried], op.outputs[:carried]
    if is_elementwise(op) or op.name in _REDUCTIONS or op.name in _UPDATES:
        return op.inputs, op.outputs
    return (), ()


_UPDATES = frozenset("while dynamic_update_slice scatter scatter-add psum psum_invariant".split())


@functools.lru_cache(maxsize=64)  # memory and time are read from the same bodies
def fuse(body: Ops, kind: DeviceKind) -> Fused:
    """Decide for every value of a body (a step, or that of a loop) whether it is stored.

    Args:
        body: the ops.
        kind: of the devices. Compilers for accelerators compute an elementwise result again for each of its
            readers, that for CPUs stores what several ops read; that for TPUs computes operands inside products.
    """
    readers: dict[Value, list[Op]] = defaultdict(list)
    for op in body.ops:
        for value in dict.fromkeys(op.inputs):
            readers[value].append(op)
    repeats = kind != "cpu"
    fusing = _PRODUCTS if kind == "tpu" else frozenset[str]()
    outputs = frozenset(body.outputs)
    demanded = _demanded(body, readers, outputs - body.stacked, fusing)
    stored: set[Value] = set()
    streamed: set[Value] = set()
    sources: dict[Value, frozenset[Value]] = {}
    roots: dict[Value, frozenset[Value]] = {value: frozenset([value]) for value in body.inputs}
    for value in body.sliced:
        # a slice of what a scan reads is cut out only for those who want it in memory
        roots[value] = frozenset([value]) if value in demanded else frozenset()
        stored.update(roots[value])
    for op in body.ops:
        passed = _passed_on(op) if kind == "tpu" else {}
        origin = frozenset().union(*(roots.get(value, frozenset()) for value in op.inputs))
        for value in op.outputs:
            if value in passed:
                roots[value] = roots.get(passed[value], frozenset())
            elif is_view(op):
                roots[value] = origin
                if value in body.stacked:
                    streamed.add(value)
            elif _fills(op) and value not in outputs:
                roots[value] = origin
            elif (
                value in demanded or not is_elementwise(op) or _keep(op, len(readers[value]), origin, repeats)
            ):
                roots[value] = frozenset([value])
                stored.add(value)
                if is_elementwise(op):
                    sources[value] = origin
            else:
                roots[value] = origin
                if value in body.stacked:
                    streamed.add(value)
    return Fused(frozenset(stored), roots, frozenset(streamed), _reduced(body, stored), sources)


def _passed_on(op: Op) -> dict[Value, Value]:
    """What a loop collects just as it reads it, slice for slice, as layers' weights: the array itself."""
    if op.name != "scan":
        return {}
    (body,) = op.inner
    whole = {
        piece: array for piece, array in zip(body.inputs, op.inputs, strict=True) if piece in body.sliced
    }
    for each in body.ops:
        if is_view(each) and each.inputs[0] in whole and each.inputs[0].shape == each.outputs[0].shape:
            whole[each.outputs[0]] = whole[each.inputs[0]]
    return {
        value: whole[made]
        for made, value in zip(body.outputs, op.outputs, strict=True)
        if made in body.stacked and made in whole
    }


def _reduced(body: Ops, stored: set[Value]) -> frozenset[Value]:
    found: set[Value] = set()
    for op in reversed(body.ops):
        through = (is_elementwise(op) or is_view(op)) and any(
            value in found and value not in stored for value in op.outputs
        )
        if op.name in _REDUCTIONS or through:
            found.update(op.inputs)
    return frozenset(found)


def _fills(op: Op) -> bool:
    """Whether a result is one number all over: compilers make it where it is read."""
    return op.name == "broadcast_in_dim" and not op.inputs[0].shape


def _keep(op: Op, readers: int, origin: frozenset[Value], repeats: bool) -> bool:
    if not op.inputs or not origin:
        return False
    return len(origin) > _ROOTS or (readers > 1 and not repeats and op.name not in _CHEAP)


def _demanded(
    body: Ops, readers: dict[Value, list[Op]], outputs: frozenset[Value], fusing: frozenset[str]
) -> frozenset[Value]:
    """Values that somebody wants in memory, directly or through views."""
    wanted: set[Value] = set()
    for op in reversed(body.ops):
        for value in op.outputs:
            if value in outputs or any(_wants_memory(reader, wanted, fusing) for reader in readers[value]):
                wanted.add(value)
    wanted.update(
        value
        for value in body.sliced
        if any(_wants_memory(reader, wanted, fusing) for reader in readers[value])
    )
    return frozenset(wanted)


def _wants_memory(reader: Op, wanted: set[Value], fusing: frozenset[str]) -> bool:
    if is_view(reader):
        return any(value in wanted for value in reader.outputs)
    return not is_elementwise(reader) and reader.name not in _REDUCTIONS and reader.name not in fusing
