"""Gradients without whole weights that wait: what depends on gathered parameters alone is computed again.

Differentiation keeps what the backward pass reads. Of that, gathered weights and whatever is made of them alone (casts,
standardized kernels, resampled embeddings) are dropped, and made anew from the parts that this device holds, once
the backward pass asks for them. Activations are kept as ever.
"""

# pyright: basic
from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any

import equinox as eqx
import jax
from jax import lax
from jax.extend.core import Jaxpr, JaxprEqn, Literal
from jax.interpreters import partial_eval
from jaxtyping import Array, Float, PyTree, Shaped

Smooth = PyTree[Float[Array, "..."]]

_AGAIN = "rematted_computation"
"""As jax calls the scope of what `checkpoint` computes again."""


_CALLS = {"jit": "jaxpr", "custom_vjp_call": "call_jaxpr", "custom_jvp_call": "call_jaxpr"}
"""Where the body of an op is that runs once, with what the op is given."""


class _Origin(IntEnum):
    """What a value is made of; of several, the greatest counts."""

    NOTHING = 0
    PART = 1
    WHOLE = 2
    ACTIVATION = 3


class Pull(eqx.Module):
    """From the cotangent of a result to those of the parameters and of each input; holds what was kept for that."""

    kept: list[Shaped[Array, "..."]]
    parts: list[Shaped[Array, "..."]]
    again: Jaxpr = eqx.field(static=True)
    dropped: tuple[bool, ...] = eqx.field(static=True)
    form: Any = eqx.field(static=True)
    arguments: Any = eqx.field(static=True)
    apart: bool = eqx.field(static=True)

    def __call__(self, cotangent: Smooth) -> tuple[Smooth, ...]:
        """Pulls, and gathers what was dropped each time that it is first read."""

        def pulled(kept: list[Array], parts: list[Array], cotangent: Smooth) -> list[Array]:
            if self.apart:
                parts = [lax.optimization_barrier(part) for part in parts]
            with jax.named_scope(_AGAIN):
                whole = iter(jax.core.eval_jaxpr(self.again, (), *parts))
            rest = iter(kept)
            leaves = [next(whole) if gone else next(rest) for gone in self.dropped]
            return list(jax.tree.unflatten(self.form, leaves)(cotangent))

        given = (self.kept, self.parts, cotangent)
        closed = jax.make_jaxpr(pulled)(*given)
        first = len(closed.jaxpr.constvars) + len(self.kept)
        jaxpr = _late(_without_constants(closed.jaxpr), range(first, first + len(self.parts)))
        found = jax.core.eval_jaxpr(jaxpr, (), *closed.consts, *jax.tree.leaves(given))
        return jax.tree.unflatten(self.arguments, found)


def vjp(
    function: Callable[..., Any],
    parameters: Smooth,
    *inputs: Smooth,
    has_aux: bool = False,
    apart: bool = True,
) -> tuple[Any, ...]:
    """As `jax.vjp(function, parameters, *inputs)`, but its second result gathers whole weights again.

    Args:
        function: of parameters as this device holds them, which it gathers, and further inputs.
        parameters: what is gathered.
        inputs: what it is differentiated by besides.
        has_aux: `function` returns a pair, the second of which is not differentiated and becomes the third result.
        apart: keep compilers from gathering once for both passes; needless where each pass is a loop of its own.
    """
    leaves, arguments = jax.tree.flatten((parameters, *inputs))
    forms: list[Any] = []

    def linear(*leaves: Float[Array, "..."]) -> tuple[list[Array], list[Array]]:
        def flat(*leaves: Float[Array, "..."]) -> Any:
            return function(*jax.tree.unflatten(arguments, leaves))

        result, pull, *aux = jax.vjp(flat, *leaves, has_aux=has_aux)
        results, shape = jax.tree.flatten((result, *aux))
        residuals, form = jax.tree.flatten(pull)
        forms.extend((shape, form))
        return results, residuals

    closed = jax.make_jaxpr(linear)(*leaves)
    shape, form = forms
    jaxpr, given = _without_constants(closed.jaxpr), [*closed.consts, *leaves]
    count = len(jax.tree.leaves(parameters))
    origins = [_of_constant(constant) for constant in closed.consts]
    origins += [_Origin.PART] * count + [_Origin.ACTIVATION] * (len(leaves) - count)
    results = shape.num_leaves
    dropped = [origin is _Origin.WHOLE for origin in _origins(jaxpr, origins)[results:]]

    stay = [*[True] * results, *(not gone for gone in dropped)]
    first, used = partial_eval.dce_jaxpr(jaxpr, stay)
    found = jax.core.eval_jaxpr(first, (), *_chosen(given, used))
    again, used = partial_eval.dce_jaxpr(jaxpr, [not remains for remains in stay])
    pull = Pull(found[results:], _chosen(given, used), again, tuple(dropped), form, arguments, apart)
    result, *aux = jax.tree.unflatten(shape, found[:results])
    return result, pull, *aux


