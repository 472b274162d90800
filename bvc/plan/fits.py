"""Whether a plan fits its target, and if not, by how much and what would help."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from bvc.diagnostics import Diagnostic
from bvc.diagnostics.catalog import plan as catalog
from bvc.plan.plan import Plan
from bvc.plan.units import size

Mend = tuple[tuple[tuple[str, str], ...], Plan]
"""Settings, paths with texts, that make a plan fit, and the plan with them."""


def check_fit(plan: Plan, mends: Sequence[Mend] | None = None) -> list[Diagnostic]:
    """Nothing if a step fits into the memory of a device, else the diagnostic that says so.

    Args:
        plan: of the spec.
        mends: single changes that were planned and fit; None: none were looked for.
    """
    if not plan.excess:
        return []
    memory = plan.memory
    shares = [
        f"{size(part)} {what}"
        for part, what in (
            (memory.parameters, "parameters"),
            (memory.optimizer, "optimizer state"),
            *([(memory.ema, "averages")] if memory.ema else []),
            *([(memory.frozen, "frozen modules")] if memory.frozen else []),
            (memory.batch, "batch"),
            (memory.step, "activations and gradients"),
        )
    ]
    needed, there, excess = size(plan.needed), size(plan.target.memory), size(plan.excess)
    return [catalog.does_not_fit(plan.target.name, needed, there, excess, shares, _help(mends))]


def _help(mends: Sequence[Mend] | None) -> str:
    if mends is None:
        return "`bvc plan` says what would make it fit"
    search = "`--fit` searches all of them together for the fastest"
    if not mends:
        return f"no single change of mesh, remat, parts or batch makes it fit; {search}"
    ways = "; or ".join(f"`{_settings(settings)}` ({size(plan.memory.total)})" for settings, plan in mends)
    return f"what makes it fit: {ways}; {search}"


def _settings(settings: Sequence[tuple[str, str]]) -> str:
    return " ".join(f"--set {shlex.quote(f'{path}={value}')}" for path, value in settings)
