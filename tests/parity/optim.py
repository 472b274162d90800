"""Recorded schedules, and runs of the optimizer chain on recorded gradients."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bvc.bind.found import Found
from bvc.bind.optimizer import bind_schedule
from bvc.bind.value import Reader
from bvc.compile.update.optimizer import make_update
from bvc.compile.update.schedule import make_schedule
from bvc.ir import ScheduleNode
from bvc.spec import load
from tests.parity._optimizer import bound, in_steps, schedule_table
from tests.parity.reference import Comparison, Reference, absent, compares, read_reference

SHARP = {"atol": 1e-6, "rtol": 1e-5}


@compares("learning-rate schedules")
def schedules(reference: Reference) -> Iterator[Comparison]:
    """Tables over all steps, and a few beyond the end."""
    for name, case in reference.meta["cases"].items():
        config = case["config"]
        total = config["total_steps"]
        schedule = make_schedule(_schedule(config), in_steps(config, total), total)
        # what big_vision lets a schedule itself scale, `lr` does in bvc
        peak = config.get("base", 1.0) * (
            config["batch_size"] / 256 if "scale_with_batchsize" in config else 1
        )
        recorded = reference.group("outputs")[f"{name}/values"]
        ours = peak * jax.vmap(schedule)(jnp.arange(len(recorded)))
        yield within(name, ours, recorded, case["tolerance"])


@compares("parameters after each recorded step")
def updates(reference: Reference) -> Iterator[Comparison]:
    """Parameters on the way, and all state in the end; inputs lie in `grads.npz` beside the file."""
    inputs = read_reference(reference.file.with_name("grads.npz")).group("inputs")
    params = {
        name.removeprefix("params/"): value for name, value in inputs.items() if name.startswith("params/")
    }
    outputs = reference.group("outputs")
    for case, about in reference.meta["cases"].items():
        config = about["config"]
        total = about["total_steps"]
        sizes = {"batch_size": reference.meta["batch_size"], "data_size": reference.meta["data_size"]}
        update = make_update(bound(config), params, in_steps(sizes, total), total)
        run = jax.jit(lambda p, s, g, t, update=update: update(g, s, p, t)[:2])
        now: Any = {name: jnp.asarray(value) for name, value in params.items()}
        state = update.init(now)
        last = max(reference.meta["snapshots"])
        for step in range(1, last + 1):
            gradients = [
                jnp.asarray(_gradient(inputs, name, step)) if moves else None
                for name, moves in zip(sorted(params), update.trained, strict=True)
            ]
            now, state = run(now, state, gradients, step - 1)
            for name in params if step in reference.meta["snapshots"] else ():
                recorded = outputs[f"{case}/step{step}/{name}"]
                yield within(f"{case}/step{step}/{name}", now[name], recorded, about["tolerance"])
        yield from _state(case, state, outputs, about)
        table = outputs[f"{case}/schedules"]
        for index, schedule in enumerate(update.schedules):  # the default is our first and their last
            yield within(
                f"{case}/schedule{index}",
                jax.vmap(schedule)(jnp.arange(len(table))),
                table[:, index - 1],
                SHARP,
            )


@compares("shared parameters and gradients for the optimizer cases")
def gradients(reference: Reference) -> Iterator[Comparison]:
    """The inputs of `updates.npz`, which lies beside the file."""
    yield from updates(read_reference(reference.file.with_name("updates.npz")))


def within(name: str, ours: Any, theirs: np.ndarray, tolerance: Mapping[str, Any]) -> Comparison:
    """As `numpy.allclose`: the largest difference beyond rtol, against atol; exact where the record asks for it."""
    ours = np.asarray(ours).astype(np.float64)
    if ours.shape != theirs.shape:
        return Comparison(f"{name} (shape {ours.shape}, recorded {theirs.shape})", float("inf"), 0.0)
    theirs = theirs.astype(np.float64)
    atol, rtol = tolerance.get("atol", 0.0), tolerance.get("rtol", 0.0)
    excess = np.abs(ours - theirs) - rtol * np.abs(theirs)
    return Comparison(name, float(np.max(excess, initial=0.0)), atol)


def _schedule(config: Mapping[str, Any]) -> ScheduleNode:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recorded.toml"
        file.write_text(f"schedule = {schedule_table(config)}\n")
        spec = load(str(file))
    found = Found()
    node = bind_schedule(Reader(found, lambda *_: None), spec.tree.items["schedule"], "schedule")
    assert isinstance(node, ScheduleNode), found.diagnostics
    return node


def _gradient(inputs: Mapping[str, np.ndarray], name: str, step: int) -> np.ndarray:
    return inputs[f"grads/{name}"][step - 1]


def _state(
    case: str, state: Any, outputs: Mapping[str, np.ndarray], about: Mapping[str, Any]
) -> Iterator[Comparison]:
    """Moments and counters in the order in which the transform holds them; big_vision's own counters come last."""
    recorded: dict[tuple[int, ...], dict[str, np.ndarray]] = {}
    for name in about["state_layout"]:
        words = name.split("/")
        depth = next((i for i, word in enumerate(words) if not word.isdigit()), len(words))
        rest = "/".join(words[depth:])
        recorded.setdefault(tuple(map(int, words[:depth])), {})[rest] = outputs[f"{case}/state/{name}"]
    ours: dict[str, dict[str, Any]] = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(state["single"]):
        named = isinstance(path[-1], jax.tree_util.DictKey)
        place = jax.tree_util.keystr(path[:-1] if named else path)
        ours.setdefault(place, {})[str(path[-1].key) if named else ""] = leaf
    for (place, group), (_, theirs) in zip(ours.items(), sorted(recorded.items()), strict=False):
        for name in theirs:
            label = f"{case}/state{place}/{name}"
            yield (
                within(label, group[name], theirs[name], about["tolerance"])
                if name in group
                else absent(label, 0)
            )
