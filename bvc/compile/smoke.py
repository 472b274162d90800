"""`bvc run SPEC --smoke`: the same experiment so small that it runs anywhere in seconds.

A pure function of the IR. What stays is what the spec says: components, pipelines, wiring, rules, layout, the names of
mesh axes. What goes is what makes it long: width and depth of the models, the batch, the data, the length;
and evaluations against files of their own, which know nothing of generated examples.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from bvc.compile.nodes import is_file, map_nodes
from bvc.compile.pipeline.sources import with_features
from bvc.compile.program import compile_experiment
from bvc.component import registry
from bvc.diagnostics import Failed
from bvc.ir import (
    DataNode,
    Duration,
    EmaNode,
    Eval,
    Experiment,
    Mesh,
    ModelNode,
    Node,
    Optimizer,
    PerturbationNode,
    ScheduleNode,
    TermNode,
    TrainData,
)

M = TypeVar("M", bound=ModelNode)
S = TypeVar("S", PerturbationNode | None, EmaNode | None)

STEPS = 2
BATCH = 2
REST = 3
"""Examples of an evaluation beyond a full batch, so that the last batch is padded."""

EMBEDDING = 32
"""Outputs of a model inside another: all the same, since towers embed into one space."""

SMALL: Mapping[str, Any] = {
    "width": 32,
    "depth": 2,
    "heads": 2,
    "mlp_dim": 64,
    "tokens_mlp_dim": 16,
    "channels_mlp_dim": 64,
    "enc_depth": 1,
    "dec_depth": 1,
}
"""Settings of models by name, as those of bvc's own call what makes them large."""

SHALLOW: Mapping[str, Any] = {"depth": 2}

FILES = {"vocab": "std:vocab/shapes.txt"}
"""Files that are replaced by one of the standard library, by the name of the setting."""


def smoke(experiment: Experiment, devices: int) -> Experiment:
    """The experiment, made small.

    Models lose width and depth; where the rest of the spec does not allow that (a rule names a layer, or a dim is
    tied to another), only depth, or nothing.

    Args:
        experiment: the IR.
        devices: how many there are; the batch divides over them.

    Raises:
        Failed: the experiment does not compile, made small or not.
    """
    known = with_features(experiment, lambda duration: 1)
    last = Failed([])
    for sizes in (SMALL, SHALLOW, {}):
        small = _small(known, devices, sizes)
        try:
            compile_experiment(small)
        except Failed as failure:
            last = failure
        else:
            return small
    raise last


