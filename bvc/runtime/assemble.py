"""From a program to what the loop runs: arrays on devices, compiled functions, opened data."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import PyTree

from bvc.compile.construct import Steps
from bvc.compile.evaluation import OWN, CompiledEval, CompiledStream
from bvc.compile.mesh.mesh import Grid, resolve_mesh
from bvc.compile.pipeline.device import DevicePart
from bvc.compile.pipeline.mixing import split_sources
from bvc.compile.pipeline.pipeline import split_pipeline
from bvc.compile.pipeline.run import Pipeline
from bvc.compile.program import Program
from bvc.compile.step.draws import split_draws
from bvc.compile.step.randomness import purpose_key
from bvc.compile.step.state import State, first_state, state_shardings
from bvc.compile.step.step import Step, compile_step
from bvc.compile.step.step import Training as StepParts
from bvc.runtime.ahead import compiling
from bvc.runtime.allocation import keep_freed_memory
from bvc.runtime.checkpoints.frozen import Tell, load_frozen, replaced, saved_values
from bvc.runtime.compilation import keep_compiled
from bvc.runtime.draws import DrawnFeed, Variants, placing
from bvc.runtime.due import Times
from bvc.runtime.evaluate import MeasuredStream, evaluate
from bvc.runtime.feed.data import open_records, open_training
from bvc.runtime.feed.feed import EvalFeed, TrainFeed
from bvc.runtime.feed.mixture import mixed
from bvc.runtime.feed.share import Share, share_of
from bvc.runtime.folder import Folder
from bvc.runtime.initialization import initialized
from bvc.runtime.predictions import keep_files
from bvc.runtime.processes.peers import check_met
from bvc.runtime.training import Evaluation, Feed, HostBatch, Training


@dataclass(frozen=True)
class Machine:
    """The devices of this run and what lies on them; `tell` is given the account of every checkpoint that is loaded."""

    grid: Grid
    mesh: jax.sharding.Mesh
    step: StepParts
    steps: Steps
    tell: Tell

    @functools.cached_property
    def sharding(self) -> jax.sharding.NamedSharding:
        """How every array of a batch lies."""
        return jax.sharding.NamedSharding(self.mesh, self.grid.batch_spec)

    @functools.cached_property
    def share(self) -> Share:
        """The part of every batch that this process reads."""
        return share_of(self.sharding, self.grid.context.shards)

    @functools.cached_property
    def frozen(self) -> Mapping[str, PyTree[jax.Array]]:
        """The parameters of the frozen modules, by name."""
        return load_frozen(self.step, self.mesh, self.steps, self.tell)

    def place(self, batch: HostBatch) -> dict[str, jax.Array]:
        """A host batch (this process's part of it) to the devices."""
        # batch: [rows of this process, ...] on this host -> [B, ...] split over the batch axes
        return {name: self.share.place(np.asarray(array), self.sharding) for name, array in batch.items()}

    def placing(self, part: DevicePart) -> Callable[[HostBatch], dict[str, jax.Array]]:
        """`place`, and then the part of the pipeline that runs on the devices."""
        if not part.ops:
            return self.place
        rest = jax.jit(part, out_shardings=self.sharding)
        return lambda batch: rest(self.place(batch))


def machine(program: Program, tell: Tell = lambda text: None) -> Machine:
    """The mesh of a program on the devices that are here; `tell` is given what is worth telling of checkpoints.

    Raises:
        Failed: the mesh does not fit the devices, or the batch or the layout does not fit the mesh; there are other
            processes that this one has not met (B0561).
    """
    keep_compiled()
    keep_freed_memory()
    # A step on CPU then runs in this thread, whose memory is kept whatever its size, and which would but wait for it.
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    check_met()
    devices = jax.devices()
    grid = resolve_mesh(program.experiment.mesh, len(devices))
    parts = program.training(grid, unroll=devices[0].platform == "cpu")
    return Machine(grid, grid.place(devices), parts, program.steps, tell)


def assemble(program: Program, root: str, here: Machine, workdir: Folder | None = None) -> Training:
    """Everything that the loop needs.

    Args:
        program: compiled with the paths of files that are here.
        root: where data lies.
        here: the devices.
        workdir: where evaluators leave files; None: nowhere.

    Raises:
        Failed: data, or a checkpoint that `init` names, cannot be read.
    """
    experiment = program.experiment
    abstract = program.state
    lies = state_shardings(abstract, here.step.layout, here.mesh)
    abstract = jax.tree.map(placed, abstract, lies)
    times = Times(
        program.total,
        program.steps(experiment.run.log),
        None if experiment.run.save is None else program.steps(experiment.run.save),
        None if experiment.run.keep is None else program.steps(experiment.run.keep),
    )
    parameters = jax.tree.leaves(program.params)
    pipelines, on_device = split_sources(experiment.train.sources, tuple(split_draws(program.batch)[0]))
    step = _compiled(program, here, abstract)
    return Training(
        init=functools.partial(_begun, program, here, step, abstract),
        abstract=abstract,
        step=functools.partial(_step, step, here),
        feed=functools.partial(_feed, program, root, pipelines, here.share),
        place=placing(program.draws, here.placing(on_device)) if program.draws else here.placing(on_device),
        times=times,
        batch=experiment.train.batch,
        examples=program.examples,
        parameters=sum(leaf.size for leaf in parameters),
        devices=jax.device_count(),
        kind=jax.devices()[0].device_kind.replace(" ", "_"),
        evaluations=evaluations(program, root, here, workdir),
        writers=experiment.run.writers,
    )


def _begun(program: Program, here: Machine, step: Step, abstract: State) -> State:
    """The state of step 0, made while the step is compiled; which variant of it comes first is drawn later."""
    lies = state_shardings(program.state, here.step.layout, here.mesh)
    if program.draws:
        return initial_state(program, lies, here.tell)
    batch = {name: placed(array, here.sharding) for name, array in program.batch.items()}
    with compiling(step, abstract, batch, *([here.frozen] if here.frozen else [])):
        return initial_state(program, lies, here.tell)


def _compiled(program: Program, here: Machine, state: State) -> Step:
    if not program.draws:
        return compile_step(here.step, here.mesh, state)
    steps = {
        tuple(each.drawn.values()): compile_step(replace(here.step, forward=each.forward), here.mesh, state)
        for each in program.variants
    }
    return Variants(program.draws, steps)


def _feed(program: Program, root: str, pipelines: tuple[Pipeline, ...], share: Share, start: int) -> Feed:
    feed = _train_feed(program, root, pipelines, share, start)
    seed = program.experiment.run.seed
    return DrawnFeed(feed, program.draws, seed, start) if program.draws else feed


def _step(compiled: Step, here: Machine, state: State, batch: HostBatch) -> Any:
    return compiled(state, batch, here.frozen) if here.frozen else compiled(state, batch)


def initial_state(program: Program, lies: Any, tell: Tell = lambda text: None) -> State:
    """The state of step 0: initialized on the devices, then overwritten by the checkpoints that `init` names.

    `tell` is given the account of every checkpoint.

    Raises:
        Failed: a checkpoint does not fit (B0504).
    """

    def make() -> State:
        model = program.initialize(purpose_key(program.experiment.run.seed, "init"))
        return first_state(eqx.filter(model, eqx.is_array), program.update, program.ema)

    state = initialized(make, lies)
    values = saved_values(program.experiment.model, program.module, tell)
    params = replaced(state.params, values)
    averages = None if program.ema is None else jax.jit(program.ema.init, out_shardings=lies.ema)(params)
    return state._replace(params=params, ema=averages)


def placed(array: jax.ShapeDtypeStruct, sharding: Any) -> jax.ShapeDtypeStruct:
    """An abstract array that knows where it lies."""
    return jax.ShapeDtypeStruct(array.shape, array.dtype, sharding=sharding)


def _train_feed(
    program: Program, root: str, pipelines: tuple[Pipeline, ...], share: Share, start: int
) -> TrainFeed:
    train = program.experiment.train
    weights = tuple(source.weight for source in train.sources)
    records, pipeline = mixed(open_training(train, root), pipelines, weights)
    return TrainFeed(
        records,
        pipeline,
        batch=train.batch,
        skip=train.skip_bad,
        seed=program.experiment.run.seed,
        shuffle=train.shuffle,
        start_step=start,
        workers=program.experiment.run.workers,
        rows=share.rows(train.batch),
    )


def evaluations(
    program: Program, root: str, here: Machine, workdir: Folder | None = None
) -> list[Evaluation]:
    """The evaluators of a program, ready to run; they leave files in `workdir`."""
    return [_evaluation(program, each, root, here, workdir) for each in program.evals]


def _evaluation(
    program: Program, compiled: CompiledEval, root: str, here: Machine, workdir: Folder | None
) -> Evaluation:
    table = compiled.table
    streams = [_stream(program, compiled, stream, root, here) for stream in compiled.streams]

    def run(state: State, check: Callable[[], None]) -> Mapping[str, float]:
        keep = workdir and functools.partial(keep_files, workdir, table.name, int(state.step))
        params = state.params
        if table.ema is not None and program.ema is not None and state.ema is not None:
            params = program.ema.averaged(params, state.ema)
        return evaluate(table.name, compiled.evaluator, streams, params, check, keep)

    return Evaluation(table.name, program.steps(table.every), table.skip_first, table.prefix, run)


def _stream(
    program: Program, compiled: CompiledEval, stream: CompiledStream, root: str, here: Machine
) -> MeasuredStream:
    statics = {OWN: here.step.static, **{each.name: each.static for each in program.frozen}}
    pipeline, on_device = split_pipeline(stream.raw, stream.pipeline, stream.features)

    @jax.jit
    def measured(params: Mapping[str, PyTree], batch: Mapping[str, jax.Array]) -> Mapping[str, jax.Array]:
        return stream({name: eqx.combine(each, statics[name]) for name, each in params.items()}, batch)

    def measure(params: PyTree, batch: Mapping[str, jax.Array]) -> Mapping[str, jax.Array]:
        every = {OWN: params, **here.frozen}
        return measured({name: every[name] for name in stream.models}, batch)

    def batches() -> EvalFeed:
        return EvalFeed(
            open_records(stream.data, root),
            pipeline,
            batch=compiled.batch,
            seed=program.experiment.run.seed,
            expand=stream.expand,
            rows=here.share.rows(compiled.batch),
        )

    return MeasuredStream(stream.name, batches, here.placing(on_device), measure)
