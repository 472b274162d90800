"""What an experiment trains on, without the rest of it: for commands that look at data alone."""

from __future__ import annotations

import dataclasses

from bvc.component.source import Records
from bvc.diagnostics import Failed
from bvc.ir import Experiment, TrainData, TrainSource
from bvc.runtime.feed.data import missing_data, open_training
from bvc.runtime.feed.filtered import Told
from bvc.runtime.files import find_files


@dataclasses.dataclass(frozen=True)
class TrainingData:
    """`[data.train]` on this machine: the table with its files found, and the records of each source."""

    train: TrainData
    opened: tuple[tuple[TrainSource, Records], ...]


def training_data(experiment: Experiment, root: str, told: Told | None = None) -> TrainingData:
    """The data of training, below the data directory `root`.

    Args:
        experiment: the IR.
        root: the data directory.
        told: how far a filter is that looks at the examples for the first time.

    Raises:
        Failed: data or files are missing (B0501, B0502), or cannot be opened (B0505).
    """
    lacking = missing_data(dataclasses.replace(experiment, evals=()), root)
    try:
        train = find_files(experiment.train)
    except Failed as failure:
        raise Failed([*lacking, *failure.diagnostics]) from failure
    if lacking:
        raise Failed(lacking)
    return TrainingData(train, tuple(zip(train.sources, open_training(train, root, told), strict=True)))
