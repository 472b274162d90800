"""B0310-B0319: pipelines, feature by feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bvc.diagnostics.diagnostic import Diagnostic, Label
from bvc.diagnostics.place import Origin
from bvc.diagnostics.suggest import did_you_mean

Present = Mapping[str, object]
"""Features and their types, as they are where the error is."""


def feature_missing(
    reader: str,
    feature: str,
    wanted: str,
    place: Origin,
    present: Present,
    lost: Label | None,
    written: Sequence[Label],
) -> Diagnostic:
    """B0310: a feature that an op or a consumer needs is not there.

    `lost` points at the op that dropped it; `written` at ops that wrote features nobody read since.
    """
    close = did_you_mean(feature, present)
    if lost:
        help = f"let that op keep `{feature}`, or move `{reader}` before it"
    else:
        help = close or f"add an op that writes `{feature}`, or read one of the features that are there"
    return Diagnostic(
        "B0310",
        f"`{reader}` needs feature `{feature}`, which is not there",
        place.mend,
        f"reads `{feature}{wanted}`",
        labels=(lost,) if lost else tuple(written),
        notes=(_described(present),),
        help=help,
        origin=place,
    )


def feature_dtype(
    reader: str, feature: str, is_: str, wanted: str, place: Origin, writer: Label | None, help: str
) -> Diagnostic:
    """B0311: a feature has a dtype that the op cannot read."""
    return Diagnostic(
        "B0311",
        f"`{reader}` cannot read feature `{feature}`: it is `{is_}`",
        place.mend,
        f"reads `{wanted}`",
        labels=(writer,) if writer else (),
        notes=() if writer else ("the data gives it so",),
        help=help,
        origin=place,
    )


def feature_shape(
    reader: str, feature: str, is_: str, wanted: str, place: Origin, writer: Label | None
) -> Diagnostic:
    """B0312: a feature has a shape that the op cannot read."""
    return Diagnostic(
        "B0312",
        f"the shape of feature `{feature}` does not fit `{reader}`: it is `{is_}`",
        place.mend,
        f"reads `{wanted}`",
        labels=(writer,) if writer else (),
        notes=() if writer else ("the data gives it so",),
        help=f"read another feature by `from=...`, or bring `{feature}` to this shape before",
        origin=place,
    )


def op_refuses(
    op: str, port: str, reason: str, place: Origin, present: Present, lost: Label | None, help: str | None
) -> Diagnostic:
    """B0313: an op refuses a feature for a reason of its own."""
    return Diagnostic(
        "B0313",
        f"`{op}` cannot use feature `{port}`: it {reason}",
        place.mend,
        f"asks for `{port}`",
        labels=(lost,) if lost else (),
        notes=(_described(present),),
        help=help or f"`bvc explain {op}` says what it takes",
        origin=place,
    )


def not_batchable(feature: str, is_: str, place: Origin, writer: Label | None) -> Diagnostic:
    """B0314: examples of different sizes cannot be put into one batch."""
    return Diagnostic(
        "B0314",
        f"feature `{feature}` has no fixed size: it is `{is_}`",
        place.mend,
        f"a batch needs the same size of `{feature}` in every example",
        labels=(writer,) if writer else (),
        help=f"resize, crop or pad `{feature}` to a fixed size, or drop it",
        origin=place,
    )


def sources_disagree(feature: str, types: Mapping[str, str], place: Origin) -> Diagnostic:
    """B0315: sources of a mix give a feature of different types, or not all of them give it."""
    return Diagnostic(
        "B0315",
        f"the sources of the mix do not agree about feature `{feature}`",
        place.mend,
        "what comes out here must be the same for every source",
        notes=tuple(f"`{source}`: {type_}" for source, type_ in types.items()),
        help=f"bring `{feature}` to one type in the `pipeline` of each source",
        origin=place,
    )


def of_source(diagnostic: Diagnostic, source: str) -> Diagnostic:
    """What does not fit in the pipeline of one source of a mix; of a single source (no name) as it is."""
    notes = (*diagnostic.notes, f"with examples of source `{source}` of the mix")
    return replace(diagnostic, notes=notes) if source else diagnostic


def _described(present: Present) -> str:
    return f"here are {', '.join(f'{name}: {type_}' for name, type_ in present.items()) or 'no features'}"
