"""Where the estimate of a step's memory is known to be poor."""

from __future__ import annotations

from bvc.diagnostics import Diagnostic
from bvc.diagnostics.catalog import plan as catalog
from bvc.plan.plan import Plan


def check_doubts(plan: Plan) -> list[Diagnostic]:
    """A warning if the layers of a step are recomputed outside a loop and no compiler was asked.

    When a compiler for accelerators computes them again, and so what lives at once, is its choice.
    """
    if plan.recomputed < 2 or plan.compiled is not None or plan.target.kind == "cpu":
        return []
    return [catalog.recomputed_apart(plan.recomputed, plan.target.name)]
