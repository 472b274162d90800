"""B0140-B0149: data cards, datasets and splits."""

from __future__ import annotations

from collections.abc import Sequence

from bvc.diagnostics.diagnostic import Diagnostic
from bvc.diagnostics.place import Origin
from bvc.diagnostics.suggest import did_you_mean, listing


def unknown_dataset(name: str, place: Origin, known: Sequence[str]) -> Diagnostic:
    """B0140: `name` is no dataset with a card."""
    return Diagnostic(
        "B0140",
        f"unknown dataset `{name}`",
        place.mend,
        "no card in `stdlib/data` has this name",
        notes=() if did_you_mean(name, known) else (f"there are {listing(known, 20)}",),
        help=did_you_mean(name, known) or 'describe data of your own by `source = { type = "...", ... }`',
        origin=place,
    )


def bad_split(split: str, reason: str, place: Origin, help: str) -> Diagnostic:
    """B0141: a split that does not exist, cannot be read, or holds nothing."""
    return Diagnostic("B0141", f"`{split}` {reason}", place.mend, "this split", help=help, origin=place)


def bad_card(file: str, reason: str) -> Diagnostic:
    """B0142: a card of a dataset that cannot be understood."""
    return Diagnostic(
        "B0142",
        f"the data card `{file}` {reason}",
        help='a card has `doc`, `source`, `[features]` such as `image = "bytes"`, and `[splits]` with their sizes',
    )


def bad_feature(feature: str, text: str, place: Origin) -> Diagnostic:
    """B0145: a feature of one's own data that cannot be read."""
    return Diagnostic(
        "B0145",
        f'feature `{feature}` cannot be read from "{text}"',
        place.mend,
        "not a dtype with dims",
        help='write a dtype and dims, such as `"bytes"`, `"i64"`, `"u8[h w 3]"` or `"str[n]"`',
        origin=place,
    )


def no_features(source: str, place: Origin) -> Diagnostic:
    """B0146: nothing is known of the features of a source."""
    return Diagnostic(
        "B0146",
        f"the features of source `{source}` are not known before it is opened",
        place.mend,
        "does not say what an example holds",
        help='say it beside `source`: `features = { image = "bytes", label = "i64" }`',
        origin=place,
    )


def weight_too_small(source: str, weight: float, least: float, place: Origin) -> Diagnostic:
    """B0147: a source of a mix has a weight with which it would never come."""
    return Diagnostic(
        "B0147",
        f"source `{source}` of the mix would never come: its weight is {weight:g}",
        place.mend,
        "no share of the examples",
        help=f"give it at least {least:.2g} beside the others, or leave the source out"
        if least
        else "give every source a weight above 0, such as its number of examples",
        origin=place,
    )


def no_such_dataset(name: str, known: Sequence[str]) -> Diagnostic:
    """B0143: a dataset that was asked for on the command line has no card."""
    return Diagnostic(
        "B0143",
        f"unknown dataset `{name}`",
        notes=() if did_you_mean(name, known) else (f"there are {listing(known, 20)}",),
        help=did_you_mean(name, known) or "take one of these names",
    )


def cannot_prepare(name: str, reason: str, looked: Sequence[str], help: str | None) -> Diagnostic:
    """B0144: a dataset cannot be prepared."""
    return Diagnostic(
        "B0144",
        f"cannot prepare `{name}`: {reason}",
        notes=(f"data directory and files that were looked for: {listing(looked)}",),
        help=help or "mend what is named, and run the same command again: it continues where it can",
    )


def cannot_convert(source: str, reason: str, target: str, help: str | None) -> Diagnostic:
    """B0148: a source cannot be written as a dataset."""
    return Diagnostic(
        "B0148",
        f"cannot convert `{source}`: {reason}",
        notes=(f"it would be written to {target}",),
        help=help or "mend what is named, and give the same command again: it continues where it was",
    )


def no_such_source(text: str, reason: str, looked: str) -> Diagnostic:
    """B0149: what was named on the command line is no source of data."""
    return Diagnostic(
        "B0149",
        f"no data at `{text}`: {reason}",
        notes=(f"looked at {looked}",),
        help="name a folder that TFDS wrote, a folder SPLIT/CLASS of images, or a `.tar` or `.jsonl` file, with "
        "`{split}` for the name of its split",
    )
