"""Program -> Plan: what one step of training costs on each device, and whether that fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import PartitionSpec
from jaxtyping import PyTree

from bvc.compile.mesh.layout import Layout
from bvc.compile.mesh.mesh import check_slices, resolve_mesh
from bvc.compile.model.frozen import FrozenModel
from bvc.compile.program import Program
from bvc.compile.step.state import state_specs
from bvc.compile.step.step import Training
from bvc.compile.step.traced import traced_step
from bvc.diagnostics import Failed
from bvc.library.checkpoints.naming import naming_of
from bvc.plan.collectives import Collective, list_collectives
from bvc.plan.data.epoch import SourcePasses, passes
from bvc.plan.flops import count_flops
from bvc.plan.memory.liveness import Peak, peak_memory
from bvc.plan.memory.moments import Moment, timeline
from bvc.plan.ops import RECOMPUTED, Ops, Value, read_step
from bvc.plan.parameters import ParameterRow, prefix, tabulate
from bvc.plan.place import Pass, place_of
from bvc.plan.roofline import Roofline, time_step
from bvc.plan.target import Target, this_machine
from bvc.plan.xla.compiled import Compiled


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
        frozen: parameters of frozen modules.
        ema: averages of the parameters.
        step: what it allocates besides, at the peak: activations, gradients, gathered weights.
        peak_at: the op that runs then.
        held: what `step` consists of, largest first.
        over_time: how `step` comes and goes.
    """

    parameters: int
    optimizer: int
    batch: int
    step: int
    peak_at: str
    held: tuple[Held, ...]
    frozen: int = 0
    ema: int = 0
    over_time: tuple[Moment, ...] = ()

    @property
    def total(self) -> int:
        """Everything at the peak."""
        return self.parameters + self.optimizer + self.ema + self.frozen + self.batch + self.step


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
        parameters: every array of parameters, those of frozen modules last.
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
        sources: of the training data, with the passes over each.
        skip_bad: how many bad examples may be replaced.
        drawn: the values of static draws of which this is the plan: those that need most memory.
        recomputed: parts outside loops that the backward pass computes again, as of layers in a Python loop.
        compiled: what the compiler of the target says, where it was asked.
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
    sources: tuple[SourcePasses, ...]
    skip_bad: int
    drawn: Mapping[str, float]
    recomputed: int = 0
    compiled: Compiled | None = None

    @property
    def needed(self) -> int:
        """Bytes on a device at the peak: by the compiler where it was asked, else by the estimate."""
        return self.memory.total if self.compiled is None else self.compiled.peak

    @property
    def excess(self) -> int:
        """Bytes by which the step exceeds the memory of a device; 0 if it fits."""
        return max(0, self.needed - self.target.memory)

    @property
    def utilization(self) -> float | None:
        """The share of the peak rate that a step reaches by `roofline`, recomputation not counted as work (MFU)."""
        if self.roofline is None:
            return None
        work = sum(self.flops.values())
        useful = (work - self.flops.get("recomputed", 0)) / work if work else 0.0
        return self.roofline.products * useful / self.roofline.step


class _Counts(NamedTuple):
    """How many arrays of each kind the step is given, after its counter, in this order."""

    parameters: int
    optimizer: int
    ema: int
    batch: int
    frozen: int


