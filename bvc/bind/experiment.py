"""The whole tree as an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bvc.bind.component import bind_component, bind_model
from bvc.bind.data import bind_data, bind_train
from bvc.bind.data_tables import DataTables
from bvc.bind.found import INVALID, Found, Invalid
from bvc.bind.mesh import bind_layout, bind_mesh
from bvc.bind.named import bind_named
from bvc.bind.optimizer import bind_optimizer, bind_scheduled
from bvc.bind.parts import (
    bind_draws,
    bind_ema,
    bind_frozen,
    bind_objective,
    bind_perturbation,
    bind_precision,
)
from bvc.bind.pipeline import bind_calls
from bvc.bind.quantity import DURATION_UNITS
from bvc.bind.tables import EvalTable, RootTable, RunTable
from bvc.bind.value import Reader, Role, Site
from bvc.bind.view import Viewed, bind_views
from bvc.component import registry
from bvc.component.annotation import Calls, Child, Split, Varying
from bvc.component.declare import fields_of
from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import names, quantities
from bvc.ir import Duration, Eval, Experiment, FrozenNode, ModelNode, Run, TrainData
from bvc.spec import Spec
from bvc.spec.tree import Node as TreeNode
from bvc.spec.tree import Table


@dataclass(frozen=True, slots=True)
class Bound:
    """What became of a spec: the experiment, or else those of its parts that have no errors."""

    experiment: Experiment | None
    model: ModelNode | None
    train: TrainData | None
    diagnostics: tuple[Diagnostic, ...]


def bind(spec: Spec) -> Experiment:
    """The experiment that a resolved spec describes.

    Raises:
        Failed: with every diagnostic, if anything is wrong.
    """
    bound = bind_parts(spec)
    if bound.experiment is None:
        raise Failed(bound.diagnostics)
    return bound.experiment


def bind_parts(spec: Spec) -> Bound:
    """The experiment, if nothing is wrong; else what is, and the parts that can be judged further."""
    found = Found()
    missing = _import(spec, found)
    table = spec.tree.get("model")
    plain = Reader(found, lambda node, role, site: _role(plain, node, role, site, None))
    model = INVALID if table is None else bind_model(plain, table, "model")
    own = None if isinstance(model, Invalid) else model
    frozen = bind_frozen(plain, spec.tree.get("frozen"))
    viewed = None if own is None else Viewed(own, frozen)
    reader = Reader(found, lambda node, role, site: _role(reader, node, role, site, viewed))
    train = _train(reader, spec.tree)
    experiment = _experiment(reader, spec, model, frozen, train)
    if missing:  # names that are unknown may be those that a module would have declared
        found.diagnostics = [each for each in found.diagnostics if each.code not in UNKNOWN]
    whole = None if isinstance(train, Invalid) else train
    return Bound(None if found.failed else experiment, own, whole, tuple(found.diagnostics))


UNKNOWN = ("B0103", "B0104")
"""Components and ops that nobody declared."""


def _import(spec: Spec, found: Found) -> bool:
    """Load the modules that a spec names; whether one of them failed."""
    failed = False
    for leaf in spec.imports:
        module = str(leaf.value)
        try:
            registry.load(module)
        except registry.LoadError as error:
            found.add(names.import_failed(module, str(error), leaf.origin))
            failed = True
    return failed


def _role(reader: Reader, node: TreeNode, role: Role, site: Site, viewed: Viewed | None) -> Any:
    """What stands for something that is built later: a component, a pipeline, data, a view of a model."""
    if isinstance(role, Child):
        if role.kind == "model":
            if isinstance(node, Table) and "feeds" in node.items:
                reader.found.add(names.feeds_inside(site.setting.name, node.keys["feeds"]))
            return bind_model(reader, node, site.setting.name)
        bound = bind_component(reader, role.kind, node, site.setting.name)
        return bound if isinstance(bound, Invalid) else bound[0]
    if isinstance(role, Calls):
        return bind_calls(reader, node, site.owner, role.kind)
    if isinstance(role, Split):
        return bind_data(reader, node, site)
    if isinstance(role, Varying):
        return bind_scheduled(reader, node, site.setting.name, role.low)
    return bind_views(reader, node, site, viewed)


def _experiment(
    reader: Reader,
    spec: Spec,
    model: ModelNode | Invalid,
    frozen: Mapping[str, FrozenNode],
    train: TrainData | Invalid,
) -> Experiment | None:
    tree = spec.tree
    root = fields_of(RootTable)
    settings = reader.table(tree, root, "")
    objective = bind_objective(reader, tree.items["objective"]) if "objective" in tree.items else INVALID
    optimizer = bind_optimizer(reader, tree.items["optimizer"]) if "optimizer" in tree.items else INVALID
    perturbation = None
    if "perturbation" in tree.items and not isinstance(optimizer, Invalid):
        perturbation = bind_perturbation(reader, tree.items["perturbation"], optimizer.lr)
    precision = bind_precision(reader, tree.get("precision"))
    draws = bind_draws(reader, tree.get("draws"))
    ema = bind_ema(reader, tree.items["ema"]) if "ema" in tree.items else None
    run = _run(reader, tree.items["run"]) if "run" in tree.items else INVALID
    evals = bind_named(reader, tree.get("evals"), "evals", lambda name, table, _: _eval(reader, name, table))
    mesh = bind_mesh(reader, tree.get("mesh"), tree.origin)
    layout = bind_layout(reader, tree.get("layout"))
    if settings is None or reader.found.failed:
        return None
    if (
        isinstance(train, Invalid)
        or isinstance(model, Invalid)
        or isinstance(objective, Invalid)
        or isinstance(optimizer, Invalid)
        or isinstance(perturbation, Invalid)
        or isinstance(ema, Invalid)
        or isinstance(precision, Invalid)
        or isinstance(run, Invalid)
        or isinstance(mesh, Invalid)
    ):
        return None
    return Experiment(
        spec.doc,
        mesh,
        layout,
        train,
        model,
        objective,
        optimizer,
        tuple(evals.values()),
        run,
        tree.origin,
        frozen,
        perturbation,
        ema,
        draws,
        precision,
    )


def _train(reader: Reader, tree: Table) -> TrainData | Invalid:
    data = tree.get("data")
    if data is None:
        return INVALID
    data = reader.expect_table(data, "data")
    if isinstance(data, Invalid):
        return INVALID
    if reader.table(data, fields_of(DataTables), "data") is None:
        return INVALID
    return bind_train(reader, data.items["train"])


def _run(reader: Reader, node: TreeNode) -> Run | Invalid:
    table = reader.expect_table(node, "run")
    if isinstance(table, Invalid):
        return INVALID
    settings = reader.table(table, fields_of(RunTable), "run")
    if settings is None:
        return INVALID
    values = settings.values
    length: Duration = values["length"]
    if length.unit == "%":
        accepted = [unit for unit in DURATION_UNITS if unit != "%"]
        shown = f"{length.value:g}%"
        return reader.found.add(quantities.wrong_unit("length", shown, "%", length.origin, accepted))
    log = values.get("log", Duration(50, "steps", node.origin))
    return Run(
        length,
        log,
        values.get("save"),
        values.get("keep"),
        values.get("seed", 0),
        values.get("workers"),
        node.origin,
        values.get("accumulate", 1),
        settings.origins.get("accumulate"),
        tuple(dict.fromkeys(values.get("writers", ()))),
    )


def _eval(reader: Reader, name: str, table: TreeNode) -> Eval | Invalid:
    bound = bind_component(reader, "evaluator", table, f"evals.{name}", generic=fields_of(EvalTable))
    if isinstance(bound, Invalid):
        return INVALID
    evaluator, generic = bound
    values = generic.values
    prefix = values.get("prefix")
    return Eval(
        name,
        evaluator,
        values["every"],
        values.get("skip_first", False),
        f"{name}/" if prefix is None else prefix,
        values.get("batch"),
        table.origin,
        generic.origins["ema"] if values.get("ema") else None,
    )
