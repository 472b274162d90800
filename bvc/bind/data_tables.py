"""The tables of data: which keys they take, of what type. Read like those of `tables.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from bvc.component.annotation import Calls, Count, NonNegative


@dataclass(frozen=True)
class DataTables:
    """`[data]`.

    Settings:
        train: training data
    """

    train: Any


@dataclass(frozen=True)
class DataTable:
    """What to read.

    Settings:
        name: a dataset with a card in `stdlib/data`
        source: a source of your own data, `{ type = "...", ... }`, instead of `name`
        features: features of one raw example, `{ image = "bytes", label = "i64" }`, where the source knows none
        split: which part, in TFDS slicing: `"train[:99%]"`
        filter: conditions, all of which the examples that are read fulfil: `["one_of([3, 5])"]`; looked at once
    """

    split: str
    name: str | None = None
    source: Any = None
    features: dict[str, str] | None = None
    filter: Annotated[Any, Calls("filter")] = ()


@dataclass(frozen=True)
class MixTable:
    """`[data.train.mix.NAME]`: one of several sources of training data; besides these keys those of data.

    Settings:
        weight: its share of the examples is this, of the sum of all weights
        pipeline: op calls of its own, before those of `data.train.pipeline`
    """

    weight: NonNegative
    pipeline: Annotated[Any, Calls()] = ()


@dataclass(frozen=True)
class TrainTable:
    """`[data.train]`: training data; besides these keys it takes `name` or `source`, and `split`, or else `mix`.

    Settings:
        batch: examples in a step, over all devices
        shuffle: a new order in every epoch, a function of seed and epoch
        pipeline: op calls that make an example of the batch from a raw one
        transforms: calls that change the whole batch on the devices, before the model: `["mixup(0.2)"]`
        mix: several sources, mixed by weight: NAME -> what to read, and its `weight`
        skip_bad: so many examples that cannot be used are replaced by others of the same source, and logged;
            absent: the first one ends the run
    """

    batch: Count
    pipeline: Annotated[Any, Calls()]
    shuffle: bool = True
    transforms: Annotated[Any, Calls("transform")] = ()
    mix: Any = None
    skip_bad: Count | None = None
