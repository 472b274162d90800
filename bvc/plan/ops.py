"""A traced step as a flat list of ops on one device.

Every analysis of the plan reads this form: calls (`jit`, `remat`, custom derivatives, `shard_map`) are inlined,
shapes are those that one device holds, fully unrolled scans are written out, and what nobody needs is gone. Other loops
and branches keep their bodies.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var
from jax.sharding import PartitionSpec

from bvc.plan.spread import Spread, local_shape, spread_outputs


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """An array as one device holds it. Two values are the same only if they are the same object.

    Attributes:
        shape: on this device.
        dtype: name of the element type.
        bytes: without padding.
        spread: outside `shard_map`, the mesh axes that split each dim.
        name: for an argument of the step, what it is.
    """

    shape: tuple[int, ...]
    dtype: str
    bytes: int
    spread: Spread = ()
    name: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """One primitive, on one device.

    Attributes:
        inner: the body of a loop, or the branches of a condition.
        repeats: how often `inner` runs (1 where it is not known).
        sums: axes over which the compiler has to sum the result (only outside `shard_map`).
        source: where it was traced, as jax keeps it.
        scope: the name stack, with those of all that surrounds it; tells the pass.
    """

    name: str
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    inner: tuple[Ops, ...] = ()
    repeats: int = 1
    sums: tuple[str, ...] = ()
    source: Any = None
    scope: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Ops:
    """Ops in program order.

    Attributes:
        sliced: inputs of a loop body that are a slice of what the loop reads.
        carried: inputs of a loop body that the previous iteration left.
        stacked: results of a loop body that the loop collects, one of each iteration.
    """

    ops: tuple[Op, ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    sliced: frozenset[Value] = frozenset()
    carried: frozenset[Value] = frozenset()
    stacked: frozenset[Value] = frozenset()


def read_step(
    step: ClosedJaxpr, axes: Mapping[str, int], specs: Sequence[PartitionSpec], names: Sequence[str]
) -> Ops:
    """The ops of a step.

    Args:
        step: the traced step, arguments flattened.
        axes: sizes of the mesh axes.
        specs: the layout of each argument.
        names: what each argument is.
    """
    reader = _Reader(axes)
    inputs = [
        reader.value(var, _axes_of(spec, len(var.aval.shape)), name)
        for var, spec, name in zip(step.jaxpr.invars, specs, names, strict=True)
    ]
    outputs = reader.read(step.jaxpr, inputs, step.consts, inside=False)
    return Ops(_needed(reader.ops, outputs), tuple(inputs), tuple(outputs))


RECOMPUTED = "recomputed part"
"""What tells the ops at the beginning of a part that is computed again; it has a number."""

_CALLS = {"jaxpr", "call_jaxpr", "fun_jaxpr"}
_BODIES = {"scan", "while", "cond"}


class _Reader:
    """Walks a jaxpr and writes ops. One reader per body."""

    def __init__(self, axes: Mapping[str, int], scope: str = "") -> None:
        self.axes = axes
        self.scope = scope
        self.ops: list[Op] = []
        self.stacks: dict[Value, list[Value]] = {}
        self.literals: dict[tuple[str, str], Value] = {}
        self.seen: dict[tuple[Any, ...], list[Value]] = {}

    def value(self, var: Any, spread: Spread = (), name: str = "") -> Value:
        shape = local_shape(tuple(getattr(var.aval, "shape", ())), spread, self.axes)
        dtype = getattr(var.aval, "dtype", None)
        size = 0 if dtype is None else math.prod(shape) * dtype.itemsize
        return Value(shape, _text(dtype), size, spread, name)

    def _literal(self, atom: Literal) -> Value:
        known = str(atom.val), _text(atom.aval)
        if known not in self.literals:
            self.literals[known] = self.value(atom, name="constant")
        return self.literals[known]

    def read(
        self, jaxpr: Jaxpr, inputs: Sequence[Value], consts: Sequence[Any], *, inside: bool
    ) -> list[Value]:
        """Write the ops of `jaxpr`; `inside` tells that shapes are already those of one device."""
        known: dict[Var, Value] = dict(zip(jaxpr.invars, inputs, strict=True))
        known.update((var, self.value(var, name="constant")) for var in jaxpr.constvars)

        def lookup(atom: Any) -> Value:
            return self._literal(atom) if isinstance(atom, Literal) else known[atom]

        around = self.scope
        for eqn in jaxpr.eqns:
            self.scope = f"{around}/{eqn.source_info.name_stack}"
            outputs = self._equation(eqn, [lookup(atom) for atom in eqn.invars], inside)
            known.update(zip(eqn.outvars, outputs, strict=True))
        self.scope = around
        return [lookup(atom) for atom in jaxpr.outvars]

    def _equation(self, eqn: JaxprEqn, inputs: list[Value], inside: bool) -> list[Value]:
        name = eqn.primitive.name
        if name == "shard_map":
            outputs = self.read(eqn.params["jaxpr"], inputs, (), inside=True)
            specs = eqn.params["out_specs"]
            return [
                self._reshaped(value, _axes_of(spec, len(value.shape)), var)
                for value, spec, var in zip(outputs, specs, eqn.outvars, strict=True)
            ]
        if name == "scan" and eqn.params["unroll"] >= eqn.params["length"] > 0:
            return self._unrolled(eqn, inputs, inside)
        if name in _BODIES:
            return self._body(eqn, inputs, inside)
        if eqn.params.get("prevent_cse") is True:
            inputs = self._apart(eqn, inputs)
        body = next((eqn.params[key] for key in _CALLS if key in eqn.params), None)
        if body is not None and _arity(body) == len(inputs):
            return self.read(_open(body), inputs, (), inside=inside)
        return self._plain(eqn, inputs, inside)

    def _plain(self, eqn: JaxprEqn, inputs: list[Value], inside: bool) -> list[Value]:
        """An op without a body; the same op on the same values is computed once, as compilers do."""
        signature = (eqn.primitive.name, *inputs, str(eqn.params))
        if signature in self.seen and not eqn.effects:
            return self.seen[signature]
        sums: tuple[str, ...] = ()
        spreads: list[Spread] = [()] * len(eqn.outvars)
        if not inside:
            spreads, sums = spread_outputs(eqn, [value.spread for value in inputs])
        outputs = [self.value(var, spread) for var, spread in zip(eqn.outvars, spreads, strict=True)]
        self._write(eqn, inputs, outputs, sums=sums)
        self.seen[signature] = outputs
        return outputs

    def _apart(self, eqn: JaxprEqn, inputs: list[Value]) -> list[Value]:
        """The inputs behind a barrier, so that nothing computed from them is taken for what was computed before."""
        outputs = [Value(value.shape, value.dtype, value.bytes, value.spread, value.name) for value in inputs]
        part = {RECOMPUTED: len(self.ops)}
        for value, output in zip(inputs, outputs, strict=True):
            self.ops.append(Op("optimization_barrier", (value,), (output,), part, source=eqn.source_info))
        return outputs

    def _reshaped(self, value: Value, spread: Spread, var: Any) -> Value:
        """The result of a shard_map seen from outside: the same buffer, with the spread of its out_spec."""
        if value.spread == spread:
            return value
        outer = self.value(var, spread)
        self.ops.append(Op("shard_map_result", (value,), (outer,)))
        return outer

    def _body(self, eqn: JaxprEqn, inputs: list[Value], inside: bool) -> list[Value]:
        params = eqn.params
        repeats = 1
        collected: int | None = None
        if eqn.primitive.name == "scan":
            bodies = [params["jaxpr"]]
            repeats = params["length"]
            first, second = params["num_consts"], params["num_consts"] + params["num_carry"]
            slices = [_entry(value) for value in inputs[second:]]
            arguments = [[*inputs[:second], *slices]]
            carried, sliced = frozenset(inputs[first:second]), frozenset(slices)
            collected = params["num_carry"]
        elif eqn.primitive.name == "while":
            bodies = [params["body_jaxpr"]]
            arguments = [inputs[params["cond_nconsts"] :]]
            carried, sliced = (
                frozenset(inputs[params["cond_nconsts"] + params["body_nconsts"] :]),
                frozenset(),
            )
        else:
            bodies = list(params["branches"])
            arguments = [inputs[1:]] * len(bodies)
            carried, sliced = frozenset(), frozenset()
        inner: list[Ops] = []
        spreads: list[Spread] = []
        for body, given in zip(bodies, arguments, strict=True):
            reader = _Reader(self.axes, self.scope)
            made = reader.read(_open(body), given, body.consts, inside=inside)
            spreads = [value.spread for value in made]
            stacked = frozenset() if collected is None else frozenset(made[collected:])
            inner.append(Ops(_needed(reader.ops, made), tuple(given), tuple(made), sliced, carried, stacked))
        if eqn.primitive.name == "scan" and not inside:
            carry = params["num_carry"]
            spreads = [*spreads[:carry], *(((), *spread) for spread in spreads[carry:])]
        outputs = [
            self.value(var, () if inside else spread)
            for var, spread in zip(eqn.outvars, spreads, strict=True)
        ]
        self._write(eqn, inputs, outputs, tuple(inner), repeats)
        return outputs

    def _unrolled(self, eqn: JaxprEqn, inputs: list[Value], inside: bool) -> list[Value]:
        """A scan that is lowered without a loop: what one scan stacked and another one takes apart is never built."""
        params = eqn.params
        first, second = params["num_consts"], params["num_consts"] + params["num_carry"]
        length = params["length"]
        consts, carry, stacked = inputs[:first], inputs[first:second], inputs[second:]
        columns = [self._unstack(value, length) for value in stacked]
        results: list[list[Value]] = [[] for _ in eqn.outvars[params["num_carry"] :]]
        order = range(length - 1, -1, -1) if params["reverse"] else range(length)
        for step in order:
            given = [*consts, *carry, *(column[step] for column in columns)]
            made = self.read(params["jaxpr"].jaxpr, given, params["jaxpr"].consts, inside=inside)
            carry = made[: params["num_carry"]]
            for result, value in zip(results, made[params["num_carry"] :], strict=True):
                result.append(value)
        outputs = list(carry)
        for var, result in zip(eqn.outvars[params["num_carry"] :], results, strict=True):
            whole = self.value(var, () if inside else ((), *result[0].spread))
            self.stacks[whole] = result[::-1] if params["reverse"] else result
            self.ops.append(
                Op("concatenate", tuple(result), (whole,), source=eqn.source_info, scope=self.scope)
            )
            outputs.append(whole)
        return outputs

    def _unstack(self, value: Value, length: int) -> list[Value]:
        if value not in self.stacks:
            slices = [_entry(value) for _ in range(length)]
            self.ops.extend(Op("slice", (value,), (piece,)) for piece in slices)
            self.stacks[value] = slices
        return self.stacks[value]

    def _write(
        self,
        eqn: JaxprEqn,
        inputs: Sequence[Value],
        outputs: Sequence[Value],
        inner: tuple[Ops, ...] = (),
        repeats: int = 1,
        sums: tuple[str, ...] = (),
    ) -> None:
        name, source = eqn.primitive.name, eqn.source_info
        self.ops.append(
            Op(name, tuple(inputs), tuple(outputs), eqn.params, inner, repeats, sums, source, self.scope)
        )


def _needed(ops: Sequence[Op], outputs: Sequence[Value]) -> tuple[Op, ...]:
    """The ops whose results are read, in order."""
    wanted = set(outputs)
    kept: list[Op] = []
    for op in reversed(ops):
        if any(value in wanted for value in op.outputs):
            wanted.update(op.inputs)
            kept.append(op)
    return tuple(reversed(kept))


@functools.lru_cache(maxsize=1024)
def _text(of: Hashable) -> str:
    """The text of a dtype or of an abstract value, which takes numpy longer than all else that is said of a value."""
    return str(of)


def _open(body: Any) -> Jaxpr:
    return body.jaxpr if isinstance(body, ClosedJaxpr) else body


def _arity(body: Any) -> int:
    return len(_open(body).invars) if isinstance(body, ClosedJaxpr | Jaxpr) else -1


def _axes_of(spec: PartitionSpec, rank: int) -> tuple[tuple[str, ...], ...]:
    parts = [() if part is None else (part,) if isinstance(part, str) else tuple(part) for part in spec]
    return tuple(parts + [()] * (rank - len(parts)))


def _entry(value: Value) -> Value:
    """One entry on dim 0 of a value."""
    count = value.shape[0]
    return Value(value.shape[1:], value.dtype, value.bytes // count if count else 0, value.spread[1:])
