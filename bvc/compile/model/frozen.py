"""`[frozen.NAME]`: modules that answer for every batch and never change: a teacher, an oracle, a third tower.

They are called before the model, on the batch as the transforms leave it. What the model or the objective reads of
them becomes part of the batch, under `frozen.NAME.OUTPUT`. Their parameters are an argument of the step: neither
optimized nor saved, but laid out by the same rules as those of the model, under the names `frozen/NAME/...`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import equinox as eqx
import jax
from jax import lax
from jaxtyping import Array, Key, PyTree, Shaped

from bvc.compile.blame import returned
from bvc.compile.construct import Steps, abstract, is_array
from bvc.compile.model.forward import call_model
from bvc.compile.step.gradient import FORWARD, split_in_parts, written_out
from bvc.compile.typed import trace
from bvc.compile.wiring import ANSWERS, Wires, by_root, wire
from bvc.component.mesh import MeshContext
from bvc.diagnostics import Diagnostic, Failed, Label, Place
from bvc.ir import FrozenNode

Batch = Mapping[str, Shaped[Array, "b *dims"]]
Abstract = Mapping[str, jax.ShapeDtypeStruct]
Keys = Callable[[str], Key[Array, "b"]]
"""The keys of a step's examples for one use of randomness."""


@dataclass(frozen=True)
class FrozenModel:
    """One of them.

    Attributes:
        name: that of its table.
        node: the table.
        module: the module, abstractly.
        wires: what it reads of the batch.
        outputs: what it gives for each example, abstractly.
        read: those of its outputs that the model or the objective reads.
    """

    name: str
    node: FrozenNode
    module: eqx.Module
    wires: Wires
    outputs: Abstract
    read: tuple[str, ...] = ()

    @property
    def params(self) -> PyTree[jax.ShapeDtypeStruct]:
        """The array half of the module, abstractly."""
        return eqx.filter(self.module, is_array)

    @property
    def static(self) -> PyTree:
        """The other half."""
        return eqx.filter(self.module, is_array, inverse=True)

    @property
    def takes_keys(self) -> bool:
        """Whether what is random in it is drawn: by default it answers as in an evaluation."""
        return self.node.random and "keys" in self.node.component.call.given

    def __call__(self, module: eqx.Module, batch: Batch, keys: Key[Array, "b"] | None) -> dict[str, Array]:
        """`frozen.NAME.OUTPUT` -> array, for what is read of it."""
        found = call_model(self.wires.read(by_root(batch)), module, keys)
        return {f"{ANSWERS}{self.name}.{output}": found[output] for output in self.read}


def make_frozen(
    nodes: Mapping[str, FrozenNode],
    batch: Abstract,
    steps: Steps,
    makers: Mapping[str, Place],
    droppers: Mapping[str, Label],
    batch_maker: Place,
) -> tuple[FrozenModel, ...]:
    """Wire the frozen modules to the batch and evaluate each abstractly.

    Args:
        nodes: their tables.
        batch: the features of a batch after the transforms, abstractly.
        steps: turns durations into steps.
        makers: `batch.F` -> the op that makes F.
        droppers: F -> the op that drops F.
        batch_maker: the pipeline.

    Raises:
        Failed: with what does not fit, at the node where it does not.
    """
    made: list[FrozenModel] = []
    wrong: list[Diagnostic] = []
    for name, node in nodes.items():
        try:
            made.append(_made(name, node, batch, steps, makers, droppers, batch_maker))
        except Failed as failure:
            wrong += failure.diagnostics
    if wrong:
        raise Failed(wrong)
    return tuple(made)


def _made(
    name: str,
    node: FrozenNode,
    batch: Abstract,
    steps: Steps,
    makers: Mapping[str, Place],
    droppers: Mapping[str, Label],
    batch_maker: Place,
) -> FrozenModel:
    module = abstract(node, steps)
    method = node.component.call
    given = by_root(batch)
    wires, diagnostics = wire(node, method, given, droppers=droppers, batch_maker=batch_maker)
    if diagnostics:
        raise Failed(diagnostics)
    found = FrozenModel(name, node, module, wires, {})
    count = next((array.shape[0] for array in batch.values()), 0)
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), count)) if found.takes_keys else None
    traced = trace(node, method, wires, given, call_model, module, keys, makers=makers)
    if traced.diagnostics:
        raise Failed(traced.diagnostics)
    returned(node, isinstance(traced.result, Mapping), "a dict of named outputs", traced.result)
    rows = {
        output: array
        for output, array in traced.result.items()
        if getattr(array, "shape", ())[:1] == (count,)
    }
    return replace(found, outputs=rows)


def reading(models: tuple[FrozenModel, ...], paths: frozenset[str]) -> tuple[FrozenModel, ...]:
    """The models, knowing which of their outputs are among the wired `paths`."""
    return tuple(
        replace(model, read=tuple(name for name in model.outputs if f"{ANSWERS}{model.name}.{name}" in paths))
        for model in models
    )


def with_answers(
    models: tuple[FrozenModel, ...],
    modules: Mapping[str, eqx.Module],
    batch: Batch,
    keys: Keys,
    parts: int,
    mesh: MeshContext,
) -> Batch:
    """The batch with what is read of the frozen modules, worked off in as many parts as the step.

    Args:
        models: the frozen modules.
        modules: name -> module with its parameters.
        batch: this device's examples.
        keys: the keys of its examples for a use of randomness.
        parts: in how many parts it works them off.
        mesh: the mesh.
    """
    asked = [model for model in models if model.read]
    if not asked:
        return batch
    drawn = {model.name: keys(f"frozen/{model.name}") for model in asked if model.takes_keys}

    def answer(batch: Batch, drawn: Mapping[str, Key[Array, "b"]]) -> dict[str, Array]:
        found: dict[str, Array] = {}
        for model in asked:
            found |= model(modules[model.name], batch, drawn.get(model.name))
        return found

    with jax.named_scope(FORWARD):
        if parts == 1:
            answers = answer(batch, drawn)
        else:
            pieces = split_in_parts((dict(batch), drawn), parts)
            _, stacked = lax.scan(
                lambda _, piece: (None, answer(*piece)), None, pieces, unroll=written_out(mesh)
            )
            answers = {name: array.reshape(-1, *array.shape[2:]) for name, array in stacked.items()}
    return {**batch, **answers}
