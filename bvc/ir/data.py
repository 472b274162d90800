"""What is read, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bvc.component.feature import Feature
from bvc.diagnostics import Origin
from bvc.ir.node import Node, OpNode


@dataclass(frozen=True, slots=True)
class DataNode:
    """What to read: a source, a split of it, and the facts known of it without touching it.

    `features` are the features of one raw example; `splits` the sizes of the named splits, where known; of the
    examples those remain that all conditions of `filter` hold for.
    """

    source: Node
    split: str
    name: str
    features: Mapping[str, Feature]
    splits: Mapping[str, int]
    origin: Origin
    split_origin: Origin
    filter: tuple[OpNode, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainSource:
    """One source of training data: its share of the examples is `weight` of the sum of all weights.

    `name` is that in `[data.train.mix]`, empty where there is no mix. `pipeline` is its own, then the common one.
    """

    name: str
    data: DataNode
    weight: float
    pipeline: tuple[OpNode, ...]
    origin: Origin


@dataclass(frozen=True, slots=True)
class TrainData:
    """`[data.train]`: one source, or several that are mixed.

    Up to `skip_bad` examples that cannot be used are replaced. `transforms` change the whole batch on the devices.
    """

    sources: tuple[TrainSource, ...]
    batch: int
    shuffle: bool
    origin: Origin
    batch_origin: Origin
    pipeline_origin: Origin
    transforms: tuple[OpNode, ...] = ()
    skip_bad: int = 0
