"""Recorded training runs: same start, same batches, same configuration give the same series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tests.parity._model import Arrays, below
from tests.parity._training import Outcome, recipe, train
from tests.parity.reference import Comparison, Reference, absent, compares


@compares("trajectory")
def trajectory(reference: Reference) -> Iterator[Comparison]:
    """Series of every step, and parameters on the way and in the end, by the file's own sharp tolerances."""
    yield from judged(reference, train(recipe(reference)))


def judged(reference: Reference, ours: Outcome) -> Iterator[Comparison]:
    """Compare a run of ours with the recorded one."""
    tolerances = reference.meta["tolerances"]
    for name, recorded in reference.group("steps").items():
        if tolerances[name].get("diagnostic"):
            continue
        if name not in ours.series:
            yield absent(name, 0.0)
            continue
        yield from _series(name, ours.series[name], recorded, tolerances[name])
    start = {name.removeprefix("student/"): value for name, value in reference.group("params").items()}
    noisy = {name.removeprefix("student/") for name in reference.meta["noise_leaves"]}
    moments = {f"after{step}": params for step, params in ours.after.items()}
    for moment, params in (*moments.items(), ("final", ours.final)):
        recorded = {
            name.removeprefix("student/"): leaf
            for name, leaf in below(reference.group(moment), "params").items()
        }
        tolerance = tolerances[f"{moment}/params"]
        yield from _parameters(moment, params, recorded, start, tolerance, noisy)


def _series(
    name: str, ours: np.ndarray, recorded: np.ndarray, tolerance: Mapping[str, Any]
) -> Iterator[Comparison]:
    recorded = recorded.astype(np.float64)
    if "atol" in tolerance:
        yield Comparison(name, float(np.max(np.abs(ours - recorded))), tolerance["atol"])
        return
    if tolerance.get("exact"):
        yield Comparison(name, float(np.sum(ours != recorded)), 0.0)
        return
    ours, recorded = ours.reshape(len(ours), -1), recorded.reshape(len(recorded), -1)
    scale = np.max(np.abs(recorded), axis=1, keepdims=True)
    error = np.max(np.abs(ours - recorded) / np.where(scale == 0, 1.0, scale), axis=1)
    yield Comparison(f"{name}[:10]", float(np.max(error[:10])), tolerance["first10"])
    yield Comparison(name, float(np.max(error)), tolerance["all"])


def _parameters(
    moment: str, ours: Arrays, recorded: Arrays, start: Arrays, tolerance: Mapping[str, Any], noisy: set[str]
) -> Iterator[Comparison]:
    """Error of each leaf relative to how far it moved, beyond the rounding of what is stored."""
    for name, theirs in recorded.items():
        if name in noisy and moment != "after1":
            continue
        label = f"{moment}/{name}"
        if name not in ours:
            yield absent(label, 0.0)
        elif tolerance.get("exact"):
            yield Comparison(label, float(np.sum(ours[name].astype(theirs.dtype) != theirs)), 0.0)
        else:
            error = np.linalg.norm(ours[name] - theirs) - tolerance["atol_rel"] * np.linalg.norm(theirs)
            moved = np.linalg.norm(theirs.astype(np.float64) - start[name])
            yield Comparison(label, float(max(error, 0.0) / (moved or 1.0)), tolerance["all"])
