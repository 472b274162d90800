"""The sources of training data: each pipeline typed, all of them made to agree, and compiled."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from bvc.compile.pipeline.device import DevicePart, Lowered, Table
from bvc.compile.pipeline.pipeline import check_batchable, compile_pipeline, split_pipeline
from bvc.compile.pipeline.run import Pipeline
from bvc.compile.pipeline.types import Typing, follow
from bvc.component.feature import Features
from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import pipeline as catalog
from bvc.ir import TrainData, TrainSource


def type_sources(train: TrainData, wanted: Collection[str]) -> tuple[Typing, Features]:
    """The typing of the first source, and the features that all sources make alike.

    Args:
        train: the sources.
        wanted: features that the devices read.

    Raises:
        Failed: a pipeline does not type, or the sources disagree about a feature that is wanted (B0315).
    """
    typings: list[Typing] = []
    wrong: list[Diagnostic] = []
    for source in train.sources:
        typing = follow(source.data.features, source.pipeline)
        found = [*typing.diagnostics, *check_batchable(source.data.features, source.pipeline, wanted)]
        told = {(each.code, each.place) for each in wrong}  # of the common part of the pipelines once
        wrong += [
            catalog.of_source(each, source.name) for each in found if (each.code, each.place) not in told
        ]
        typings.append(typing)
    if wrong:
        raise Failed(wrong)
    every = list(dict.fromkeys(name for typing in typings for name in typing.features))
    alike: list[str] = []
    for name in every:
        types = [str(typing.features.get(name, "none")) for typing in typings]
        if len(set(types)) == 1:
            alike.append(name)
        elif name in wanted:
            by_source = {source.name: each for source, each in zip(train.sources, types, strict=True)}
            wrong.append(catalog.sources_disagree(name, by_source, train.pipeline_origin))
    if wrong:
        raise Failed(wrong)
    return typings[0], {name: typings[0].features[name] for name in alike}


def split_sources(
    sources: Sequence[TrainSource], needed: Collection[str]
) -> tuple[tuple[Pipeline, ...], DevicePart]:
    """The pipelines for the host, and what is left to the devices: of a mix only what all sources leave alike.

    Raises:
        Failed: a pipeline does not type.
    """
    split = [split_pipeline(source.data.features, source.pipeline, needed) for source in sources]
    part = split[0][1]
    if all(_alike(part, other) for _, other in split):
        return tuple(pipeline for pipeline, _ in split), part
    whole = (compile_pipeline(source.data.features, source.pipeline, needed) for source in sources)
    return tuple(whole), DevicePart()


def _alike(one: DevicePart, other: DevicePart) -> bool:
    return len(one.ops) == len(other.ops) and all(
        a.feature == b.feature and _same(a, b) for a, b in zip(one.ops, other.ops, strict=True)
    )


def _same(one: Lowered, other: Lowered) -> bool:
    """Whether two ops do the same: two tables with the same values, or methods of objects made by the same settings."""
    if isinstance(one.call, Table) and isinstance(other.call, Table):
        return np.array_equal(one.call.values, other.call.values)
    a, b = getattr(one.call, "__self__", None), getattr(other.call, "__self__", None)
    return a is not None and type(a) is type(b) and vars(a) == vars(b)