def plan(program: Program, target: Target | None = None) -> Plan:
    """What a program costs on a target, by default this machine. Nothing is allocated.

    Raises:
        Failed: the mesh, the batch or the layout does not suit the target's number of devices, or a user's component
            raised an error (B0306).
    """
    target = this_machine() if target is None else target
    if len(program.variants) > 1:
        single = [replace(program, forward=each.forward, variants=(each,)) for each in program.variants]
        return max((plan(each, target) for each in single), key=lambda planned: planned.memory.total)
    experiment = program.experiment
    grid = resolve_mesh(experiment.mesh, target.devices, target.name)
    if unfit := check_slices(experiment.mesh, grid, target.slices, target.name):
        raise Failed(unfit)
    training = program.training(grid, unroll=target.kind == "cpu")
    state = program.state
    step = _read(program, training)
    own = tabulate(
        training.layout.leaves,
        _dtypes(state.params),
        training.update.trained,
        grid.axes,
        naming_of(program.module),
    )
    frozen = _frozen_rows(training)
    held = [len(jax.tree.leaves(part)) for part in (state.params, state.optimizer, state.ema)]
    params, optimizer, ema = held
    counts = _Counts(params, optimizer, ema, len(program.batch), len(frozen))
    donated = [True] * (1 + sum(held)) + [False] * (counts.batch + counts.frozen)
    arrays = step.inputs[1 + sum(held) :]
    batch = tuple(
        Feature(name, tuple(array.shape), str(array.dtype), value.bytes)
        for (name, array), value in zip(sorted(program.batch.items()), arrays[: counts.batch], strict=True)
    )
    collectives = list_collectives(step, grid.axes, _results(step, own), target.slices)
    sent, network = (sum(getattr(each, what) for each in collectives) for what in ("sent", "network"))
    return Plan(
        target,
        dict(grid.axes),
        (*own, *frozen),
        batch,
        experiment.train.batch,
        grid.context.shards,
        training.parts,
        _memory(step, counts, peak_memory(step, donated, target.kind)),
        count_flops(step),
        collectives,
        time_step(step, sent, target, network),
        program.total,
        program.total * experiment.train.batch / program.examples,
        passes(program),
        experiment.train.skip_bad,
        program.variants[0].drawn if program.variants else {},
        len({op.params[RECOMPUTED] for op in step.ops if RECOMPUTED in op.params}),
    )


def _read(program: Program, training: Training) -> Ops:
    step, batch = traced_step(program, training), program.batch
    specs: Any = state_specs(program.state, training.layout)
    laid: list[PartitionSpec] = jax.tree.leaves(specs, is_leaf=lambda node: isinstance(node, PartitionSpec))
    names = ["", *(prefix(place.name) for place in training.layout.leaves)]
    names += [""] * (len(laid) - len(names) + len(batch))
    laid += [training.grid.batch_spec] * len(batch)
    for _, layout in _frozen(training):
        names += [prefix(place.name) for place in layout.leaves]
        laid += layout.specs
    return read_step(step, training.grid.axes, laid, names)


def _results(step: Ops, parameters: Sequence[ParameterRow]) -> list[str]:
    """For each output of the step the parameters that it holds; the new state comes first, in the order of the old."""
    names = ["", *(prefix(row.name) for row in parameters)]
    return names + [""] * (len(step.outputs) - len(names))


def _frozen(training: Training) -> list[tuple[FrozenModel, Layout]]:
    """The frozen modules in the order in which jax flattens them."""
    found = [(each, training.layout.frozen[each.name]) for each in training.frozen]
    return sorted(found, key=lambda pair: pair[0].name)


def _frozen_rows(training: Training) -> list[ParameterRow]:
    rows: list[ParameterRow] = []
    for each, layout in _frozen(training):
        start = f"frozen/{each.name}/"
        places = [replace(place, name=place.name.removeprefix(start)) for place in layout.leaves]
        untrained, naming = [False] * len(places), naming_of(each.module)
        own = tabulate(places, _dtypes(each.params), untrained, training.grid.axes, naming)
        rows += [replace(row, name=start + row.name) for row in own]
    return rows


def _dtypes(params: PyTree) -> list[str]:
    return [str(leaf.dtype) for leaf in jax.tree.leaves(params)]


def _memory(step: Ops, counts: _Counts, peak: Peak) -> Memory:
    parameters, optimizer, ema, batch, frozen = np.cumsum([1, *counts[:4]]).tolist()
    held: dict[str, list[int]] = {}
    for size, op in peak.live:
        held.setdefault(place_of(op), []).append(size)
    rows = [Held(what, len(sizes), sum(sizes)) for what, sizes in held.items()]
    return Memory(
        _bytes(step.inputs[parameters:optimizer]),
        _bytes(step.inputs[optimizer:ema]),
        _bytes(step.inputs[batch:frozen]),
        peak.bytes,
        "" if peak.op is None else place_of(peak.op),
        tuple(sorted(rows, key=lambda row: -row.bytes)),
        _bytes(step.inputs[frozen:]),
        _bytes(step.inputs[ema:batch]),
        timeline(peak),
    )


def _bytes(values: Sequence[Value]) -> int:
    return sum(value.bytes for value in values)