def _small(experiment: Experiment, devices: int, sizes: Mapping[str, Any]) -> Experiment:
    batch = devices * -(-BATCH // devices)
    experiment = map_nodes(experiment, _with_own_files)
    run = replace(
        experiment.run,
        length=_steps(STEPS, experiment.run.length),
        log=_steps(1, experiment.run.log),
        save=None,
        keep=None,
        workers=0,
        writers=(),
    )
    return replace(
        experiment,
        mesh=_mesh(experiment.mesh),
        train=_train(experiment.train, batch),
        model=_model(experiment.model, sizes),
        frozen={name: _model(node, sizes) for name, node in experiment.frozen.items()},
        objective=tuple(_term(term) for term in experiment.objective),
        optimizer=_optimizer(experiment.optimizer),
        perturbation=_scheduled(experiment.perturbation),
        ema=_scheduled(experiment.ema),
        evals=tuple(_eval(table, batch) for table in experiment.evals if not _names_files(table.evaluator)),
        run=run,
    )


def _steps(count: int, was: Duration) -> Duration:
    return Duration(count, "steps", was.origin)


def _with_own_files(node: Node) -> Node:
    own = {name: FILES[name] for name in node.settings if name in FILES and is_file(node, name)}
    return replace(node, settings={**node.settings, **own}) if own else node


def _mesh(mesh: Mesh) -> Mesh:
    """The same axes; one of those that split the batch takes all devices."""
    wide = next((axis for axis, size in mesh.axes.items() if size is None), None)
    wide = wide or next(iter(mesh.batch or mesh.axes))
    return replace(mesh, axes={axis: None if axis == wide else 1 for axis in mesh.axes})


def _train(train: TrainData, batch: int) -> TrainData:
    sources = tuple(replace(each, data=_data(each.data, batch * STEPS)) for each in train.sources)
    return replace(train, sources=sources, batch=batch, skip_bad=0)


def _data(data: DataNode, examples: int) -> DataNode:
    """Generated examples with the features of `data`."""
    source = registry.find("source", "generated")
    assert source is not None
    like = {name: str(feature) for name, feature in data.features.items()}
    node = Node(source, {"like": like, "examples": examples}, data.source.origin)
    return replace(data, source=node, splits={}, filter=())


def _names_files(evaluator: Node) -> bool:
    """Whether it reads annotations or weights: they say nothing of generated data, and may not be here."""
    return any(is_file(evaluator, name) and name not in FILES for name in evaluator.settings)


def _eval(table: Eval, batch: int) -> Eval:
    """The evaluation, run once at the end on two batches."""
    settings = {
        name: _data(value, batch + REST) if isinstance(value, DataNode) else value
        for name, value in table.evaluator.settings.items()
    }
    evaluator = replace(table.evaluator, settings=settings)
    return replace(table, evaluator=evaluator, every=_steps(STEPS, table.every), skip_first=True, batch=None)


def _optimizer(optimizer: Optimizer) -> Optimizer:
    rules = tuple(replace(rule, schedule=_schedule(rule.schedule)) for rule in optimizer.rules)
    return replace(optimizer, schedule=_schedule(optimizer.schedule), rules=rules)


def _scheduled(part: S) -> S:
    return part if part is None else replace(part, schedule=_schedule(part.schedule))


def _term(term: TermNode) -> TermNode:
    """The objective with what changes over the run changing in a short one."""
    settings = {name: _varying(value) for name, value in term.settings.items()}
    return replace(term, settings=settings, weight=_varying(term.weight))


def _varying(value: Any) -> Any:
    return _schedule(value) if isinstance(value, ScheduleNode) else value


def _schedule(schedule: ScheduleNode | None) -> ScheduleNode | None:
    if schedule is None:
        return None
    warmup, cooldown = schedule.warmup, schedule.cooldown
    return replace(
        schedule,
        warmup=None if warmup is None else _steps(1, warmup),
        cooldown=None if cooldown is None else _steps(1, cooldown),
    )


def _model(model: M, sizes: Mapping[str, Any], inside: bool = False) -> M:
    """The model and its children with other sizes, all at their initial values."""
    known, settings = model.component.settings, dict(model.settings)
    for name, value in settings.items():
        if isinstance(value, ModelNode):
            settings[name] = _model(value, sizes, inside=True)
    for name, size in sizes.items():
        if name in known and not isinstance(settings.get(name), ModelNode):
            settings[name] = _fitting(size, known[name].annotation)
    if "width" in sizes:
        if "variant" in settings:
            _, _, patch = str(settings.pop("variant")).partition("/")
            if patch.isdigit() and "patch" in known:
                settings.setdefault("patch", int(patch))
        if inside and "out_dim" in settings:
            settings["out_dim"] = EMBEDDING
    return replace(model, settings=settings, init=None, init_skip=())


def _fitting(size: int, annotation: Any) -> Any:
    """The size as the setting takes it: a factor on published widths, or a number of layers for each stage."""
    kinds = set(_kinds(annotation))
    if tuple in kinds:
        return (1, 1)
    return 0.5 if float in kinds else size


def _kinds(annotation: Any) -> list[Any]:
    """The plain types that an annotation is made of."""
    origin = typing.get_origin(annotation)
    if origin in (tuple, list):
        return [tuple]
    inner = typing.get_args(annotation)
    if origin is typing.Annotated:
        inner = inner[:1]
    return [kind for part in inner for kind in _kinds(part)] if inner else [annotation]
