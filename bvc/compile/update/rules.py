"""What the optimizer's rules say of every parameter, leaf by leaf of the model's tree."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from jaxtyping import PyTree

from bvc.component.mutable import mutable_leaves
from bvc.component.names import Parameter, leaf_names, parameters
from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import rules as catalog
from bvc.ir import Optimizer, Rule, ScheduleNode

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Treatment:
    """How the optimizer treats one array leaf.

    The tuples hold one entry per layer of a stacked leaf, and a single one for any other.

    Attributes:
        name: the leaf's name, `*` for the number of the layer.
        depth: how many layers are stacked on dim 0; None for a leaf that is not stacked.
        trained: whether the parameter changes at all.
        lr_mult: factor on the learning rate.
        decay_mult: factor on the weight decay.
        schedule: which of `Treatments.schedules` scales its updates.
        mutable: it is mutable state, which no gradient changes.
        advances: it is mutable state that no rule freezes.
    """

    name: str
    depth: int | None
    trained: tuple[bool, ...]
    lr_mult: tuple[float, ...]
    decay_mult: tuple[float, ...]
    schedule: tuple[int, ...]
    mutable: bool = False
    advances: bool = False

    @property
    def frozen(self) -> bool:
        """No part of the leaf is trained: it has neither gradient nor optimizer state."""
        return not any(self.trained)


@dataclass(frozen=True, slots=True)
class Treatments:
    """All leaves in tree order, and the schedules in use: the optimizer's own first, then those of rules."""

    leaves: tuple[Treatment, ...]
    schedules: tuple[ScheduleNode | None, ...]


def treat(optimizer: Optimizer, model: PyTree) -> Treatments:
    """Resolve the rules for the arrays (or their ShapeDtypeStructs) of a model.

    Each property takes the first rule that matches and sets it. By default everything is trained, and decay
    applies to parameters whose name ends in `/kernel`.

    Raises:
        Failed: a rule matches no parameter, or nothing is left to train.
    """
    found = parameters(model)
    diagnostics = [*_unmatched(optimizer.rules, found)]
    state = mutable_leaves(model)
    free = {p.name: not _first(optimizer.rules, p.name, lambda rule: rule.freeze, False) for p in found}
    trained = {p.name: free[p.name] and not state[p.leaf] for p in found}
    if found and not any(free.values()) and not diagnostics:
        culprit = next(rule for rule in optimizer.rules if rule.freeze)
        diagnostics.append(catalog.all_frozen(culprit.origin, len(found)))
    if diagnostics:
        raise Failed(diagnostics)

    chosen = {
        p.name: _first(optimizer.rules, p.name, lambda rule: rule.schedule, optimizer.schedule) for p in found
    }
    schedules: list[ScheduleNode | None] = []
    for wanted in (optimizer.schedule, *(rule.schedule for rule in optimizer.rules)):
        used = any(chosen[name] is wanted for name in chosen if trained[name])
        if used and not any(wanted is known for known in schedules):
            schedules.append(wanted)
    index = {id(schedule): position for position, schedule in enumerate(schedules)}

    by_leaf: dict[int, list[Parameter]] = {}
    for parameter in found:
        by_leaf.setdefault(parameter.leaf, []).append(parameter)
    leaves: list[Treatment] = []
    for name, (_, group) in zip(leaf_names(model), sorted(by_leaf.items()), strict=True):
        leaves.append(
            Treatment(
                name,
                None if group[0].layer is None else len(group),
                tuple(trained[p.name] for p in group),
                tuple(_first(optimizer.rules, p.name, lambda rule: rule.lr_mult, 1.0) for p in group),
                tuple(
                    _first(optimizer.rules, p.name, lambda rule: rule.decay_mult, _default_decay(p.name))
                    for p in group
                ),
                tuple(index.get(id(chosen[p.name]), 0) for p in group),
                state[group[0].leaf],
                state[group[0].leaf] and all(free[p.name] for p in group),
            )
        )
    return Treatments(tuple(leaves), tuple(schedules))


def _default_decay(name: str) -> float:
    return 1.0 if name.endswith("/kernel") else 0.0


def _first(rules: Sequence[Rule], name: str, read: Callable[[Rule], T | None], default: T) -> T:
    for rule in rules:
        value = read(rule)
        if value is not None and re.fullmatch(rule.match, name):
            return value
    return default


def _unmatched(rules: Sequence[Rule], found: Sequence[Parameter]) -> list[Diagnostic]:
    names = [parameter.name for parameter in found]
    return [
        catalog.no_match(rule.match, rule.origin, names, _effect(rule))
        for rule in rules
        if not any(re.fullmatch(rule.match, name) for name in names)
    ]


def _effect(rule: Rule) -> str:
    if rule.freeze:
        return "the parameters that it means would be trained"
    return "the parameters that it means would be treated like all others"
