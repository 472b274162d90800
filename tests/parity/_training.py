"""A recorded training run, set up as the compiler sets up a user's, on any mesh."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from bvc.compile.mesh.layout import lay_out
from bvc.compile.mesh.mesh import Grid
from bvc.compile.step.state import first_state, state_shardings
from bvc.compile.step.step import Forward, Training, compile_step
from bvc.compile.update.optimizer import make_update
from bvc.component import Loss, MeshContext
from bvc.ir import LayoutRule, Optimizer
from bvc.library.losses.cross_entropy import softmax_xent
from bvc.library.objectives.distill import distill
from bvc.library.objectives.sigmoid_contrastive import sigmoid_contrastive
from bvc.library.objectives.softmax_xent import softmax_xent as softmax_objective
from tests.parity import text_transformer, vit
from tests.parity._codes import advance_of, chosen_codes, codes, state_series
from tests.parity._model import Arrays, below, in_the_manner_of, loaded, spec
from tests.parity._optimizer import bound, in_steps
from tests.parity.reference import Reference


@dataclass(frozen=True)
class Recipe:
    """What is trained, on what, and how."""

    model: Any
    forward: Forward
    optimizer: Optimizer
    batches: list[dict[str, np.ndarray]]
    meta: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """A run of ours: one array per series, parameters (big_vision's names) after some steps and in the end."""

    series: Mapping[str, np.ndarray]
    after: Mapping[int, Arrays]
    final: Arrays


def recipe(reference: Reference) -> Recipe:
    """The recorded model, objective, optimizer and batches."""
    meta = reference.meta
    count = meta["num_batches"]
    batches = [dict(below(reference.group("batches"), str(index))) for index in range(count)]
    make = {"vit": _classifier, "two_towers": _towers, "distill": _student, "uvim_vqvae": codes}
    model, forward, batches = make[meta["family"]](reference, batches)
    optimizer = bound(meta["config"], lambda pattern: re.sub("^img/", "image/", pattern))
    return Recipe(model, forward, optimizer, batches, meta)


def train(
    recipe: Recipe,
    axes: Mapping[str, int] | None = None,
    layout: tuple[LayoutRule, ...] = (),
    *,
    steps: int | None = None,
    change: Callable[[Optimizer], Optimizer] = lambda optimizer: optimizer,
) -> Outcome:
    """Train on a mesh of virtual devices.

    Args:
        recipe: what to train.
        axes: the mesh; all axes but `tensor` split the batch.
        layout: rules for the parameters.
        steps: how many; by default as many as were recorded.
        change: another optimizer than the recorded one.
    """
    meta = recipe.meta
    axes = axes or {"data": 1}
    grid = Grid(axes, tuple(axis for axis in axes if axis != "tensor"))
    params, static = eqx.partition(recipe.model, eqx.is_array)
    sizes = {"batch_size": meta["batch_size"], "data_size": meta["data_size"]}
    total = meta["total_steps"]
    update = make_update(change(recipe.optimizer), params, in_steps(sizes, total), total)
    laid, advance = lay_out(layout, params, grid), advance_of(recipe.model)
    training = Training(recipe.forward, static, laid, update, grid, unroll=True, advance=advance)
    mesh = grid.place(jax.devices()[: grid.size])
    state = first_state(params, update)
    state = jax.jit(lambda s: s, out_shardings=state_shardings(state, training.layout, mesh))(state)
    step = compile_step(training, mesh, state)
    series: dict[str, list[np.ndarray]] = {}
    after: dict[int, Arrays] = {}
    before = _named(recipe.model, state.params)
    for index in range(steps or meta["steps"]):
        batch = {
            name: jnp.asarray(value) for name, value in recipe.batches[index % len(recipe.batches)].items()
        }
        chosen = chosen_codes(static, state.params, batch)
        state, metrics = step(state, batch)
        now = _named(recipe.model, state.params)
        noisy = {name.removeprefix("student/") for name in meta["noise_leaves"]}
        moved = [name for name in now if name not in noisy and not name.startswith("state/")]
        stable = sum(np.sum(np.square(now[name] - before[name])) for name in moved)
        found = {**metrics, "l2_updates_stable": np.sqrt(stable), "schedule": metrics["global_schedule"]}
        found |= {**state_series(state.params), **chosen}
        for name, value in found.items():
            series.setdefault(name, []).append(np.asarray(value, np.float64))
        if index + 1 in meta["after"]:
            after[index + 1] = now
        before = now
    return Outcome({name: np.asarray(values) for name, values in series.items()}, after, before)


def _named(model: Any, params: Any) -> Arrays:
    values = jax.tree.map(np.asarray, params)
    return {name: leaf.astype(np.float64) for name, leaf in in_the_manner_of({}, model, values).items()}


Batches = list[dict[str, np.ndarray]]
Made = tuple[Any, Forward, Batches]


def _size(batches: Batches) -> tuple[int, int]:
    height, width = batches[0]["image"].shape[1:3]
    return height, width


def _classifier(reference: Reference, batches: Batches) -> Made:
    settings = vit.settings(reference.meta["kwargs"], _size(batches))
    model = loaded(spec(settings), reference.group("params"))

    def forward(model: Any, batch: Any, keys: Any, mesh: MeshContext) -> Loss:
        return softmax_objective(model(batch["image"])["logits"], batch["labels"])

    return model, forward, batches


def _towers(reference: Reference, batches: Batches) -> Made:
    kwargs = reference.meta["kwargs"]
    image_dim, text_dim = kwargs["out_dim"]
    settings = {
        "type": "two_towers",
        "temperature": kwargs["temperature_init"],
        "bias": kwargs["bias_init"],
        "image": vit.settings({"num_classes": image_dim, **kwargs["image"]}, _size(batches)),
        "text": text_transformer.settings({"num_classes": text_dim, **kwargs["text"]}, batches[0]["labels"]),
    }
    model = loaded(spec(settings), reference.group("params"))

    def forward(model: Any, batch: Any, keys: Any, mesh: MeshContext) -> Loss:
        return sigmoid_contrastive(**model(batch["image"], batch["labels"]), mesh=mesh)

    return model, forward, batches


def _student(reference: Reference, batches: Batches) -> Made:
    kwargs = {name: each["kwargs"] for name, each in reference.meta["models"].items()}
    models = {
        name: loaded(spec(vit.settings(kwargs[name], _size(batches))), below(reference.group("params"), name))
        for name in ("student", "teacher")
    }
    # The teacher never changes, so its answers are a feature of the batch.
    answer = jax.jit(lambda image: models["teacher"](image)["logits"])
    batches = [{**batch, "teacher": np.asarray(answer(batch["image"]))} for batch in batches]
    config = reference.meta["config"]

    def forward(model: Any, batch: Any, keys: Any, mesh: MeshContext) -> Loss:
        logits, teacher = model(batch["image"])["logits"], batch["teacher"]
        loss = distill(logits, teacher, kind=config["distance"], **config["distance_kw"])
        told = {
            "distill_loss": (loss.total, loss.weight),
            "distill_loss_teacher": (loss.total, loss.weight),
            "entropy_student": (jnp.sum(_entropy(logits)), loss.weight),
            "entropy_teacher": (jnp.sum(_entropy(teacher)), loss.weight),
            "task_loss_student": (jnp.sum(softmax_xent(logits, batch["labels"])), loss.weight),
            "task_loss_teacher": (jnp.sum(softmax_xent(teacher, batch["labels"])), loss.weight),
        }
        return Loss(loss.total, loss.weight, told)

    return models["student"], forward, batches


def _entropy(logits: Any) -> Any:
    logs = jax.nn.log_softmax(logits)
    return -jnp.sum(jnp.exp(logs) * logs, axis=-1)