def regathering(function: Callable[[Any, Any], Any], *, apart: bool) -> Callable[[Any, Any], Any]:
    """`function(parameters, inputs)`, which gathers whole weights again when it is differentiated; see `vjp`."""

    @jax.custom_vjp
    def applied(parameters: Smooth, inputs: Smooth, rest: PyTree[Array]) -> Any:
        return function(parameters, eqx.combine(inputs, rest))

    def forward(parameters: Smooth, inputs: Smooth, rest: PyTree[Array]) -> tuple[Any, Pull]:
        def smooth(parameters: Smooth, inputs: Smooth) -> Any:
            return function(parameters, eqx.combine(inputs, rest))

        return vjp(smooth, parameters, inputs, apart=apart)  # type: ignore[return-value]

    def backward(pull: Pull, cotangent: Smooth) -> tuple[Smooth, Smooth, None]:
        return (*pull(cotangent), None)  # type: ignore[return-value]

    applied.defvjp(forward, backward)
    return lambda parameters, inputs: applied(parameters, *eqx.partition(inputs, eqx.is_inexact_array))


def _origins(jaxpr: Jaxpr, given: Sequence[_Origin]) -> list[_Origin]:
    """What the results of a jaxpr are made of, given that of its inputs; loops and branches are one op each."""
    known = dict(zip(jaxpr.invars, given, strict=True))
    known.update((constant, _Origin.NOTHING) for constant in jaxpr.constvars)

    def origin(atom: Any) -> _Origin:
        return _Origin.NOTHING if isinstance(atom, Literal) else known[atom]

    for equation in jaxpr.eqns:
        inputs = [origin(atom) for atom in equation.invars]
        greatest = max(inputs, default=_Origin.NOTHING)
        if equation.primitive.name in _CALLS:
            results = _origins(equation.params[_CALLS[equation.primitive.name]].jaxpr, inputs)
        elif greatest is _Origin.PART and equation.primitive.name.startswith("all_gather"):
            results = [_Origin.WHOLE] * len(equation.outvars)
        else:
            results = [greatest] * len(equation.outvars)
        known.update(zip(equation.outvars, results, strict=True))
    return [origin(atom) for atom in jaxpr.outvars]


def _late(jaxpr: Jaxpr, early: range) -> Jaxpr:
    """The same, but what is made of nothing but these inputs is made right before it is read."""
    alone = {jaxpr.invars[index] for index in early}
    makers: dict[Any, JaxprEqn] = {}
    order: dict[int, JaxprEqn] = {}

    def make(equation: JaxprEqn) -> None:
        if id(equation) not in order:
            for atom in equation.invars:
                if not isinstance(atom, Literal) and atom in makers:
                    make(makers[atom])
            order[id(equation)] = equation

    for equation in jaxpr.eqns:
        if all(isinstance(atom, Literal) or atom in alone for atom in equation.invars):
            alone.update(equation.outvars)
            makers.update((result, equation) for result in equation.outvars)
        else:
            make(equation)
    for atom in jaxpr.outvars:
        if not isinstance(atom, Literal) and atom in makers:
            make(makers[atom])
    return jaxpr.replace(eqns=list(order.values()))


def _without_constants(jaxpr: Jaxpr) -> Jaxpr:
    """The same with constants as first inputs."""
    inputs = [*jaxpr.constvars, *jaxpr.invars]
    return jaxpr.replace(constvars=[], invars=inputs, debug_info=jaxpr.debug_info.with_unknown_names())


def _of_constant(constant: Any) -> _Origin:
    return _Origin.ACTIVATION if isinstance(constant, jax.core.Tracer) else _Origin.NOTHING


def _chosen(values: Sequence[Any], chosen: Sequence[bool]) -> list[Any]:
    return [value for value, wanted in zip(values, chosen, strict=True) if wanted]
