"""From a recorded model to ours: a spec as text, the built module, and its parameters by the public path."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from bvc.bind import bind
from bvc.compile import construct
from bvc.library.checkpoints.export import named
from bvc.library.checkpoints.load import load_parameters, with_parameters
from bvc.library.checkpoints.repairs import restack
from bvc.spec import load
from tests.modules import compiled_in_a_hurry
from tests.parity.reference import Comparison, Reference, absent, close

Arrays = Mapping[str, np.ndarray]
Outputs = Mapping[str, Array]
Forward = Callable[[Any, Mapping[str, Array]], tuple[Array, Outputs]]
"""(model, inputs) -> the recorded loss, and everything recorded by its recorded name."""


REST = """
[data.train]
name = "shapes"
split = "train"
batch = 8
pipeline = []

[objective]
type = "softmax_xent"

[optimizer]
type = "adam"
lr = 1e-3

[run]
length = "1 steps"
"""


def renamed(
    kwargs: Mapping[str, Any], names: Mapping[str, str], *, unseen: tuple[str, ...] = ()
) -> dict[str, Any]:
    """big_vision's keyword arguments under our names, without those that change no number."""
    unseen = ("scan", "remat_policy", *unseen)
    return {names.get(name, name): value for name, value in kwargs.items() if name not in unseen}


def spec(model: Mapping[str, Any]) -> str:
    """The text of a spec that holds this model, as a user would write it; None is left out."""
    lines: list[str] = []

    def table(header: str, settings: Mapping[str, Any]) -> None:
        lines.append(f"[{header}]")
        nested = {name: value for name, value in settings.items() if isinstance(value, Mapping)}
        lines.extend(
            f"{name} = {_value(value)}"
            for name, value in settings.items()
            if value is not None and name not in nested
        )
        for name, value in nested.items():
            table(f"{header}.{name}", value)

    table("model", model)
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    return f"[{', '.join(map(_value, value))}]" if isinstance(value, list | tuple) else repr(value)


def abstract(text: str) -> Any:
    """The module that the spec's `[model]` describes, without values: text -> bind -> compile."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recorded.toml"
        file.write_text(text + REST, encoding="utf-8")
        experiment = bind(load(str(file)))
    return construct.abstract(experiment.model, lambda duration: int(duration.value))


def loaded(
    text: str,
    parameters: Arrays,
    *,
    skip: tuple[str, ...] = (),
    subtree: str = "",
    initial: Arrays | None = None,
) -> Any:
    """The model of a spec with recorded parameters, which pass through a checkpoint file.

    `initial` holds values of parameters that are not loaded, under big_vision's names.
    """
    model = abstract(text)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recorded.npz"
        np.savez(file, **dict(parameters))
        values, _ = load_parameters(model, f"{file}:{subtree}" if subtree else str(file), skip=skip)
    own = {model.naming().public(name): leaf for name, leaf in (initial or {}).items()}
    return with_parameters(model, own | values)


def below(arrays: Arrays, prefix: str) -> Arrays:
    """What lies below a name, without it."""
    start = f"{prefix}/"
    return {name.removeprefix(start): leaf for name, leaf in arrays.items() if name.startswith(start)}


def compare_parameters(name: str, model: Any, recorded: Arrays, tolerance: float) -> Iterator[Comparison]:
    """Compare a model's parameters with recorded ones of big_vision's names, stacked or not."""
    ours = in_the_manner_of(recorded, model, model)
    for key, theirs in recorded.items():
        label = f"{name}/{key}"
        yield close(label, ours[key], theirs, tolerance) if key in ours else absent(label, tolerance)


def in_the_manner_of(recorded: Arrays, model: Any, values: Any) -> Arrays:
    """Leaves of `values` (a model, or gradients of it) under big_vision's names, stacked if `recorded` is."""
    naming = model.naming()
    ours = {naming.published(name): leaf for name, leaf in named(values).items()}
    for stacking in naming.stacks:
        if any(name.startswith(f"{stacking.name}/") for name in recorded):
            ours = restack(ours, stacking)
    return ours


def compare(
    reference: Reference,
    model: Any,
    forward: Forward,
    *,
    output: float = 1e-5,
    gradient: float = 1e-4,
    more: Mapping[str, Any] | None = None,
) -> Iterator[Comparison]:
    """Compare all recorded outputs, and the gradients of the loss where they are recorded.

    `more` holds outputs that were computed elsewhere.
    """
    inputs = {name: jnp.asarray(value) for name, value in reference.group("inputs").items()}
    recorded = reference.group("grads")
    with compiled_in_a_hurry():
        loss, outputs, gradients = _evaluate(model, inputs, forward, bool(recorded))
    yield from compare_outputs(reference, {**outputs, **(more or {}), "loss": loss}, output)
    if recorded:
        yield from compare_gradients(recorded, model, gradients, gradient)


def _evaluate(
    model: Any, inputs: Mapping[str, Array], forward: Forward, differentiate: bool
) -> tuple[Array, Outputs, Any]:
    if differentiate:
        step = eqx.filter_jit(eqx.filter_value_and_grad(forward, has_aux=True))
        (loss, outputs), gradients = step(model, inputs)
        return loss, outputs, gradients
    return *eqx.filter_jit(forward)(model, inputs), None


def compare_outputs(reference: Reference, outputs: Outputs, tolerance: float) -> Iterator[Comparison]:
    """Compare everything below `outputs/`."""
    for name, theirs in reference.group("outputs").items():
        ours = outputs.get(name, outputs.get(_last_block(name, outputs)))
        yield absent(name, tolerance) if ours is None else close(name, ours, theirs, tolerance)


def _last_block(name: str, outputs: Outputs) -> str:
    """big_vision's `pre_ln` is the last block's output, without its number."""
    scope = re.escape(name.removesuffix("pre_ln"))
    return max((each for each in outputs if re.fullmatch(rf"{scope}block\d+/\+mlp", each)), default=name)


def compare_gradients(recorded: Arrays, model: Any, gradients: Any, tolerance: float) -> Iterator[Comparison]:
    """Compare gradients, all on the scale of the largest one of the file."""
    ours = in_the_manner_of(recorded, model, gradients)
    scale = max(float(np.max(np.abs(leaf))) for leaf in recorded.values())
    for name, theirs in recorded.items():
        if name in ours:
            yield close(f"grads/{name}", ours[name], theirs, tolerance, scale)
        else:
            yield absent(f"grads/{name}", tolerance)
