"""B0330-B0339: evaluators and the views that they ask for."""

from __future__ import annotations

from collections.abc import Sequence

from bvc.diagnostics.diagnostic import Diagnostic, Label
from bvc.diagnostics.place import Origin, Place
from bvc.diagnostics.suggest import did_you_mean, listing


def unknown_view(
    evaluation: str, view: str, model: str, place: Origin, known: Sequence[str], chosen: Place | None
) -> Diagnostic:
    """B0330: an evaluation asks for a view that the model does not have."""
    return Diagnostic(
        "B0330",
        f"`evals.{evaluation}` asks for view `{view}`, which `{model}` does not have",
        place.mend,
        f"needs view `{view}`",
        labels=(Label(chosen, f"`{model}` chosen here"),) if chosen else (),
        notes=(f"views of `{model}`: {listing(known)}",) if known else (f"`{model}` has no views",),
        help=did_you_mean(view, known)
        or (f'take one of these views: `view = "{known[0]}"`' if known else "evaluate another model"),
        origin=place,
    )


def no_measure(evaluator: str, stream: str, place: Origin) -> Diagnostic:
    """B0331: an evaluator names a stream for which it has no measure."""
    return Diagnostic(
        "B0331",
        f"evaluator `{evaluator}` has a stream `{stream}` and no method of that name",
        place.mend,
        f"uses `{evaluator}`",
        help=f"give the class `{evaluator}` a method `{stream}` whose ports say what it measures",
        origin=place,
    )


def nothing_to_expand(evaluation: str, feature: str, place: Origin, known: Sequence[str]) -> Diagnostic:
    """B0332: an evaluation expands a feature that the data does not have."""
    return Diagnostic(
        "B0332",
        f"`evals.{evaluation}` reads one example per value of `{feature}`, which the data does not have",
        place.mend,
        f"needs feature `{feature}`",
        notes=(f"features of the data: {listing(known)}",),
        help=did_you_mean(feature, known) or "name a feature that holds several values",
        origin=place,
    )


def no_averages(evaluation: str, place: Origin) -> Diagnostic:
    """B0334: an evaluation asks for averaged parameters that the run does not keep."""
    return Diagnostic(
        "B0334",
        f"`evals.{evaluation}` evaluates averages, which the run does not keep",
        place.mend,
        "asks for averages of the parameters",
        help="add a table `[ema]`, such as `ema = { decay = 0.9999 }`, or leave `ema` out here",
        origin=place,
    )
