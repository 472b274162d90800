"""How parameters change in a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bvc.diagnostics import Origin
from bvc.ir.node import Node, ScheduleNode


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
class EmaNode:
    """`[ema]`: what remains of the averages in a step, times a schedule."""

    decay: float
    schedule: ScheduleNode | None
    origin: Origin
