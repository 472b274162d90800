"""Recorded tables of big_vision's helpers: durations, "is it time", mixup, which pattern means a parameter.

Names of trees, their replacement and the writing of seconds (`flatten_names`, `tree_replace`, `hms`) have no
counterpart: parameters of bvc have names of their own, and are renamed by `bvc/library/checkpoints`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bvc.compile.update.rules import treat
from bvc.component import MeshContext
from bvc.diagnostics import Failed, Origin, Place
from bvc.ir import Duration, Optimizer, Rule
from bvc.library.transforms.mixup import coefficient, mix
from bvc.runtime.due import NEAR_THE_END, due
from tests.parity._optimizer import bound
from tests.parity.optim import within
from tests.parity.reference import Comparison, Reference, close, compares

_ORIGIN = Origin((Place("recorded", 0, 0),))
_EXACT: Mapping[str, Any] = {}


@compares("duration conversion, itstime, mixup, masks")
def tables(reference: Reference) -> Iterator[Comparison]:
    """All of them."""
    cases, outputs = reference.meta["cases"], reference.group("outputs")
    yield within("steps", [_steps(row) for row in cases["steps"]["rows"]], outputs["steps/results"], _EXACT)
    rows = cases["itstime"]["rows"]
    ours = [number for number, row in enumerate(rows) if row["drop_close_to_last"] == NEAR_THE_END]
    found = np.array([_due(rows[number]) for number in ours])
    yield close(f"itstime, {len(ours)} rows", found, outputs["itstime/results"][ours], 0.0)
    batch = {name: jnp.asarray(reference.group("inputs")[f"mix_{name}"]) for name in "xy"}
    for case in cases:
        if case.startswith("mixup_") and "seed" in cases[case]:
            mixed = mix(batch, jnp.asarray(outputs[f"{case}/a"]), MeshContext(), "global")
            for name in "xy":
                yield within(
                    f"{case}/{name}", mixed[name], outputs[f"{case}/{name}"], cases[case]["tolerance"]
                )
        if case.startswith("masks_"):
            masks = _masks(cases[case]["patterns"], cases[case]["names"])
            yield close(case, masks, outputs[f"{case}/masks"], 0.0)
    levels = cases["mixup_a_distribution"]["tolerance"]["levels"]
    keys = jax.random.split(jax.random.key(0), 20_000)
    for column, p in enumerate((0.2, 0.5, 1.0)):
        drawn = jax.jit(jax.vmap(coefficient, (0, None)), static_argnums=1)(keys, p)
        recorded = outputs["mixup_a_distribution/quantiles"][:, column]
        yield close(f"coefficients of mixup({p})", np.quantile(drawn, levels), recorded, 0.02)


def _steps(row: Mapping[str, Any]) -> int:
    value = row["value"] * (100 if row["unit"] == "percent" else 1)
    duration = Duration(value, row["unit"], _ORIGIN)
    return duration.steps(batch=row["batch_size"], examples=row["data_size"], total=row["total_steps"])


def _due(row: Mapping[str, Any]) -> bool:
    return due(row["step"], row["every"], row["total"], first=row["first"], last=row["last"])


def _masks(patterns: list[str], names: list[str]) -> np.ndarray:
    """Which pattern is the first that matches; where one matches nothing, bvc refuses the rules."""
    rules = tuple(_rule(pattern, number) for number, pattern in enumerate(patterns, 2))
    optimizer: Optimizer = replace(bound(_CONFIG), rules=rules)
    try:
        leaves = treat(optimizer, {name: np.zeros(1) for name in names}).leaves
    except Failed as failure:
        assert len(failure.diagnostics) == len(patterns)
        return np.zeros((len(patterns), len(names)), bool)
    chosen = {leaf.name: leaf.lr_mult[0] for leaf in leaves}
    return np.array([[chosen[name] == number for name in names] for number, _ in enumerate(patterns, 2)])


def _rule(pattern: str, number: int) -> Rule:
    return Rule(match=pattern, lr_mult=float(number), origin=_ORIGIN, **_NOTHING)


_NOTHING: Mapping[str, Any] = {"freeze": None, "decay_mult": None, "schedule": None}
_CONFIG: Mapping[str, Any] = {"optax_name": "big_vision.sgd", "lr": 1.0, "schedule": {"decay_type": "cosine"}}
