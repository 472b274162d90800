"""A trained model: the parameters of a checkpoint, its evaluations, its views as functions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, PyTree, Shaped

from bvc.compile.construct import models
from bvc.compile.model.views import find_view, view_names
from bvc.compile.program import Program
from bvc.compile.step.state import State, state_shardings
from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import run as catalog
from bvc.diagnostics.suggest import did_you_mean
from bvc.runtime.assemble import Machine, evaluations, initial_state, placed
from bvc.runtime.checkpoints.stored import at, newest, reason, steps
from bvc.runtime.folder import Folder
from bvc.runtime.workdir import CHECKPOINTS


@dataclass(frozen=True)
class Trained:
    """A model with the parameters of a checkpoint, on the devices.

    Attributes:
        program: what it was trained by.
        here: the devices.
        step: steps that were done.
        params: the array half of the model.
        ema: averages of the parameters, if the run keeps them.
    """

    program: Program
    here: Machine
    step: int
    params: PyTree[Array]
    ema: Mapping[str, Array] | None = None

    @functools.cached_property
    def model(self) -> eqx.Module:
        """The model itself."""
        return eqx.combine(self.params, self.here.step.static)

    def evaluate(self, root: str, workdir: Folder | None = None) -> dict[str, float]:
        """All metrics of all evaluators, with their prefixes; their files go to `workdir`, if there is one.

        Raises:
            Failed: data cannot be read.
        """
        state = State(np.int32(self.step), self.params, {}, self.ema)  # type: ignore[arg-type]
        found: dict[str, float] = {}
        for evaluation in evaluations(self.program, root, self.here, workdir):
            metrics = evaluation.run(state, lambda: None)
            found |= {evaluation.prefix + name: value for name, value in metrics.items()}
        return found

    def view(self, name: str) -> Callable[..., Mapping[str, Shaped[Array, "b *dims"]]]:
        """A view of the model as a jitted function of its ports, such as `embed_image(image=...)`.

        Raises:
            KeyError: the model has no such view.
        """
        model, frozen = self.program.experiment.model, self.program.experiment.frozen
        found = find_view(model, name, {}, frozen)
        if found is None:
            known = view_names(model, frozen=frozen)
            raise KeyError(did_you_mean(name, known) or f"views: {', '.join(known)}")
        of = found.frozen
        statics = {each.name: each.static for each in self.program.frozen}
        static = self.here.step.static if of is None else statics[of]
        call = jax.jit(lambda params, ports: found.call(eqx.combine(params, static), ports))

        def viewed(**ports: Any) -> Any:
            outputs = call(self.params if of is None else self.here.frozen[of], ports)
            return outputs[found.method.name] if list(outputs) == [found.method.name] else outputs

        return viewed


def open_trained(program: Program, workdir: str, here: Machine, step: int | None = None) -> Trained:
    """The model of a work directory.

    Args:
        program: what it was trained by.
        workdir: path or URL of the work directory.
        here: the devices.
        step: which checkpoint; None: the newest one that verifies.

    Raises:
        Failed: there is no checkpoint, or it cannot be used.
    """
    abstract = program.state._replace(optimizer={})
    lies = state_shardings(abstract, here.step.layout, here.mesh)
    wanted = jax.tree.map(placed, abstract, lies)
    try:
        folder = Folder(workdir) / CHECKPOINTS
        steps(folder)  # what a store refuses it refuses here
    except (OSError, ValueError, ImportError) as error:
        raise Failed(catalog.checkpoint_unreadable(workdir, reason(error))) from error
    loaded = at(folder, step, wanted, part=True) if step is not None else newest(folder, wanted, part=True)[0]
    if loaded is None:
        raise Failed(catalog.checkpoint_unreadable(str(folder), "there is none"))
    return Trained(program, here, loaded.step, loaded.state.params, loaded.state.ema)


def open_named(program: Program, here: Machine) -> Trained:
    """The model before its first step, with the parameters of the checkpoints that `init` names.

    Args:
        program: what is evaluated.
        here: the devices.

    Raises:
        Failed: `init` names none (B0523), or one that does not fit (B0504).
    """
    if all(node.init is None for node in models(program.experiment.model).values()):
        reason = "neither `--workdir` nor `init` of the model names one"
        raise Failed(catalog.checkpoint_unreadable("the spec", reason))
    state = initial_state(program, state_shardings(program.state, here.step.layout, here.mesh), here.tell)
    return Trained(program, here, 0, state.params, state.ema)
