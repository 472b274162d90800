"""What a way to run an experiment costs: exactly, from its traced step, and at least, without one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field, replace

import jax
from jax.sharding import AbstractMesh, NamedSharding, PartitionSpec
from jaxtyping import PyTree

from bvc.compile.mesh.mesh import resolve_mesh
from bvc.compile.program import Program, compile_experiment
from bvc.compile.step.state import state_specs
from bvc.diagnostics import Failed
from bvc.ir import Experiment
from bvc.plan.fit.candidate import Candidate, Flags, Given, Precision, flags
from bvc.plan.fit.search import Cost, Held
from bvc.plan.plan import Plan, plan
from bvc.plan.target import Target

Load = Callable[[Flags], Experiment]
"""The spec with further settings, bound; raises `Failed` where they do not suit it."""


@dataclass
class Pricing:
    """Programs and plans of candidates; what several need is made once.

    Attributes:
        load: gives the experiment with further settings.
        target: the hardware; its rates are known.
        given: what the spec says.
        unchanged: the program of the spec as it is.
    """

    load: Load
    target: Target
    given: Given
    unchanged: InitVar[Program]
    _programs: dict[tuple[str | None, Precision], Program] = field(
        default_factory=dict[tuple[str | None, Precision], Program], init=False
    )
    _plans: dict[Candidate, Plan] = field(default_factory=dict[Candidate, Plan], init=False)
    _held: dict[tuple[object, ...], Held | None] = field(
        default_factory=dict[tuple[object, ...], Held | None], init=False
    )

    def __post_init__(self, unchanged: Program) -> None:
        """What is compiled already need not be compiled again."""
        own = self.given.candidate
        self._programs[own.remat, own.precision] = unchanged

    def program(self, candidate: Candidate) -> Program:
        """The compiled experiment, with the mesh, the layout and the parts of the candidate.

        Raises:
            Failed: the settings do not suit the spec.
        """
        kind = candidate.remat, candidate.precision
        experiment = self.load(flags(candidate, self.given))
        if kind not in self._programs:
            self._programs[kind] = compile_experiment(experiment)
        made = self._programs[kind]
        parts = {"mesh": experiment.mesh, "layout": experiment.layout, "run": experiment.run}
        return replace(made, experiment=replace(made.experiment, **parts))

    def plan(self, candidate: Candidate) -> Plan:
        """What it costs.

        Raises:
            Failed: its mesh does not suit the model, the batch or the target.
        """
        if candidate not in self._plans:
            self._plans[candidate] = plan(self.program(candidate), self.target)
        return self._plans[candidate]

    def price(self, candidate: Candidate) -> Cost | None:
        """What the search wants to know of a plan; None if there is none."""
        try:
            planned = self.plan(candidate)
        except Failed:
            return None
        time = planned.roofline
        assert time is not None
        memory = planned.memory
        return Cost(memory.total, memory.step, time.collectives, time.computation, time.products)

    def held(self, candidate: Candidate) -> Held | None:
        """What a device holds between steps, and how long that takes to be updated; None if the mesh does not suit."""
        key = candidate.axes, candidate.split, candidate.ruled, candidate.precision
        if key not in self._held:
            try:
                self._held[key] = self._hold(candidate)
            except Failed:
                self._held[key] = None
        return self._held[key]

    def _hold(self, candidate: Candidate) -> Held:
        """As `plan` counts it, from shapes and layouts alone."""
        program = self.program(candidate)
        grid = resolve_mesh(program.experiment.mesh, self.target.devices, self.target.name)
        training = program.training(grid)
        # no mesh changes the state, so that of the first program of its kind serves all
        state, mesh = self._programs[candidate.remat, candidate.precision].state, grid.abstract()
        specs = state_specs(state, training.layout)
        optimizer = _local(state.optimizer, specs.optimizer, mesh)
        held = optimizer + _local(state.params, specs.params, mesh) + _local(state.ema, specs.ema, mesh)
        for each in training.frozen:
            held += _local(jax.tree.leaves(each.params), list(training.layout.frozen[each.name].specs), mesh)
        batch = dict(program.batch)
        held += _local(batch, dict.fromkeys(batch, grid.batch_spec), mesh)
        return Held(held, 2 * optimizer / (self.target.memory_rate or math.inf))


def _local(arrays: PyTree[jax.ShapeDtypeStruct], specs: PyTree[PartitionSpec], mesh: AbstractMesh) -> int:
    """Bytes of the parts that one device holds."""
    leaves = jax.tree.leaves(arrays)
    layouts = jax.tree.leaves(specs, is_leaf=lambda node: isinstance(node, PartitionSpec))
    return sum(
        math.prod(NamedSharding(mesh, spec).shard_shape(leaf.shape)) * leaf.dtype.itemsize
        for leaf, spec in zip(leaves, layouts, strict=True)
    )
