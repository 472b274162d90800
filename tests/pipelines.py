"""Pipelines as a spec writes them, bound and compiled for tests."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from bvc.bind.found import Found
from bvc.bind.pipeline import bind_calls
from bvc.bind.value import Reader
from bvc.compile.pipeline.pipeline import compile_pipeline
from bvc.compile.pipeline.run import Pipeline
from bvc.component.feature import Feature, Features
from bvc.diagnostics import Diagnostic, Failed, Origin, Place, Sources
from bvc.ir import OpNode
from bvc.spec.tree import Array, Leaf, Part

FILE = "pipeline.toml"


def bound(*calls: str) -> tuple[OpNode, ...]:
    """The op calls of a pipeline. Raises `Failed` with what is wrong."""
    found = Found()
    reader = Reader(found, lambda *_: None)
    ops = bind_calls(reader, array(*calls), "data.train")
    if found.diagnostics or not isinstance(ops, tuple):
        raise Failed(found.diagnostics)
    return ops


def array(*calls: str) -> Array:
    """The array as it stands in a file that holds the calls, one per line."""
    leaves: list[Leaf] = []
    start = 0
    for call in calls:
        place = Place(FILE, start, start + len(call))
        leaves.append(Leaf(call, Origin((place,)), (Part(call, place),)))
        start += len(call) + 1
    return Array(tuple(leaves), Origin((Place(FILE, 0, start),)))


def shown(diagnostic: Diagnostic, *calls: str) -> str:
    """The text at the place of a diagnostic."""
    assert diagnostic.place is not None
    return Sources({FILE: "\n".join(calls)}).slice(diagnostic.place)


def compiled(features: Features, *calls: str, needed: Collection[str] | None = None) -> Pipeline:
    """The pipeline that the calls make."""
    return compile_pipeline(features, bound(*calls), needed)


def feature_of(value: Any) -> Feature:
    """The type of a value, with a name for each dim of an array."""
    if isinstance(value, bytes | str):
        return Feature(type(value).__name__)
    if isinstance(value, list):
        return Feature("str", ("n",))
    return Feature(np.asarray(value).dtype.name, tuple(f"d{i}" for i in range(np.ndim(value))))


def run(
    example: Mapping[str, Any], *calls: str, seed: int = 0, epoch: int = 0, index: int = 0
) -> dict[str, Any]:
    """The example after the calls."""
    features = {name: feature_of(value) for name, value in example.items()}
    return compiled(features, *calls).apply(example, seed, epoch, index)
