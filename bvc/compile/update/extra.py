"""What a transform may ask for besides gradients, state and parameters: optax's extra arguments.

A learned optimizer reads how far the run is, one that adapts the step size the loss. It returns an
`optax.GradientTransformationExtraArgs` whose `update` names them.
"""

from __future__ import annotations

import inspect

import optax

OFFERED = ("loss", "value", "progress")
"""`loss`, which optax calls `value`: of the step, over all devices. `progress`: the part of the run that is done."""


def asked(transform: optax.GradientTransformation) -> tuple[str, ...]:
    """Those of `OFFERED` that are handed to the transform: what it names, or all if it takes any (as a chain does)."""
    if not isinstance(transform, optax.GradientTransformationExtraArgs):
        return ()
    parameters = inspect.signature(transform.update).parameters
    if any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
        return OFFERED
    return tuple(name for name in OFFERED if name in parameters)


def unmet(transform: optax.GradientTransformation) -> list[str]:
    """What it cannot do without, and a step does not have."""
    return [
        each.name
        for each in inspect.signature(transform.update).parameters.values()
        if each.kind is each.KEYWORD_ONLY and each.default is each.empty and each.name not in OFFERED
    ]
