"""Diagnostics for readers: as text with the lines they speak of, one line each, or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Literal

from bvc.diagnostics.diagnostic import Diagnostic, Label
from bvc.diagnostics.place import Origin, Place, Sources
from bvc.diagnostics.snippet import Mark, position, snippet

Format = Literal["text", "short", "json"]


def render(diagnostics: Iterable[Diagnostic], sources: Sources, format: Format = "text") -> str:
    """All diagnostics in one of the three forms; empty where there are none (JSON: `[]`)."""
    if format == "json":
        return json.dumps([as_object(d, sources) for d in diagnostics], indent=2)
    if format == "short":
        return "\n".join(short(d, sources) for d in diagnostics)
    return "\n\n".join(text(d, sources) for d in diagnostics)


def text(diagnostic: Diagnostic, sources: Sources) -> str:
    """The form for people: message, snippet with carets, notes, help."""
    lines = [f"{diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}"]
    place, labels, notes = _place(diagnostic), _labels(diagnostic), _notes(diagnostic, sources)
    gutter = _gutter([*([place] if place else []), *(label.place for label in labels)], sources)
    here = [label for label in labels if place is not None and label.place.file == place.file]
    if place is not None:
        primary = Mark(place.start, place.end, diagnostic.label, "^")
        marks = [primary, *(Mark(label.place.start, label.place.end, label.text, "-") for label in here)]
        lines += _located(place, marks, sources, gutter)
    elsewhere = [label for label in labels if label not in here]
    for label in elsewhere:
        lines.append(f"note: {label.text or 'see here'}")
        lines += _located(label.place, [Mark(label.place.start, label.place.end, "", "-")], sources, gutter)
    remarks = [f"note: {note}" for note in notes]
    if diagnostic.help is not None:
        remarks.append(f"help: {diagnostic.help}")
    if remarks and not elsewhere and len(lines) > 2:
        lines.append(f"{' ' * gutter} |")
    lines += [f"{' ' * gutter} = {remark}" for remark in remarks]
    return "\n".join(_printable(line) for line in lines)


def short(diagnostic: Diagnostic, sources: Sources) -> str:
    """The form for editors: `file:line:column: error[B0102]: message`."""
    where = f"{_where(place, sources)}: " if (place := _place(diagnostic)) is not None else ""
    return _printable(f"{where}{diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}")


def as_object(diagnostic: Diagnostic, sources: Sources) -> dict[str, object]:
    """The form for programs: a value that JSON holds. Lines and columns count from 1, ends are exclusive."""
    place = _place(diagnostic)
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        **_span(place, sources),
        "label": diagnostic.label,
        "labels": [{**_span(label.place, sources), "text": label.text} for label in _labels(diagnostic)],
        "notes": _notes(diagnostic, sources),
        "help": diagnostic.help,
    }


def _place(diagnostic: Diagnostic) -> Place | None:
    if diagnostic.place is None and diagnostic.origin is not None:
        return diagnostic.origin.mend
    return diagnostic.place


def _labels(diagnostic: Diagnostic) -> list[Label]:
    """The labels, and where the value was written if that is not where the caret stands."""
    labels = list(diagnostic.labels)
    origin = diagnostic.origin
    if origin is not None:
        told = {_place(diagnostic), *(label.place for label in labels)}
        if origin.places[-1] not in told:
            labels.append(Label(origin.places[-1], "the value comes from here"))
    return labels


def _notes(diagnostic: Diagnostic, sources: Sources) -> list[str]:
    notes = list(diagnostic.notes)
    if diagnostic.origin is not None and diagnostic.origin.table:
        notes.append(_generated(diagnostic.origin, sources))
    return notes


def _generated(origin: Origin, sources: Sources) -> str:
    bindings = ", ".join(f"{name}={value}" for name, value in origin.bindings)
    if origin.header is None or origin.header.file not in sources:
        return f"in `{origin.table}`, with {bindings}"
    line, _ = sources.position(origin.header)
    return f"in `{origin.table}`, from line {line} with {bindings}"


def _located(place: Place, marks: Sequence[Mark], sources: Sources, gutter: int) -> list[str]:
    lines = [f"{' ' * gutter}--> {_where(place, sources)}"]
    source = sources.get(place.file, "")
    if source:
        lines += [f"{' ' * gutter} |", *snippet(source, marks, gutter)]
    return lines


def _gutter(places: Sequence[Place], sources: Sources) -> int:
    return max((len(str(sources.position(place)[0])) for place in places), default=1)


def _where(place: Place, sources: Sources) -> str:
    line, column = sources.position(place)
    return f"{place.file}:{line}:{column}"


def _span(place: Place | None, sources: Sources) -> dict[str, object]:
    if place is None:
        return {"file": None, "line": None, "column": None, "end_line": None, "end_column": None}
    source = sources.get(place.file, "")
    line, column = position(source, place.start)
    end_line, end_column = position(source, place.end)
    ends = {"end_line": end_line, "end_column": end_column}
    return {"file": place.file, "line": line, "column": column, **ends}


def _printable(line: str) -> str:
    """The line without characters that would act on a terminal instead of showing."""
    return "".join(
        c if c.isprintable() or ord(c) > 0x9F and not 0xD800 <= ord(c) <= 0xDFFF else "\ufffd" for c in line
    )
