"""Program -> DataPlan: what happens to an example on its way to the devices, and what that takes on a host."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from bvc.compile.pipeline.mixing import split_sources
from bvc.compile.program import Program
from bvc.component.feature import Features
from bvc.component.split import split_size
from bvc.ir import DataNode, OpNode
from bvc.plan.data.graph import Graph, graph
from bvc.plan.data.host_memory import HostPart, evaluation_memory, feed_memory
from bvc.plan.drawn import BASED_ON
from bvc.plan.target import host_memory


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """Examples of one kind: those of training, or of an evaluation.

    Attributes:
        name: `data.train`, or `evals.NAME`.
        data: the dataset or source.
        split: of it.
        examples: in the split; None where that is not known before it is opened.
        share: of the examples of training, where several sources are mixed; else 1.
        batch: examples in a batch, over all hosts.
        graph: its pipeline.
    """

    name: str
    data: str
    split: str
    examples: int | None
    share: float
    batch: int
    graph: Graph

    @property
    def rate(self) -> float | None:
        """Examples that one core makes in a second; of the ops that were measured."""
        return _rate(self.graph.seconds[1])

    @property
    def rate_written(self) -> float | None:
        """The same, if every op ran as it is written."""
        return _rate(self.graph.seconds[0])


@dataclass(frozen=True, slots=True)
class DataPlan:
    """What the data of a run costs.

    Attributes:
        based_on: where numbers come from.
        streams: of training, then of evaluations.
        workers: worker processes of the feed.
        memory: what the feed takes on one host, if one host feeds all devices.
        host: bytes of memory of this machine.
    """

    based_on: str
    streams: tuple[StreamPlan, ...]
    workers: int
    memory: tuple[HostPart, ...]
    host: int

    @property
    def total(self) -> int:
        """Bytes of all parts of `memory`."""
        return sum(part.bytes for part in self.memory)


Found = Callable[[Any], Any]
"""A part of an experiment, with the files that it names found, as far as they are here."""


def plan_data(program: Program, found: Found, workers: int) -> DataPlan:
    """What the data of a program costs. Nothing of it is read; pipelines run on drawn examples, on this machine.

    Args:
        program: compiled.
        found: finds files that ops read.
        workers: worker processes of the feed.

    Raises:
        Failed: a pipeline does not type.
    """
    train = program.experiment.train
    _, part = split_sources(
        train.sources, tuple(program.batch)
    )  # sources that disagree leave nothing to the devices
    weights = sum(source.weight for source in train.sources)
    graphs: dict[str, Graph] = {}

    def graph_of(
        raw: Features, pipeline: Sequence[OpNode], needed: Collection[str], devices: bool = True
    ) -> Graph:
        """The graph, measured once for pipelines that do the same."""
        types = [f"{name}: {feature}" for name, feature in raw.items()]
        key = repr((types, sorted(needed), devices, _called(tuple(pipeline))))
        if key not in graphs:
            graphs[key] = graph(raw, found(tuple(pipeline)), needed, devices=devices)
        return graphs[key]

    streams = [
        _stream(
            f"data.train.mix.{source.name}" if source.name else "data.train",
            source.data,
            train.batch,
            graph_of(source.data.features, source.pipeline, tuple(program.batch), bool(part.ops)),
            source.weight / weights,
        )
        for source in train.sources
    ]
    evals = [
        _stream(
            f"evals.{each.table.name}",
            stream.data,
            each.batch,
            graph_of(stream.raw, stream.pipeline, stream.features),
        )
        for each in program.evals
        for stream in each.streams
    ]
    sizes = [stream.examples for stream in streams]
    records = None if None in sizes else sum(size for size in sizes if size is not None)
    memory = feed_memory(
        batch=train.batch * max(stream.graph.travels_bytes[1] for stream in streams),
        example=max(_largest(stream.graph) for stream in streams),
        workers=workers,
        records=records,
        shuffle=train.shuffle,
    )
    if evals:
        largest = max(stream.batch * stream.graph.travels_bytes[1] for stream in evals)
        memory += (evaluation_memory(largest),)
    return DataPlan(BASED_ON, (*streams, *evals), workers, memory, host_memory())


def _stream(name: str, data: DataNode, batch: int, graph: Graph, share: float = 1.0) -> StreamPlan:
    examples = split_size(data.split, data.splits)
    return StreamPlan(name, data.name, data.split, examples, share, batch, graph)


def _called(value: Any) -> Any:
    """A call as it is written, wherever it stands."""
    if isinstance(value, OpNode):
        wired = sorted(value.reads.items()), sorted(value.writes.items())
        return value.name, _called(dict(value.settings)), wired
    if isinstance(value, tuple):
        return tuple(_called(item) for item in value)
    return sorted((key, _called(item)) for key, item in value.items()) if isinstance(value, dict) else value


def _rate(seconds: float) -> float | None:
    return 1.0 / seconds if seconds else None


def _largest(graph: Graph) -> int:
    return max([graph.raw_bytes[1], *(row.compiled.bytes for row in graph.ops if row.compiled is not None)])
