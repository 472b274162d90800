"""Program -> Plan: what one step of training costs on each device, and whether that fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.sharding import PartitionSpec

from bvc.compile.mesh import resolve_mesh
from bvc.compile.program import Program
from bvc.compile.state import State, state_specs
from bvc.compile.step import Training, abstract_step
from bvc.plan.collectives import Collective, list_collectives
from bvc.plan.flops import count_flops
from bvc.plan.liveness import Peak, peak_memory
from bvc.plan.ops import Ops, Value, read_step
from bvc.plan.parameters import ParameterRow, prefix, tabulate
from bvc.plan.place import Pass, place_of
from bvc.plan.roofline import Roofline, time_step
from bvc.plan.target import Target, this_machine


@dataclass(frozen=True, slots=True)
class Held:
    """Arrays of one origin that live at the peak."""

    what: str
    count: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes on one device.

    Attributes:
        parameters, optimizer, batch: what the step is given.
        step: what it allocates besides, at the peak: activations, gradients, gathered weights.
        peak_at: the op that runs then.
        held: what `step` consists of, largest first.
    """

    parameters: int
    optimizer: int
    batch: int
    step: int
    peak_at: str
    held: tuple[Held, ...]

    @property
    def total(self) -> int:
        """Everything at the peak."""
        return self.parameters + self.optimizer + self.batch + self.step


@dataclass(frozen=True, slots=True)
class Feature:
    """One array of the batch: global shape, dtype, bytes on one device."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run costs.

    Attributes:
        target: the hardware.
        mesh: axis -> size.
        parameters: every array of parameters.
        batch: every array of the global batch.
        examples: examples of a global batch.
        shards: how many ways the batch is split.
        parts: in how many parts a device works off its examples (`run.accumulate`).
        memory: on one device.
        flops: on one device in one step, by pass.
        collectives: of one step, those that send most first.
        roofline: the time of a step at peak rates; None where the target's rates are not known.
        steps: of the run.
        epochs: passes over the data.
    """

    target: Target
    mesh: Mapping[str, int]
    parameters: tuple[ParameterRow, ...]
    batch: tuple[Feature, ...]
    examples: int
    shards: int
    parts: int
    memory: Memory
    flops: Mapping[Pass, int]
    collectives: tuple[Collective, ...]
    roofline: Roofline | None
    steps: int
    epochs: float

    @property
    def excess(self) -> int:
        """Bytes by which the step exceeds the memory of a device; 0 if it fits."""
        return max(0, self.memory.total - self.target.memory)

    @property
    def utilization(self) -> float | None:
        """The share of the peak rate that a step reaches by `roofline`, recomputation not counted as work (MFU)."""
        if self.roofline is None:
            return None
        work = sum(self.flops.values())
        useful = (work - self.flops.get("recomputed", 0)) / work if work else 0.0
        return self.roofline.products * useful / self.roofline.step


def plan(program: Program, target: Target | None = None) -> Plan:
    """What a program costs on a target, by default this machine. Nothing is allocated.

    Raises:
        Failed: the mesh, the batch or the layout does not suit the target's number of devices.
    """
    target = this_machine() if target is None else target
    experiment = program.experiment
    grid = resolve_mesh(experiment.mesh, target.devices, target.name)
    training = program.training(grid, unroll=target.kind == "cpu")
    state = program.state
    step = _read(training, state, program.batch)
    parameters = tabulate(
        training.layout.leaves,
        [str(leaf.dtype) for leaf in jax.tree.leaves(state.params)],
        training.update.trained,
        grid.axes,
    )
    counts = (len(jax.tree.leaves(state.params)), len(jax.tree.leaves(state.optimizer)), len(program.batch))
    donated = [True] * (1 + counts[0] + counts[1]) + [False] * counts[2]
    batch = tuple(
        Feature(name, tuple(array.shape), str(array.dtype), value.bytes)
        for (name, array), value in zip(sorted(program.batch.items()), step.inputs[-counts[2] :], strict=True)
    )
    collectives = list_collectives(step, grid.axes, _results(step, parameters))
    return Plan(
        target,
        dict(grid.axes),
        parameters,
        batch,
        experiment.train.batch,
        grid.context.shards,
        training.parts,
        _memory(step, counts, peak_memory(step, donated, repeats=target.kind != "cpu")),
        count_flops(step),
        collectives,
        time_step(step, sum(each.sent for each in collectives), target),
        program.total,
        program.total * experiment.train.batch / program.examples,
    )


def _read(training: Training, state: State, batch: Mapping[str, jax.ShapeDtypeStruct]) -> Ops:
    step = abstract_step(training, state, batch)
    specs: Any = state_specs(state, training.layout)
    laid: list[PartitionSpec] = jax.tree.leaves(specs, is_leaf=lambda node: isinstance(node, PartitionSpec))
    names = ["", *(prefix(place.name) for place in training.layout.leaves)]
    names += [""] * (len(laid) - len(names) + len(batch))
    laid += [training.grid.batch_spec] * len(batch)
    return read_step(step, training.grid.axes, laid, names)


def _results(step: Ops, parameters: Sequence[ParameterRow]) -> list[str]:
    """For each output of the step the parameters that it holds; the new state comes first, in the order of the old."""
    names = ["", *(prefix(row.name) for row in parameters)]
    return names + [""] * (len(step.outputs) - len(names))


def _memory(step: Ops, counts: tuple[int, int, int], peak: Peak) -> Memory:
    parameters, optimizer, batch = np.cumsum([1, counts[0], counts[1]]).tolist()
    held: dict[str, list[int]] = {}
    for size, op in peak.live:
        held.setdefault(place_of(op), []).append(size)
    rows = [Held(what, len(sizes), sum(sizes)) for what, sizes in held.items()]
    return Memory(
        _bytes(step.inputs[parameters:optimizer]),
        _bytes(step.inputs[optimizer:batch]),
        _bytes(step.inputs[batch:]),
        peak.bytes,
        "" if peak.op is None else place_of(peak.op),
        tuple(sorted(rows, key=lambda row: -row.bytes)),
    )


def _bytes(values: Sequence[Value]) -> int:
    return sum(value.bytes for value in values)
