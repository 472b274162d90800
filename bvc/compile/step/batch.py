"""The batch of training: what the devices get of the data, and what the transforms make of it there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import jax

from bvc.compile.construct import Steps
from bvc.compile.pipeline.mixing import type_sources
from bvc.compile.pipeline.pipeline import batch_features
from bvc.compile.step.transforms import Transform, make_transforms
from bvc.compile.wiring import features_read
from bvc.component.feature import Features
from bvc.diagnostics import Label, Place
from bvc.ir import Experiment

Abstract = Mapping[str, jax.ShapeDtypeStruct]


@dataclass(frozen=True)
class TypedBatch:
    """The global batch, abstractly.

    Attributes:
        features: features of one example after the pipeline.
        given: the batch as the devices get it.
        batch: what `transforms` make of it, with the features that none of them changes.
        transforms: what is done to it on the devices.
        makers: `batch.F` -> place of the op that makes F.
        droppers: F -> the op that drops F, of features that someone would read.
    """

    features: Features
    given: Abstract
    batch: Abstract
    transforms: tuple[Transform, ...]
    makers: Mapping[str, Place]
    droppers: Mapping[str, Label]


def type_batch(experiment: Experiment, steps: Steps) -> TypedBatch:
    """The features of a training batch, and the op that made each.

    Args:
        experiment: the IR, its sources with their features.
        steps: turns durations into steps.

    Raises:
        Failed: an op or a transform does not take what it is given.
    """
    train = experiment.train
    nodes = (experiment.model, *experiment.objective, *experiment.frozen.values())
    wanted = {port for node in nodes for port in (*node.component.call.ports, *_fed(node.feeds))}
    typing, features = type_sources(train, wanted)
    numeric = {
        name: feature
        for name, feature in features.items()
        if feature.fixed and feature.dtype not in ("bytes", "str")
    }
    writers = {f"batch.{name}": typing.writer(name) for name in numeric}
    makers = {path: label.place for path, label in writers.items() if label is not None}
    dropped = {name: typing.dropper(name) for name in wanted if name not in typing.features}
    droppers = {name: label for name, label in dropped.items() if label is not None}
    batch = batch_features(numeric, train.batch)
    given = {name: batch[name] for name in features_read([f"batch.{name}" for name in wanted], batch)}
    transforms, changed = make_transforms(train.transforms, given, steps, typing.writer)
    return TypedBatch(features, given, {**batch, **changed}, transforms, makers, droppers)


def _fed(feeds: Mapping[str, str]) -> list[str]:
    return [path.removeprefix("batch.") for path in feeds.values() if path.startswith("batch.")]
