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
from jax.core import Tracer, eval_jaxpr
from jax.extend.core import DropVar, Jaxpr, JaxprEqn, Literal
from jax.interpreters import partial_eval
from jaxtyping import Array, Float, PyTree, Shaped

from bvc.component.mesh import unvaried, varying

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
    after: Float[Array, "..."] | None
    again: Jaxpr = eqx.field(static=True)
    dropped: tuple[bool, ...] = eqx.field(static=True)
    form: Any = eqx.field(static=True)
    arguments: Any = eqx.field(static=True)

    def __call__(self, cotangent: Smooth) -> tuple[Smooth, ...]:
        """Pulls, and gathers what was dropped each time that it is first read."""

        def pulled(
            parts: list[Array], after: Array | None, kept: list[Array], cotangent: Smooth
        ) -> list[Array]:
            with jax.named_scope(_AGAIN):
                whole = iter(_run(self.again, [_behind(after, part) for part in parts], after))
            rest = iter(kept)
            leaves = [next(whole) if gone else next(rest) for gone in self.dropped]
            return list(jax.tree.unflatten(self.form, leaves)(cotangent))

        early = len(jax.tree.leaves((self.parts, self.after)))
        given = (self.parts, self.after, self.kept, cotangent)
        closed = jax.make_jaxpr(pulled)(*given)
        jaxpr = _late(closed.jaxpr, early)
        found = eval_jaxpr(jaxpr, closed.consts, *jax.tree.leaves(given))
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
        apart: gather only after the result is there, or compilers would gather once for both passes; needless
            where each pass is a loop of its own.
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
    found = eval_jaxpr(first, (), *_chosen(given, used))
    again, used = partial_eval.dce_jaxpr(jaxpr, [not remains for remains in stay])
    result, *aux = jax.tree.unflatten(shape, found[:results])
    after = max(jax.tree.leaves(result), key=lambda leaf: leaf.size) if apart else None
    pull = Pull(found[results:], _chosen(given, used), after, again, tuple(dropped), form, arguments)
    return result, pull, *aux


def regathering(function: Callable[[Any, Any], Any], *, apart: bool) -> Callable[[Any, Any], Any]:
    """`function(parameters, inputs)`, which gathers whole weights again when it is differentiated; see `vjp`."""

    def called(parameters: Smooth, inputs: PyTree[Array]) -> Any:
        closed, shape = jax.make_jaxpr(function, return_shape=True)(parameters, inputs)
        around, own = eqx.partition(closed.consts, lambda constant: isinstance(constant, Tracer))

        def plain(parameters: Smooth, smooth: Smooth, rest: PyTree[Array]) -> Any:
            inputs, around = eqx.combine(smooth, rest)
            constants, leaves = eqx.combine(around, own), jax.tree.leaves((parameters, inputs))
            return jax.tree.unflatten(jax.tree.structure(shape), eval_jaxpr(closed.jaxpr, constants, *leaves))

        applied = jax.custom_vjp(plain)

        def forward(parameters: Smooth, smooth: Smooth, rest: PyTree[Array]) -> tuple[Any, Pull]:
            return vjp(lambda *given: plain(*given, rest), parameters, smooth, apart=apart)  # type: ignore[return-value]

        def backward(pull: Pull, cotangent: Smooth) -> tuple[Smooth, Smooth, None]:
            return (*pull(cotangent), None)  # type: ignore[return-value]

        applied.defvjp(forward, backward)
        return applied(parameters, *eqx.partition((inputs, around), eqx.is_inexact_array))

    return called


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


def _run(jaxpr: Jaxpr, given: Sequence[Array], after: Array | None) -> list[Array]:
    """The results of a jaxpr, in which parts wait for `after` as soon as they vary along its axes."""
    known: dict[Any, Any] = dict(zip(jaxpr.invars, given, strict=True))

    def value(atom: Any) -> Any:
        return atom.val if isinstance(atom, Literal) else known[atom]

    for equation in jaxpr.eqns:
        name, made = equation.primitive.name, equation.outvars
        if name in _CALLS:
            body = equation.params[_CALLS[name]]
            inputs = [*body.consts, *(value(atom) for atom in equation.invars)]
            results = _run(_without_constants(body.jaxpr), inputs, after)
        else:
            read = list(dict.fromkeys(atom for atom in equation.invars if not isinstance(atom, Literal)))
            made = [result for result in made if not isinstance(result, DropVar)]
            alone = jaxpr.replace(constvars=[], invars=read, outvars=made, eqns=[equation])
            results = eval_jaxpr(alone, (), *(known[atom] for atom in read))
            if name == "pvary" and read and not _can_wait(known[read[0]], after):
                results = [_behind(after, *results)]
        known.update(zip(made, results, strict=True))
    return [value(atom) for atom in jaxpr.outvars]


def _can_wait(value: Array, after: Array | None) -> bool:
    """Whether it varies along the axes of `after`; what a barrier holds must vary alike."""
    return after is not None and varying(value) >= varying(after)


def _behind(after: Array | None, value: Array) -> Array:
    """`value`, but not before `after` is there, where it can wait."""
    if after is None or not _can_wait(value, after):
        return value
    after = lax.pcast(after, unvaried(after, sorted(varying(value))), to="varying")
    return lax.optimization_barrier((value, after))[0]


def _late(jaxpr: Jaxpr, early: int) -> Jaxpr:
    """The same, but what is made of nothing but the first inputs is made right before it is read."""
    alone = set(jaxpr.invars[:early])
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
    return _Origin.ACTIVATION if isinstance(constant, Tracer) else _Origin.NOTHING


def _chosen(values: Sequence[Any], chosen: Sequence[bool]) -> list[Any]:
    return [value for value, wanted in zip(values, chosen, strict=True) if wanted]
