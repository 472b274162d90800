"""A whole experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bvc.diagnostics import Origin
from bvc.ir.data import TrainData
from bvc.ir.duration import Duration
from bvc.ir.mesh import LayoutRule, Mesh
from bvc.ir.node import FrozenNode, ModelNode, Node, TermNode
from bvc.ir.optimizer import EmaNode, Optimizer, PerturbationNode


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
