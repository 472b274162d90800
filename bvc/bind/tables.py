"""The tables of a spec that are no components: which keys they take, of what type.

The fields are read like the settings of a component, so messages, reference pages and the JSON Schema follow
from here alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from bvc.bind.data_tables import DataTable, MixTable, TrainTable
from bvc.bind.part_tables import (
    DrawTable,
    EmaTable,
    FrozenTable,
    PerturbationTable,
    PrecisionTable,
    TermTable,
)
from bvc.component.annotation import (
    AtLeast,
    Bytes,
    Count,
    Interval,
    NonNegative,
    Steps,
)


@dataclass(frozen=True)
class RunTable:
    """`[run]`: how long, and how often what happens.

    Settings:
        length: length of the run, such as `"90 epochs"`
        log: how often metrics are written
        save: how often a checkpoint is written; absent: only at the end
        keep: checkpoints at multiples of this are kept for good
        seed: seed of everything random: initialization, order of the data, augmentation, dropout
        workers: processes that prepare examples; absent: as many as the machine suggests. Changes no number
        accumulate: in how many parts a device works off its examples of a step, to need less memory. Changes no
            number but by rounding
        writers: where metrics go besides the files of the work directory; their packages are extras of bvc
    """

    length: Interval
    log: Interval | None = None
    save: Interval | None = None
    keep: Interval | None = None
    seed: Annotated[int, AtLeast(0)] = 0
    workers: Annotated[int, AtLeast(0)] | None = None
    accumulate: Count = 1
    writers: tuple[Literal["tensorboard", "wandb"], ...] = ()


@dataclass(frozen=True)
class MeshTable:
    """`[mesh]`: the grid of devices.

    Settings:
        axes: name -> size of each mesh axis, in the order of the device grid; `"rest"` takes what is left
        batch: the axes that split the batch; by default all but `tensor`
    """

    axes: dict[str, int | str]
    batch: tuple[str, ...] | None = None


@dataclass(frozen=True)
class DimOfAxis:
    """A dim of a parameter and the mesh axis that splits it.

    Settings:
        dim: number of the dim, from 0
        axis: name of the mesh axis
    """

    dim: Annotated[int, AtLeast(0)]
    axis: str


@dataclass(frozen=True)
class LayoutTable:
    """`[[layout]]`: how parameters lie on the mesh; the first rule that matches a parameter decides.

    Settings:
        match: regex that must match a parameter's whole name
        shard: mesh axis over which the largest divisible dim is split, or `{ dim = 0, axis = "tensor" }`
        replicate: every device holds the whole parameter
        min_size: smaller parameters stay whole
    """

    match: str
    shard: str | DimOfAxis | None = None
    replicate: bool = False
    min_size: Bytes = 4 * 2**20


@dataclass(frozen=True)
class OptimizerTable:
    """`[optimizer]`: what every optimizer has besides the settings of its `type`.

    Settings:
        lr: learning rate at the peak of the schedule
        weight_decay: decay of parameters whose name ends in `/kernel`; times the schedule, not times lr
        clip_norm: gradients are scaled down to this global norm
        schedule: factor on the learning rate and the decay over the run
        rules: exceptions for parameters by name
    """

    lr: NonNegative
    weight_decay: NonNegative = 0.0
    clip_norm: NonNegative | None = None
    schedule: Any = None
    rules: Any = None


@dataclass(frozen=True)
class RuleTable:
    """One of an optimizer's `rules`; each property takes the first rule that matches and sets it.

    Settings:
        match: regex that must match a parameter's whole name
        freeze: keep the parameter as it is
        lr_mult: factor on the learning rate
        decay_mult: factor on the weight decay, also for parameters that by default have none
        schedule: another schedule
    """

    match: str
    freeze: bool | None = None
    lr_mult: NonNegative | None = None
    decay_mult: NonNegative | None = None
    schedule: Any = None


@dataclass(frozen=True)
class ScheduleTable:
    """A schedule: besides the settings of its `type`, two factors on top of any.

    Settings:
        warmup: linear rise from 0 at the start
        cooldown: linear fall to 0 at the end
    """

    warmup: Steps | None = None
    cooldown: Steps | None = None


@dataclass(frozen=True)
class ScheduledTable:
    """A number that changes over the run: besides the settings of its schedule's `type`.

    Settings:
        peak: the number where the schedule is 1
        warmup: linear rise from 0 at the start
        cooldown: linear fall to 0 at the end
    """

    peak: float
    warmup: Steps | None = None
    cooldown: Steps | None = None


@dataclass(frozen=True)
class EvalTable:
    """`[evals.NAME]`: besides the settings of its `type`.

    Settings:
        every: how often it runs; it also runs at the start and at the end
        skip_first: do not run it before the first step
        prefix: stands before the names of its metrics; by default the name of the table and `/`
        batch: examples in an evaluation step; by default as in training
        ema: evaluate the averages of `[ema]` instead of the parameters
    """

    every: Interval
    skip_first: bool = False
    prefix: str | None = None
    batch: Count | None = None
    ema: bool = False


@dataclass(frozen=True)
class RootTable:
    """A whole spec.

    Settings:
        data: data
        model: the model that is trained
        objective: what is minimized: one objective, or a weighted sum of `terms`
        optimizer: how parameters change
        run: how long, how often
        frozen: models that answer for every batch and never change: a teacher, an oracle
        draws: values drawn for each step
        ema: keep a moving average of the parameters
        perturbation: take gradients at perturbed parameters (SAM, GSAM)
        evals: what is measured besides
        precision: in which dtypes parameters are kept and gradients summed; by default float32
        mesh: the grid of devices; by default all of them on one axis, `data`
        layout: how parameters lie on the mesh; by default every device holds them all
    """

    data: Any
    model: Any
    objective: Any
    optimizer: Any
    run: Any
    frozen: Any = None
    perturbation: Any = None
    draws: Any = None
    ema: Any = None
    evals: Any = None
    precision: Any = None
    mesh: Any = None
    layout: Any = None


TABLES: dict[str, type[Any]] = {
    "": RootTable,
    "run": RunTable,
    "mesh": MeshTable,
    "layout": LayoutTable,
    "data": DataTable,
    "data.train": TrainTable,
    "data.train.mix.NAME": MixTable,
    "optimizer": OptimizerTable,
    "optimizer.rules": RuleTable,
    "optimizer.schedule": ScheduleTable,
    "objective.terms.NAME": TermTable,
    "frozen.NAME": FrozenTable,
    "draws.NAME": DrawTable,
    "precision": PrecisionTable,
    "ema": EmaTable,
    "ema.schedule": ScheduleTable,
    "perturbation": PerturbationTable,
    "perturbation.schedule": ScheduleTable,
    "evals.NAME": EvalTable,
}
"""Path of a table -> its keys."""
