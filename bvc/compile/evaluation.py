"""From a table of `[evals]` to what the runtime runs: typed streams, each with one function for the devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Shaped

from bvc.compile.blame import blamed, returned
from bvc.compile.construct import Steps, construct
from bvc.compile.model.frozen import FrozenModel
from bvc.compile.model.views import View, find_view, view_names
from bvc.compile.pipeline.pipeline import batch_features, check_batchable, type_pipeline
from bvc.compile.typed import Traced, trace
from bvc.compile.wiring import Wires, by_root, features_read, wire
from bvc.component.declare import method_of
from bvc.component.evaluation import Evaluator, Stream
from bvc.component.feature import Feature, Features
from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import names, shapes, views
from bvc.ir import DataNode, Eval, ModelNode, OpNode, ViewNode

PARENT = "_parent"
"""The feature that says which example an expanded one came from."""


OWN = ""
"""Stands for the experiment's own model among the names of frozen modules."""

Available = Mapping[str, Mapping[str, Any]]
"""root (`view`, `frozen`, `batch`) -> name -> array, nearest root first."""


@dataclass(frozen=True)
class WiredView:
    """A view, and what it reads: of the batch, and of what the views before it gave."""

    view: View
    wires: Wires


@dataclass(frozen=True)
class CompiledStream:
    """Examples that pass through a view and a measure.

    Attributes:
        name: the stream, which is the name of its measure.
        data: what is read.
        pipeline: what is done to each example.
        expand: the feature whose values become examples of their own.
        raw: features of one example of the stream, before its pipeline; without `_parent`, which the feed adds.
        features: features of a batch that the devices need.
        views: what they pass through, in order.
        measure_wires: what the measure reads, of the views' outputs and of the batch.
        measure: the evaluator's method.
        ports: the ports of that method.
    """

    name: str
    data: DataNode
    pipeline: tuple[OpNode, ...]
    expand: str | None
    raw: Features
    features: tuple[str, ...]
    views: tuple[WiredView, ...]
    measure_wires: Wires
    measure: Callable[..., Mapping[str, Shaped[Array, "b *dims"]]]
    ports: tuple[str, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """The models that are called: names of frozen modules, and empty for the own one."""
        return tuple(dict.fromkeys(each.view.frozen or OWN for each in self.views))

    def __call__(
        self, models: Mapping[str, eqx.Module], batch: Mapping[str, Shaped[Array, "b *dims"]]
    ) -> Mapping[str, Shaped[Array, "b *dims"]]:
        """Per-example arrays of a batch, from the modules of `models`; pure, so that it can be jitted."""
        available: Available = by_root(batch)
        for each in self.views:
            ports: Any = each.wires.read(available)
            outputs = each.view.call(models[each.view.frozen or OWN], ports)
            available = _with(available, each.view, outputs)
        return self.measure(**self.measure_wires.read(available))


@dataclass(frozen=True)
class Models:
    """What has views: the model, abstractly, and the frozen modules by name.

    `passes` holds what came of the views that were called so far: several evaluations call the same one alike.
    """

    model: ModelNode
    module: eqx.Module
    frozen: Mapping[str, FrozenModel]
    passes: list[tuple[WiredView, Mapping[str, object], Traced]] = field(default_factory=list[Any])

    def traced(self, wired: WiredView, available: Available) -> Traced:
        """What a view gives, abstractly, or why it does not fit."""
        view, wires = wired.view, wired.wires
        read = wires.read(available)
        for earlier, was_read, traced in self.passes:
            if earlier == wired and was_read == read:
                return traced
        module = self.module if view.frozen is None else self.frozen[view.frozen].module
        traced = trace(view.node, view.method, wires, available, partial(_called, view), module)
        self.passes.append((wired, read, traced))
        return traced


@dataclass(frozen=True)
class CompiledEval:
    """An evaluator and its streams; `batch` is global."""

    table: Eval
    evaluator: Evaluator
    streams: tuple[CompiledStream, ...]
    batch: int


def compile_eval(table: Eval, models: Models, batch: int, steps: Steps) -> CompiledEval:
    """Type the streams of an evaluator and wire them.

    Raises:
        Failed: with what does not fit.
    """
    node = table.evaluator
    evaluator = construct(node, steps)
    returned(
        node,
        isinstance(evaluator, Evaluator),
        "an evaluator: `streams`, `start`, `update`, `result`",
        evaluator,
    )
    with blamed(node):
        wanted = evaluator.streams()
    right = isinstance(wanted, Mapping) and all(isinstance(stream, Stream) for stream in wanted.values())
    returned(node, right, "a dict of `Stream` from `streams`", wanted)
    size = table.batch or batch
    diagnostics: list[Diagnostic] = []
    streams: list[CompiledStream] = []
    for name, stream in wanted.items():
        try:
            streams.append(_stream(table, evaluator, name, stream, models, size))
        except Failed as failure:
            diagnostics += failure.diagnostics
    if diagnostics:
        raise Failed(diagnostics)
    ports = dict.fromkeys(port for stream in streams for port in stream.ports)
    _stop(
        [
            names.unknown_port(node.name, port, node.feed_origins[port], list(ports))
            for port in node.feeds
            if port not in ports
        ]
    )
    return CompiledEval(table, evaluator, tuple(streams), size)


def _stream(
    table: Eval,
    evaluator: Evaluator,
    name: str,
    stream: Stream,
    models: Models,
    size: int,
) -> CompiledStream:
    node = table.evaluator
    raw = _expanded(table, stream)
    parent = {} if stream.expand is None else {PARENT: Feature("int32")}
    features, diagnostics = type_pipeline({**raw, **parent}, stream.pipeline)
    _stop(diagnostics)
    measure = method_of(node.component, name)
    if measure is None:
        raise Failed(views.no_measure(node.name, name, node.origin))
    reachable = {key: feature for key, feature in features.items() if feature.fixed and _numeric(feature)}
    batch = batch_features(reachable, size)
    several = stream.view if isinstance(stream.view, tuple) else (stream.view,)
    found = [_view(table, wanted, models) for wanted in several]
    _stop(check_batchable(raw, stream.pipeline, [port for view in found for port in view.method.ports]))
    passed, available = _pass(table, found, models, by_root(batch))
    wires, diagnostics = wire(node, measure, available)
    _stop(diagnostics)
    function = getattr(evaluator, name)
    measured = trace(node, measure, wires, available, lambda ports: function(**ports))
    _stop(measured.diagnostics)
    returned(node, _arrays(measured.result), f"a dict of arrays from `{name}`", measured.result)
    rows = {array.shape[:1] for array in measured.result.values()}
    returned(node, rows == {(size,)}, f"arrays from `{name}` with one row per example", measured.result)
    used = {path for each in (*(view.wires for view in passed), wires) for path in each.paths.values()}
    needed = tuple(features_read(used, batch))
    return CompiledStream(
        name,
        stream.data,
        stream.pipeline,
        stream.expand,
        raw,
        needed,
        passed,
        wires,
        function,
        tuple(measure.ports),
    )


def _expanded(table: Eval, stream: Stream) -> Features:
    """Features of one example of the stream, before its pipeline."""
    features = dict(stream.data.features)
    if stream.expand is None:
        return features
    several = features.get(stream.expand)
    if several is None or not several.shape:
        place = table.evaluator.origin
        raise Failed(views.nothing_to_expand(table.name, stream.expand, place, list(features)))
    return {**features, stream.expand: Feature(several.dtype, several.shape[1:])}


def _pass(
    table: Eval, found: Sequence[View], models: Models, available: Available
) -> tuple[tuple[WiredView, ...], Available]:
    """The views of a stream, wired one after another, and all that is there after the last one, abstractly."""
    passed: list[WiredView] = []
    for view in found:
        wires, diagnostics = wire(view.node, view.method, available)
        _stop([_of_table(diagnostic, table) for diagnostic in diagnostics])
        wired = WiredView(view, wires)
        outputs = models.traced(wired, available)
        _stop([_of_table(diagnostic, table) for diagnostic in outputs.diagnostics])
        given = f"arrays from its view `{view.method.name}`"
        returned(view.node, _arrays(outputs.result), given, outputs.result)
        passed.append(wired)
        available = _with(available, view, outputs.result)
    return tuple(passed), available


def _called(view: View, ports: Mapping[str, Any], module: eqx.Module) -> Mapping[str, Any]:
    return view.call(module, ports)


def _with(available: Available, view: View, outputs: Mapping[str, Any]) -> Available:
    """What the next one can read: outputs of a frozen module also by the name that they have in training."""
    own = {"view": {**available.get("view", {}), **outputs}}
    if view.frozen is None:
        return {**own, **{root: found for root, found in available.items() if root != "view"}}
    answers = {f"{view.frozen}.{name}": array for name, array in outputs.items()}
    frozen = {"frozen": {**available.get("frozen", {}), **answers}}
    return {
        **own,
        **frozen,
        **{root: found for root, found in available.items() if root not in ("view", "frozen")},
    }


def _view(table: Eval, wanted: Any, models: Models) -> View:
    name, settings = (wanted.name, wanted.settings) if isinstance(wanted, ViewNode) else (wanted, {})
    model, frozen = models.model, {name: each.node for name, each in models.frozen.items()}
    view = find_view(model, name, settings, frozen)
    if view is None:
        place = wanted.origin if isinstance(wanted, ViewNode) else table.evaluator.origin
        chosen = model.origins.get("type", model.origin).mend
        raise Failed(
            views.unknown_view(table.name, name, model.name, place, view_names(model, "", frozen), chosen)
        )
    return view


def _numeric(feature: Feature) -> bool:
    return feature.dtype not in ("bytes", "str") and jnp.issubdtype(jnp.dtype(feature.dtype), jnp.number)


def _arrays(result: object) -> bool:
    return isinstance(result, Mapping) and all(hasattr(array, "shape") for array in result.values())


def _of_table(diagnostic: Diagnostic, table: Eval) -> Diagnostic:
    """A complaint of the model about an evaluation's batch is told at the evaluation."""
    return shapes.in_evaluation(diagnostic, table.name, table.origin)


def _stop(diagnostics: list[Diagnostic]) -> None:
    if diagnostics:
        raise Failed(diagnostics)
