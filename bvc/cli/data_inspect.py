"""`bvc data inspect SOURCE|SPEC`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bvc.api import data_root
from bvc.cli.arguments import pairs, settings
from bvc.cli.report import report, say
from bvc.diagnostics import Diagnostic, Failed, Sources

if TYPE_CHECKING:
    from bvc.component.source import Records
    from bvc.runtime.datasets.inspect import Looked


def inspect(
    what: str,
    sets: Sequence[str],
    split: str | None,
    out: str | None,
    files: Sequence[str],
    data_dir: str | None,
) -> int:
    """Print what data holds, and write a contact sheet."""
    from bvc.bind.card import find_card
    from bvc.component.error import DataError
    from bvc.diagnostics.catalog import missing as catalog
    from bvc.spec import parse_target

    sources = Sources()
    try:
        if parse_target(what)[0].endswith(".toml"):
            found = _of_spec(what, settings(sets), split, out, data_root(data_dir), sources)
        elif find_card(what) is not None or not ("/" in what or Path(what).exists()):
            found = _of_card(what, split, out, data_root(data_dir))
        else:
            found = _of_path(what, pairs(files, "--files"), split, out)
    except Failed as failure:
        return report(failure.diagnostics, sources)
    except DataError as error:
        return report([catalog.data_unreadable(error.what, error.looked, None, error.help)], sources)
    except OSError as error:
        from bvc.diagnostics.catalog.run import cannot_write

        reason = error.strerror or str(error)
        return report([cannot_write("the contact sheet", str(error.filename), reason)], sources)
    return report(found, sources)


def _of_card(name: str, split: str | None, out: str | None, root: str) -> list[Diagnostic]:
    from bvc.runtime.feed.carded import find_carded

    carded = find_carded(name)
    card = carded.card
    typer.echo(f"{name}: {card.doc}")
    _counts(card.splits)
    split = split or next(iter(card.splits))
    _raw(name, split, carded.open(split, root), card.features, out)
    return []


def _of_path(path: str, files: Mapping[str, str], split: str | None, out: str | None) -> list[Diagnostic]:
    from bvc.runtime.feed.stored_source import find_source

    source = find_source(path, files)
    typer.echo(f"{source.name}: {source.kind}")
    _counts({name: len(source.open(name)) for name in source.splits})
    split = split or next(iter(source.splits))
    records = source.open(split)
    _raw(source.name, split, records, source.features(records), out)
    return []


def _of_spec(
    spec: str,
    given: list[tuple[str, str]],
    split: str | None,
    out: str | None,
    root: str,
    sources: Sources,
) -> list[Diagnostic]:
    from bvc.check import check
    from bvc.compile.pipeline.pipeline import compile_pipeline
    from bvc.runtime.datasets.inspect import look
    from bvc.runtime.feed.training_data import training_data
    from bvc.spec import parse_target

    file, params = parse_target(spec)
    checked = check(file, params, [*given, *([("data.train.split", split)] if split else [])])
    sources.update(checked.sources)
    if not checked.ok or checked.program is None:
        raise Failed(checked.diagnostics)
    experiment = checked.program.experiment
    found = training_data(experiment, root, say)
    for source, records in found.opened:
        data = source.data
        title = f"data.train.mix.{source.name}" if source.name else "data.train"
        typer.echo(f"{title}: {data.name} `{data.split}`, {len(records)} examples")
        _counts(data.splits)
        pipeline = compile_pipeline(data.features, source.pipeline)
        raw = look(records, data.features, lambda number, records=records: records[number], rows=1)
        seed = experiment.run.seed

        def make(number: int, records: Records = records) -> Mapping[str, object]:
            return pipeline.apply(records[number], seed, 0, number)  # noqa: B023 - called in this turn

        looked = look(records, pipeline.outputs, make)
        _table("as it is stored", raw)
        _table("after the pipeline", looked)
        _sheet(looked, data.name, data.split, _beside(out, source.name) if out else None)
    return checked.diagnostics


def _beside(out: str, source: str) -> str:
    """The file of one source of a mix."""
    path = Path(out)
    return str(path.with_name(f"{path.stem}-{source}{path.suffix}")) if source else out


def _raw(name: str, split: str, records: Records, features: Mapping[str, object], out: str | None) -> None:
    from bvc.runtime.datasets.inspect import look

    looked = look(records, features, lambda number: records[number])  # type: ignore[arg-type]
    _table(f"`{split}`: {len(records)} examples", looked)
    _sheet(looked, name, split, out)


def _counts(splits: Mapping[str, int]) -> None:
    if splits:
        typer.echo("splits: " + ", ".join(f"{name} {count}" for name, count in splits.items()))


def _table(title: str, looked: Looked) -> None:
    typer.echo(title)
    rows = [(name, str(feature), looked.seen[name]) for name, feature in looked.features.items()]
    wide = [max((len(row[column]) for row in rows), default=0) for column in range(2)]
    for name, type_, seen in rows:
        typer.echo(f"  {name.ljust(wide[0])}  {type_.ljust(wide[1])}  {seen}".rstrip())


def _sheet(looked: Looked, name: str, split: str, out: str | None) -> None:
    if looked.sheet is None:
        typer.echo("no feature is a picture: no contact sheet")
        return
    letters = "".join(each if each.isalnum() or each in "._-" else "-" for each in f"{name}-{split}")
    path = Path(out or f"{letters.rstrip('-')}.png")
    path.parent.mkdir(parents=True, exist_ok=True)
    looked.sheet.save(path, "PNG")
    first, last = looked.names[0], looked.names[-1]
    typer.echo(f"contact sheet: {path}: {len(looked.names)} examples, row by row from {first} to {last}")
