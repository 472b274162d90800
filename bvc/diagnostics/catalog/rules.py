"""B0320-B0329: patterns on parameter names, in the optimizer's rules and in layouts."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from bvc.diagnostics.diagnostic import Diagnostic
from bvc.diagnostics.place import Origin
from bvc.diagnostics.suggest import listing


def no_match(pattern: str, place: Origin, names: Sequence[str], effect: str) -> Diagnostic:
    """B0320: a pattern matches no parameter. `effect` says what would silently not happen."""
    heads = list(dict.fromkeys(name.split("/")[0] + ("/" if "/" in name else "") for name in names))
    better = _mended(pattern, names)
    return Diagnostic(
        "B0320",
        "pattern matches no parameter",
        place.mend,
        f"matches 0 of {len(names)} parameters",
        notes=(f"names begin with {listing(heads)}", f"without it, {effect}"),
        help=better or "`bvc plan` lists the names of all parameters",
        origin=place,
    )


def transform_asks(name: str, wanted: Sequence[str], offered: Sequence[str], place: Origin) -> Diagnostic:
    """B0324: an optimizer's transform needs extra arguments that a step does not have."""
    return Diagnostic(
        "B0324",
        f"`{name}` asks for {listing(wanted)}, which a step does not have",
        place.mend,
        "cannot work here",
        notes=(f"a transform may ask for {listing(offered)}",),
        help="take another transform",
        origin=place,
    )


def bad_pattern(pattern: str, reason: str, place: Origin) -> Diagnostic:
    """B0321: a pattern is no regular expression."""
    return Diagnostic(
        "B0321",
        f"`{pattern}` is no regular expression",
        place.mend,
        reason,
        help=r"a name is matched whole: `image/.*` is all of a tower, `.*/bias` every bias; `\.` is a dot",
        origin=place,
    )


def all_frozen(place: Origin, count: int) -> Diagnostic:
    """B0322: the rules freeze every parameter."""
    return Diagnostic(
        "B0322",
        "the rules freeze every parameter",
        place.mend,
        f"{count} of {count} parameters are frozen",
        help="leave something to train: match fewer parameters",
        origin=place,
    )


def state_stands_still(owner: str, names: Sequence[str], place: Origin) -> Diagnostic:
    """B0325: a model holds mutable state that none of its methods advances."""
    return Diagnostic(
        "B0325",
        f"`{owner}` never advances the state that it holds",
        place.mend,
        "has no method marked with `@advances`",
        notes=(f"it would stay as it starts: {listing(names)}",),
        help="freeze it by a rule, or train the model that it belongs to by itself",
        origin=place,
    )


def _mended(pattern: str, names: Sequence[str]) -> str | None:
    """A pattern that begins like the one written and does match: its first plain word replaced by a near one."""
    head, slash, tail = pattern.partition("/")
    if head.startswith(".*"):
        return None
    for start in difflib.get_close_matches(head, {name.split("/")[0] for name in names}, n=1, cutoff=0.5):
        mended = f"{re.escape(start)}{slash}{tail}"
        count = sum(re.fullmatch(mended, name) is not None for name in names)
        if count and mended != pattern:
            return f"did you mean `{mended}`? (matches {count})"
    return None


def ramp_too_long(ramp: str, steps: int, total: int, place: Origin) -> Diagnostic:
    """B0323: a schedule's warmup or cooldown (`ramp`) lasts the whole run."""
    return Diagnostic(
        "B0323",
        f"the {ramp} lasts the whole run",
        place.mend,
        f"{steps} steps of {total}",
        help=f"shorten `{ramp}`, or lengthen `run.length`",
        origin=place,
    )
