"""B0541-B0548: the hardware that a plan is for, and whether the plan fits."""

from __future__ import annotations

from collections.abc import Sequence

from bvc.diagnostics.diagnostic import Diagnostic
from bvc.diagnostics.suggest import did_you_mean, listing


def does_not_fit(
    target: str, needed: str, there: str, excess: str, shares: Sequence[str], help: str
) -> Diagnostic:
    """B0541: a step needs more memory than a device has; sizes come as text."""
    return Diagnostic(
        "B0541",
        f"a step needs {needed} on each device of {target}, {excess} more than the {there} that it has",
        notes=(f"of that {', '.join(shares)}",),
        help=help,
    )


def unknown_target(text: str, name: str, known: Sequence[str]) -> Diagnostic:
    """B0542: `--target` names hardware that nothing is known of, or a shape that cannot be read."""
    choices = f"write NAME, NAME:8 or NAME:2x4; known are {listing(known)}"
    return Diagnostic(
        "B0542",
        f"no target `{text}`",
        notes=(choices,),
        help=did_you_mean(name, known) or "describe it in a file of `stdlib/target`",
    )
