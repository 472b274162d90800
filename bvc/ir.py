"""The typed IR of an experiment: what a spec says, with names resolved and types checked.

Frozen values only. Every node keeps the origin of what it was made from, so that later stages can point at
the spec. Durations stay durations until the compiler knows batch size, dataset size and run length.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bvc.component.declare import Component
from bvc.component.feature import Feature
from bvc.diagnostics import Origin

DurationUnit = Literal["steps", "epochs", "examples", "%"]


@dataclass(frozen=True, slots=True)
class Duration:
    """A quantity of training: `90 epochs`, `5_000 steps`, `1.28M examples`, `3%` of the run."""

    value: float
    unit: DurationUnit
    origin: Origin

    def steps(self, *, batch: int, examples: int | None, total: int | None) -> int:
        """In steps, rounded half to even, at least 1 unless the value is 0 (as big_vision does).

        Args:
            batch: examples in a step.
            examples: examples in an epoch; needed for epochs.
            total: steps of the run; needed for percents.

        Raises:
            ValueError: the unit needs a number that is not known.
        """
        if self.unit == "steps":
            found = self.value
        elif self.unit == "examples":
            found = self.value / batch
        elif self.unit == "epochs":
            if examples is None:
                raise ValueError("the number of examples in an epoch is not known")
            found = self.value * examples / batch
        else:
            if total is None:
                raise ValueError("the length of the run is not known")
            found = self.value / 100 * total
        return max(1, round(found)) if self.value else 0


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


@dataclass(frozen=True, slots=True)
class Mesh:
    """`[mesh]`: sizes of named axes (None: what is left), and the axes that split the batch."""

    axes: Mapping[str, int | None]
    batch: tuple[str, ...]
    origin: Origin
    axis_origins: Mapping[str, Origin] = field(default_factory=dict[str, Origin])


@dataclass(frozen=True, slots=True)
class LayoutRule:
    """One `[[layout]]` rule: parameters whose name matches are sharded over `axis`, or replicated (None).

    `dim` None is the largest dim that divides. Parameters smaller than `min_size` bytes stay replicated.
    """

    match: str
    axis: str | None
    dim: int | None
    min_size: int
    origin: Origin
    origins: Mapping[str, Origin] = field(default_factory=dict[str, Origin])

    def place(self, key: str) -> Origin:
        """Where a key of the rule is written."""
        return self.origins.get(key, self.origin)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of an optimizer; each property takes the first rule that matches and sets it."""

    match: str
    freeze: bool | None
    lr_mult: float | None
    decay_mult: float | None
    schedule: ScheduleNode | None
    origin: Origin


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
class Optimizer:
    """`[optimizer]`: the transform and the settings that every optimizer has."""

    transform: Node
    lr: float
    weight_decay: float
    clip_norm: float | None
    schedule: ScheduleNode | None
    rules: tuple[Rule, ...]
    origin: Origin


@dataclass(frozen=True, slots=True)
class PerturbationNode:
    """`[perturbation]`: radius at the lowest and the highest learning rate of `lr`, or without `lr` twice the same."""

    rho: tuple[float, float]
    lr: tuple[float, float] | None
    alpha: float
    adaptive: bool
    minimize: Literal["perturbed", "clean"]
    schedule: ScheduleNode | None
    origin: Origin


@dataclass(frozen=True, slots=True)
class Precision:
    """`[precision]`: dtype of the parameters of the model, and of sums of gradients over devices."""

    parameters: Literal["float32", "bfloat16"] = "float32"
    reduce: Literal["float32", "bfloat16"] = "float32"


@dataclass(frozen=True, slots=True)
class DrawNode:
    """`[draws.NAME]`: one of `values` for each step, by `weights`; a `static` one picks a compiled step."""

    values: tuple[int | float, ...]
    weights: tuple[float, ...] | None
    static: bool
    origin: Origin


@dataclass(frozen=True, slots=True)
class EmaNode:
    """`[ema]`: what remains of the averages in a step, times a schedule."""

    decay: float
    schedule: ScheduleNode | None
    origin: Origin


@dataclass(frozen=True, slots=True)
class Eval:
    """One table of `[evals]`."""

    name: str
    evaluator: Node
    every: Duration
    skip_first: bool
    prefix: str
    batch: int | None
    origin: Origin
    ema: Origin | None = None
    """Where it asks for the averages of `[ema]`; None: it evaluates the parameters."""


@dataclass(frozen=True, slots=True)
class Run:
    """`[run]`. `accumulate` is the number of parts in which a device works off its examples of a step.

    `writers` are the writers of metrics besides bvc's own files.
    """

    length: Duration
    log: Duration
    save: Duration | None
    keep: Duration | None
    seed: int
    workers: int | None
    origin: Origin
    accumulate: int = 1
    accumulate_origin: Origin | None = None
    writers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Experiment:
    """A whole experiment."""

    doc: str
    mesh: Mesh
    layout: tuple[LayoutRule, ...]
    train: TrainData
    model: ModelNode
    objective: tuple[TermNode, ...]
    optimizer: Optimizer
    evals: tuple[Eval, ...]
    run: Run
    origin: Origin
    frozen: Mapping[str, FrozenNode] = field(default_factory=dict[str, FrozenNode])
    perturbation: PerturbationNode | None = None
    ema: EmaNode | None = None
    draws: Mapping[str, DrawNode] = field(default_factory=dict[str, DrawNode])
    precision: Precision = Precision()
