"""Which parameters an array inside a step belongs to: it is made from them, or it becomes their gradient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bvc.plan.ops import Op, Ops, Value
from bvc.plan.place import component_line, pass_of

# Ops through which an array stays the same thing to a reader: other dtype, other shape, a slice of it.
_SAME_THING = frozenset(
    "convert_element_type reshape squeeze expand_dims transpose slice dynamic_slice pvary pcast copy "
    "optimization_barrier shard_map_result".split()
)
# Ops through which a gradient stays the gradient of the same parameter.
_GRADIENT = _SAME_THING | frozenset(
    "add_any concatenate psum psum_invariant reduce_scatter broadcast_in_dim".split()
)


class Naming:
    """Names of values in a step; bodies of loops share them with what is around."""

    def __init__(self, step: Ops, results: Sequence[str]) -> None:
        """`results` says of every output of the step which parameters it holds anew, if any."""
        self._sources: dict[Value, str] = {}
        self._aims: dict[Value, str] = {}
        self._follow(step)
        self._aims.update((value, name) for value, name in zip(step.outputs, results, strict=True) if name)
        self._trace_back(step)

    def what(self, op: Op) -> str:
        """What an op is about: parameters, their gradients, or else the line of the component that asked for it."""
        made_from = _first(self._sources, op.inputs)
        if made_from:
            return f"parameters {made_from}"
        becomes = _first(self._aims, op.outputs)
        if becomes and pass_of(op) in ("backward", "recomputed"):
            return f"gradients of {becomes}"
        return component_line(op.source) or pass_of(op)

    def _follow(self, body: Ops) -> None:
        self._sources.update((value, value.name) for value in body.inputs if value.name)
        for op in body.ops:
            name = _first(self._sources, op.inputs[:1])
            if name and op.name in _SAME_THING:
                self._sources.update((value, name) for value in op.outputs)
            for part in op.inner:
                self._sources.update(_handed(self._sources, op.inputs, part.inputs, op.name))
                self._follow(part)

    def _trace_back(self, body: Ops) -> None:
        for op in reversed(body.ops):
            for part in op.inner:
                self._aims.update(_handed(self._aims, op.outputs, part.outputs, op.name))
                self._trace_back(part)
                self._aims.update(_handed(self._aims, part.inputs, op.inputs, op.name))
            name = _first(self._aims, op.outputs)
            if name and (op.name in _GRADIENT or (pass_of(op) == "update" and not op.inner)):
                shapes = {value.shape for value in op.outputs}
                for value in op.inputs:
                    same = value.shape in shapes or op.name in _GRADIENT
                    if same and value.shape and value not in self._aims:
                        self._aims[value] = name


def _first(names: Mapping[Value, str], values: Iterable[Value]) -> str:
    return next((names[value] for value in values if value in names), "")


def _handed(
    names: Mapping[Value, str], outer: Sequence[Value], inner: Sequence[Value], op: str
) -> dict[Value, str]:
    """Names that pass between a scan and its body, one value for each."""
    if op != "scan":
        return {}
    return {
        there: names[here]
        for here, there in zip(outer, inner, strict=True)
        if here in names and there not in names
    }
