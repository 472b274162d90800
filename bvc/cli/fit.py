"""`bvc plan SPEC --fit`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import typer

from bvc.cli.arguments import settings
from bvc.cli.report import report
from bvc.diagnostics import Failed

if TYPE_CHECKING:
    from bvc.check import Checked
    from bvc.ir import Experiment
    from bvc.plan.fit.candidate import Flags


def fit(spec: str, sets: Sequence[str], target: str | None, json: bool) -> int:
    """Search the fastest way to run a spec that fits, and print the flags that choose it; 1 if none fits."""
    from bvc.check import check
    from bvc.spec import parse_target

    file, given = parse_target(spec)
    set_ = settings(sets)
    checked = check(file, given, set_)
    if not checked.ok or checked.program is None:
        return report(checked.diagnostics, checked.sources)

    from bvc.diagnostics.catalog import plan as catalog
    from bvc.plan.fit.fit import fit as search
    from bvc.plan.fit.report import fit_as_json, render_fit
    from bvc.plan.target import find_target, target_names, this_machine
    from bvc.plan.units import size

    try:
        hardware = find_target(target) if target else this_machine()
        if not hardware.timed:
            raise Failed(catalog.rates_unknown(hardware.name, hardware.slices, target_names()))
        load = again(file, given, set_)
        found = search(checked.program, load, hardware, names_split=names_split(checked))
    except Failed as failure:
        return report(failure.diagnostics, checked.sources)
    command = shlex.join(["bvc", "run", spec, *(f"--set={each}" for each in sets)])
    typer.echo(fit_as_json(found) if json else render_fit(found, command))
    if found.least is None:
        return report(checked.diagnostics, checked.sources)
    least = found.least.plan
    unfit = catalog.nothing_fits(
        hardware.name, size(hardware.memory), size(least.memory.total), size(least.excess)
    )
    return report([*checked.diagnostics, unfit], checked.sources)


def again(file: str, params: str, sets: Sequence[tuple[str, str]]) -> Callable[[Flags], Experiment]:
    """The same spec with further settings, bound."""
    from bvc.bind import bind
    from bvc.spec import load

    return lambda flags: bind(load(file, params, [*sets, *flags]))


def names_split(checked: Checked) -> bool:
    """Whether the spec says which axes of the mesh split the batch."""
    from bvc.spec.tree import Table

    mesh = None if checked.spec is None else checked.spec.tree.get("mesh")
    return isinstance(mesh, Table) and "batch" in mesh.items
