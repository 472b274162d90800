"""The data of a program on this machine: what of it is missing, and its records."""

from __future__ import annotations

from collections.abc import Iterator

from bvc.compile.construct import construct
from bvc.component.error import DataError
from bvc.component.source import Records, Source
from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import missing as catalog
from bvc.ir import DataNode, Duration, Experiment, TrainData
from bvc.runtime.feed.declared import Declared
from bvc.runtime.feed.filtered import Told, filtered


def data_of(experiment: Experiment) -> Iterator[DataNode]:
    """Everything that an experiment reads: for training, then for each evaluation."""
    yield from (source.data for source in experiment.train.sources)
    for table in experiment.evals:
        yield from (value for value in table.evaluator.settings.values() if isinstance(value, DataNode))


def missing_data(experiment: Experiment, root: str) -> list[Diagnostic]:
    """What cannot be read below the data directory `root`; each dataset is told once."""
    found: dict[str, Diagnostic] = {}
    for data in data_of(experiment):
        missing = _source(data).missing(data.split, root)
        if missing is not None:
            origin = data.origin
            told = catalog.data_missing(missing.what, missing.looked, missing.command, origin)
            found.setdefault(missing.what, told)
    return list(found.values())


def open_records(data: DataNode, root: str, told: Told | None = None) -> Records:
    """The records of a split that its filter lets pass.

    Args:
        data: what to read.
        root: the data directory.
        told: how far a filter is that looks at the examples for the first time.

    Raises:
        Failed: they cannot be opened (B0505).
    """
    try:
        records = _source(data).open(data.split, root)
        if data.features:
            records = Declared(records, data.features)
        return filtered(data, records, told)
    except DataError as error:
        raise Failed(catalog.data_unreadable(error.what, error.looked, data.origin, error.help)) from error


def open_training(train: TrainData, root: str, told: Told | None = None) -> tuple[Records, ...]:
    """The records of every source of training data.

    Raises:
        Failed: one cannot be opened, or holds no example (B0505).
    """
    parts = tuple(open_records(source.data, root, told) for source in train.sources)
    for source, records in zip(train.sources, parts, strict=True):
        if not len(records):
            what = f"no example to train on in `{source.data.split}` of `{source.data.name}`"
            raise Failed(catalog.data_unreadable(what, root, source.data.split_origin, "take another split"))
    return parts


def _source(data: DataNode) -> Source:
    return construct(data.source, _no_steps)


def _no_steps(duration: Duration) -> int:
    raise AssertionError(f"a source has no durations, found one of {duration.value} {duration.unit}")
