"""text -> tree -> IR -> program -> the whole step, traced; and whatever is wrong on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bvc.bind import bind_parts
from bvc.diagnostics import Diagnostic, Failed, Sources
from bvc.diagnostics.order import in_order
from bvc.ir import Experiment, ModelNode, TrainData
from bvc.spec import Spec, load, parse_target

if TYPE_CHECKING:  # with the compiler comes jax, which errors of the text do without
    from jax.extend.core import ClosedJaxpr

    from bvc.compile.program import Program


@dataclass
class Checked:
    """How far a spec came, and what was found.

    Attributes:
        sources: the texts that were read, to point into.
        spec: the resolved tree; None if the text has errors.
        experiment: the IR; None if names, types or units have errors.
        program: the compiled program; None if something does not fit.
        step: the jaxpr of the whole step on the smallest mesh that the spec allows, if it was asked for.
        diagnostics: everything that was found.
    """

    sources: Sources
    spec: Spec | None = None
    experiment: Experiment | None = None
    program: Program | None = None
    step: ClosedJaxpr | None = None
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])

    @property
    def ok(self) -> bool:
        """No errors; there may be warnings."""
        return all(diagnostic.severity != "error" for diagnostic in self.diagnostics)


def check(
    path: str,
    params: Mapping[str, object] | str = "",
    settings: Sequence[tuple[str, str]] = (),
    *,
    step: bool = True,
) -> Checked:
    """Check a spec.

    Args:
        path: the file.
        params: values of its params, or their text on the command line.
        settings: leaves to set: path and text of the value.
        step: trace the step too; without, what is wrong in it alone is left to who traces it anyway, as a plan does.
    """
    checked = Checked(Sources())
    try:
        checked.spec = load(path, params, settings, sources=checked.sources)
        checked.diagnostics += checked.spec.warnings
        bound = bind_parts(checked.spec)
        checked.diagnostics += bound.diagnostics
        checked.experiment = bound.experiment
        if checked.experiment is None:
            checked.diagnostics += apart(bound.model, bound.train)
        else:
            from bvc.compile.program import compile_experiment

            checked.program = compile_experiment(checked.experiment)
            checked.step = trace(checked.program) if step else None
    except Failed as failure:
        checked.diagnostics += failure.diagnostics
    checked.diagnostics = in_order(checked.diagnostics)
    return checked


def apart(model: ModelNode | None, train: TrainData | None) -> list[Diagnostic]:
    """What is wrong with a model and a pipeline by themselves, where the experiment around them has errors."""
    found: list[Diagnostic] = []
    if model is not None:
        from bvc.compile.construct import abstract

        try:
            abstract(model, lambda duration: 1)
        except Failed as failure:
            found += failure.diagnostics
    if train is not None and all(source.data.features for source in train.sources):
        from bvc.compile.pipeline.mixing import type_sources

        try:
            type_sources(train, ())
        except Failed as failure:
            found += failure.diagnostics
    return found


def trace(program: Program) -> ClosedJaxpr:
    """The whole step on the smallest mesh that the spec allows, traced without devices.

    Raises:
        Failed: a layout rule or a batch does not fit the mesh.
    """
    from bvc.compile.mesh.mesh import smallest
    from bvc.compile.step.traced import traced_step

    return traced_step(program, program.training(smallest(program.experiment.mesh)))


def check_file(path: str) -> tuple[list[Diagnostic], Sources]:
    """What is wrong with a file, and the texts to point into; `path` may carry params as on the command line."""
    file, params = parse_target(path)
    checked = check(file, params)
    return checked.diagnostics, checked.sources
