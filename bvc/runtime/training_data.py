"""What an experiment trains on, without the rest of it: for commands that look at data alone."""

from __future__ import annotations

import dataclasses

from bvc.component.source import Records
from bvc.diagnostics import Failed
from bvc.ir import Experiment, TrainData, TrainSource
from bvc.runtime.data import missing_data, open_records
from bvc.runtime.files import find_files


@dataclasses.dataclass(frozen=True)
class TrainingData:
    """`[data.train]` on this machine: the table with its files found, and the records of each source."""

    train: TrainData
    opened: tuple[tuple[TrainSource, Records], ...]


def training_data(experiment: Experiment, root: str) -> TrainingData:
    """The data of training, below the data directory `root`.

    Raises:
        Failed: data or files are missing (B0501, B0502), or cannot be opened (B0505).
    """
    lacking = missing_data(dataclasses.replace(experiment, evals=()), root)
    try:
        train = find_files(experiment.train)
    except Failed as failure:
        lacking += failure.diagnostics
        raise Failed(lacking) from failure
    if lacking:
        raise Failed(lacking)
    return TrainingData(train, tuple((each, open_records(each.data, root)) for each in train.sources))
