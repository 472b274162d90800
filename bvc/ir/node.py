"""Components with their settings, as a spec chooses them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bvc.component.declare import Component
from bvc.diagnostics import Origin
from bvc.ir.duration import Duration


@dataclass(frozen=True, slots=True)
class Node:
    """A component with its settings.

    `settings` holds every setting that the spec gives, converted: scalars, tuples, dicts, `Duration`, `Node` for a
    child component, `DataNode`, a tuple of `OpNode` for a pipeline, `ViewNode`. Settings left at their default are
    absent. `origins` says where each was written; `feeds` is the hand wiring of ports (port -> path).
    """

    component: Component
    settings: Mapping[str, Any]
    origin: Origin
    origins: Mapping[str, Origin] = field(default_factory=dict[str, Origin])
    feeds: Mapping[str, str] = field(default_factory=dict[str, str])
    feed_origins: Mapping[str, Origin] = field(default_factory=dict[str, Origin])

    @property
    def name(self) -> str:
        """The component's name."""
        return self.component.name


@dataclass(frozen=True, slots=True)
class ModelNode(Node):
    """A model: `init` names a checkpoint, `init_skip` are patterns of parameters that keep their initial value."""

    init: str | None = None
    init_skip: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FrozenNode(ModelNode):
    """A table of `[frozen]`: a model that is neither optimized nor saved; `random` draws what is random in it."""

    random: bool = False


@dataclass(frozen=True, slots=True)
class ScheduleNode:
    """A schedule component with warmup and cooldown, which are factors on top of any schedule.

    As the value of a setting it stands for a number that changes over the run: `peak` times the schedule.
    """

    node: Node
    warmup: Duration | None
    cooldown: Duration | None
    origin: Origin
    peak: float = 1.0


@dataclass(frozen=True, slots=True)
class TermNode(Node):
    """One objective: the whole of `[objective]` (without a `term`), or the table of that name in a weighted sum."""

    term: str = ""
    weight: float | ScheduleNode = 1.0


@dataclass(frozen=True, slots=True)
class OpNode(Node):
    """A call in a pipeline, or of a batch transform.

    `reads` and `writes` map each port of an op to the feature it is wired to.
    """

    reads: Mapping[str, str] = field(default_factory=dict[str, str])
    writes: Mapping[str, str] = field(default_factory=dict[str, str])
    position: int = 0


@dataclass(frozen=True, slots=True)
class ViewNode:
    """A view of a model, with settings of the method that it names."""

    name: str
    settings: Mapping[str, Any]
    origin: Origin
