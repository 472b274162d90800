"""IR -> Program: everything that check, plan and run need, as functions and abstract arrays.

Nothing is allocated and no device is touched.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from bvc.compile.construct import Steps, abstract, build, is_array
from bvc.compile.evaluation import CompiledEval, Models, compile_eval
from bvc.compile.mesh.layout import lay_out
from bvc.compile.mesh.mesh import Grid, check_batch, check_parts, smallest
from bvc.compile.model.forward import Forward, make_forward
from bvc.compile.model.frozen import FrozenModel, make_frozen, reading
from bvc.compile.pipeline.sources import with_features
from bvc.compile.step.batch import TypedBatch, type_batch
from bvc.compile.step.draws import Draw, Values, check_draws, drawn_features, static_feeds, variants_of
from bvc.compile.step.ema import Ema, make_ema
from bvc.compile.step.mutable import check_state
from bvc.compile.step.perturbation import Perturbation, make_perturbation
from bvc.compile.step.precision import kept
from bvc.compile.step.state import State, first_state
from bvc.compile.step.step import Training
from bvc.compile.step.transforms import Transform
from bvc.compile.update.optimizer import Update, make_update
from bvc.compile.wiring import features_read
from bvc.component.feature import Features
from bvc.component.split import split_size
from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import quantities, views
from bvc.ir import Duration, Experiment

T = TypeVar("T")

MOST_STEPS = 2**31 - 1
"""What the counter of steps holds."""

UNKNOWN = 1_000_000
"""Examples assumed in an epoch of data that nothing is known of before it is opened."""


@dataclass(frozen=True)
class Variant:
    """The loss of a batch where static draws have these values."""

    drawn: Values
    forward: Forward


@dataclass(frozen=True)
class Program:
    """A compiled experiment.

    Attributes:
        experiment: the IR that it was made from.
        total: steps of the run.
        examples: examples in an epoch.
        features: features of one example after the pipeline.
        batch: features of the global batch that the devices need, abstractly.
        module: the model with ShapeDtypeStructs.
        forward: batch -> loss.
        update: gradients -> new parameters.
        evals: the evaluators.
        transforms: what is done to the batch on the devices.
        frozen: the modules that never change.
        perturbation: SAM or GSAM.
        ema: averages of the parameters.
        draws: what is drawn for each step.
        variants: one for each combination of static draws; `forward` is that of the first.
    """

    experiment: Experiment
    total: int
    examples: int
    features: Features
    batch: Mapping[str, jax.ShapeDtypeStruct]
    module: eqx.Module
    forward: Forward
    update: Update
    evals: tuple[CompiledEval, ...]
    transforms: tuple[Transform, ...] = ()
    frozen: tuple[FrozenModel, ...] = ()
    perturbation: Perturbation | None = None
    ema: Ema | None = None
    draws: tuple[Draw, ...] = ()
    variants: tuple[Variant, ...] = ()

    def steps(self, duration: Duration) -> int:
        """A duration in steps of this run."""
        return counted(duration, self.experiment.train.batch, self.examples, self.total)

    def initialize(self, key: Key[Array, ""]) -> eqx.Module:
        """The model with initial parameters."""
        return kept(build(self.experiment.model, key, self.steps), self.experiment.precision)

    @property
    def params(self) -> PyTree[jax.ShapeDtypeStruct]:
        """The array half of the model, abstractly."""
        return eqx.filter(self.module, is_array)

    @functools.cached_property
    def state(self) -> State:
        """The state of training, abstractly."""
        return jax.eval_shape(functools.partial(first_state, update=self.update, ema=self.ema), self.params)

    def training(self, grid: Grid, *, unroll: bool = False) -> Training:
        """What a step on this mesh is made of.

        Raises:
            Failed: a layout rule does not fit the parameters or the mesh, or a batch does not divide over it.
        """
        experiment = self.experiment
        train = experiment.train
        wrong = check_batch("data.train", train.batch, grid, train.batch_origin, experiment.mesh)
        wrong += check_parts(train.batch, experiment.run, grid, train.batch_origin)
        for each in self.evals:
            if each.table.batch is not None:
                name = f"evals.{each.table.name}"
                origin = each.table.evaluator.origins.get("batch", each.table.origin)
                wrong += check_batch(name, each.batch, grid, origin, experiment.mesh)
        frozen = {each.name: each.params for each in self.frozen}
        layout = attempt(wrong, lambda: lay_out(experiment.layout, self.params, grid, frozen))
        if layout is None or wrong:
            raise Failed(wrong)
        static = eqx.filter(self.module, is_array, inverse=True)
        return Training(
            self.forward,
            static,
            layout,
            self.update,
            grid,
            experiment.run.seed,
            unroll,
            experiment.run.accumulate,
            jnp.dtype(experiment.precision.reduce),
            transforms=self.transforms,
            frozen=self.frozen,
            perturbation=self.perturbation,
            advance=self.forward.advance,
            ema=self.ema,
        )


def counted(duration: Duration, batch: int, examples: int, total: int | None) -> int:
    """A duration in steps.

    Raises:
        Failed: more steps than are ever counted (B0115).
    """
    found = duration.steps(batch=batch, examples=examples, total=total)
    if found > MOST_STEPS:
        raise Failed(quantities.too_long(duration.origin, MOST_STEPS))
    return found


def compile_experiment(experiment: Experiment, examples: int | None = None) -> Program:
    """Compile an experiment.

    Args:
        experiment: the IR.
        examples: examples in an epoch, where the data was looked at; else what its card says, and where nothing
            is known of it, `UNKNOWN`.

    Raises:
        Failed: with every diagnostic of the parts that could be compiled apart from each other.
    """
    train = experiment.train
    if examples is None:
        sizes = [split_size(each.data.split, each.data.splits) for each in train.sources]
        examples = sum(size for size in sizes if size) if all(sizes) else UNKNOWN
    total = counted(experiment.run.length, train.batch, examples, None)

    def steps(duration: Duration) -> int:
        return counted(duration, train.batch, examples, total)

    experiment = with_features(experiment, steps)
    grid = smallest(experiment.mesh)
    found = check_batch("data.train", train.batch, grid, train.batch_origin, experiment.mesh)
    found += check_parts(train.batch, experiment.run, grid, train.batch_origin)
    typed = attempt(found, lambda: type_batch(experiment, steps))
    module = attempt(found, lambda: kept(abstract(experiment.model, steps), experiment.precision))
    variants = update = None
    evals: list[CompiledEval | None] = []
    frozen: tuple[FrozenModel, ...] | None = () if not experiment.frozen else None
    if experiment.frozen and typed is not None:
        frozen = attempt(found, lambda: _frozen(experiment, typed, steps))
    if module is not None and frozen is not None:
        beside = {each.name: each.params for each in frozen}
        attempt(found, lambda: lay_out(experiment.layout, eqx.filter(module, is_array), grid, beside))
    if module is not None:
        update = attempt(found, lambda: make_update(experiment.optimizer, module, steps, total))
    if update is not None:
        found += check_state(experiment.model, update.treatments)
    ema = None
    if experiment.ema is not None and update is not None:
        make = functools.partial(make_ema, experiment.ema, update.treatments, steps, total)
        ema = attempt(found, make)
    if experiment.ema is None:
        found += [views.no_averages(each.name, each.ema) for each in experiment.evals if each.ema is not None]
    perturbation = None
    if experiment.perturbation is not None and update is not None:
        make = functools.partial(make_perturbation, experiment.perturbation, update.rate, steps, total)
        perturbation = attempt(found, make)
    draws = tuple(Draw(name, node) for name, node in experiment.draws.items())
    unread = check_draws(draws, experiment.model, (experiment.model, *experiment.objective))
    found += unread
    if module is not None and typed is not None and frozen is not None and not unread:
        variants = attempt(found, lambda: _variants(experiment, module, typed, frozen, draws, steps))
    if module is not None and frozen is not None:
        wrong: list[Diagnostic] = []
        models = Models(experiment.model, module, {each.name: each for each in frozen})
        compiled = functools.partial(compile_eval, models=models, batch=train.batch)
        evals = [
            attempt(wrong, functools.partial(compiled, table, steps=steps)) for table in experiment.evals
        ]
        # what is wrong with the model in training is not told again at each evaluation
        told = {(diagnostic.code, diagnostic.message) for diagnostic in found}
        found += [diagnostic for diagnostic in wrong if (diagnostic.code, diagnostic.message) not in told]
    if found or typed is None or module is None or frozen is None or variants is None or update is None:
        raise Failed(found)
    forward = variants[0].forward
    asked = reading(frozen, forward.paths)
    paths = [*forward.paths, *(path for each in asked if each.read for path in each.wires.paths.values())]
    features = features_read(paths, typed.given)
    needed = {name: array for name, array in typed.given.items() if typed.transforms or name in features}
    needed |= drawn_features(draws, train.batch)
    done = tuple(each for each in evals if each is not None)
    return Program(
        experiment,
        total,
        examples,
        typed.features,
        needed,
        module,
        forward,
        update,
        done,
        typed.transforms,
        asked,
        perturbation,
        ema,
        draws,
        variants,
    )


def _variants(
    experiment: Experiment,
    module: eqx.Module,
    typed: TypedBatch,
    frozen: tuple[FrozenModel, ...],
    draws: tuple[Draw, ...],
    steps: Steps,
) -> tuple[Variant, ...]:
    answers = {f"frozen.{each.name}.{name}": array for each in frozen for name, array in each.outputs.items()}
    batch = {**typed.batch, **answers, **drawn_features(draws, experiment.train.batch)}
    feeds = static_feeds(experiment.model)
    maker = experiment.train.pipeline_origin.mend

    def forward(values: Values) -> Forward:
        static = {setting: values[draw] for setting, draw in feeds.items()}
        wired = (batch, steps, typed.makers, typed.droppers, maker, static)
        return make_forward(experiment.model, module, experiment.objective, *wired)

    return tuple(Variant(values, forward(values)) for values in variants_of(draws))


def _frozen(experiment: Experiment, typed: TypedBatch, steps: Steps) -> tuple[FrozenModel, ...]:
    maker = experiment.train.pipeline_origin.mend
    return make_frozen(experiment.frozen, typed.batch, steps, typed.makers, typed.droppers, maker)


def attempt(found: list[Diagnostic], make: Callable[[], T]) -> T | None:
    """What `make` returns, or None with its diagnostics recorded."""
    try:
        return make()
    except Failed as failure:
        found += failure.diagnostics
        return None
