"""A small two-tower experiment with everything that a layout can get wrong: stacks, vectors, scalars, dropout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from bvc.compile.mesh.layout import lay_out
from bvc.compile.mesh.mesh import Grid
from bvc.compile.step.state import State, first_state, state_shardings
from bvc.compile.step.step import Training, compile_step
from bvc.compile.update.optimizer import Update
from bvc.compile.update.rules import treat
from bvc.component import Loss, MeshContext, Stack, gather, layers
from bvc.diagnostics import Origin, Place
from bvc.ir import LayoutRule, Optimizer, Rule
from bvc.library.objectives.sigmoid_contrastive import sigmoid_contrastive

ORIGIN = Origin((Place("toy.toml", 0, 1),))
WIDTH, DEPTH, INPUT, BATCH = 16, 3, 6, 16


class Block(eqx.Module):
    """A residual layer with a norm's scale and a bias, and dropout."""

    scale: jax.Array
    kernel: jax.Array
    bias: jax.Array

    def __init__(self, key: jax.Array) -> None:
        self.scale = jnp.ones(WIDTH)
        self.kernel = jax.random.normal(key, (WIDTH, WIDTH)) / 4
        self.bias = jnp.zeros(WIDTH)

    def __call__(self, x: jax.Array, keys: Any) -> jax.Array:
        scale, kernel, bias = (leaf.astype(x.dtype) for leaf in (self.scale, self.kernel, self.bias))
        y = jnp.tanh(x * scale @ kernel + bias)
        if keys is not None:
            y *= jax.vmap(lambda key: jax.random.bernoulli(key, 0.8, (WIDTH,)))(keys)
        return x + y


class Tower(eqx.Module):
    """Stem and stacked blocks."""

    stem: jax.Array
    blocks: Stack[Block]
    remat: Any = eqx.field(static=True)
    dtype: Any = eqx.field(static=True)

    def __init__(self, key: jax.Array, remat: str, dtype: Any) -> None:
        self.stem = jax.random.normal(key, (INPUT, WIDTH)) / 3
        self.blocks = Stack.build(Block, DEPTH, key)
        self.remat = remat
        self.dtype = dtype

    def __call__(self, x: jax.Array, keys: Any) -> jax.Array:
        x = (x @ gather(self.stem)).astype(self.dtype or x.dtype)
        split = None if keys is None else jax.vmap(lambda key: jax.random.split(key, DEPTH), out_axes=1)(keys)
        x = layers(
            self.blocks,
            x,
            lambda block, x, keys: block(x, keys),
            xs=split,
            remat=self.remat,
            dtype=self.dtype,
        )
        return x.astype(jnp.float32)


class Toy(eqx.Module):
    """Two towers and a temperature."""

    image: Tower
    text: Tower
    temperature: jax.Array

    def __init__(self, key: jax.Array, remat: str = "none", dtype: Any = None) -> None:
        self.image, self.text = (Tower(k, remat, dtype) for k in jax.random.split(key))
        self.temperature = jnp.zeros(())

    def __call__(self, image: jax.Array, text: jax.Array, keys: Any = None) -> dict[str, jax.Array]:
        temperature = jnp.exp(gather(self.temperature))
        return {"image": self.image(image, keys), "text": self.text(text, keys), "temperature": temperature}


class Pairs:
    """The toy with dropout, and the pairwise sigmoid loss."""

    coupled = True

    def __call__(self, model: Any, batch: Any, keys: Any, mesh: MeshContext) -> Loss:
        return self.judge(self.outputs(model, batch, keys), batch, mesh)

    def outputs(self, model: Any, batch: Any, keys: Any) -> dict[str, Any]:
        return model(batch["image"], batch["text"], keys)

    def judge(self, outputs: Any, batch: Any, mesh: MeshContext) -> Loss:
        return sigmoid_contrastive(**outputs, mesh=mesh)


class Kept(Pairs):
    """A mean over examples that count, which are not equally many on all devices and in all parts."""

    coupled = False

    def judge(self, outputs: Any, batch: Any, mesh: MeshContext) -> Loss:
        weight = (batch["text"][:, 0] > 0).astype(jnp.float32)
        each = jnp.sum((outputs["image"] - outputs["text"]) ** 2, axis=1)
        return Loss(
            jnp.sum(each * weight), jnp.sum(weight), {"kept": (jnp.sum(weight), jnp.float32(weight.size))}
        )


def batches(count: int, size: int = BATCH) -> list[dict[str, np.ndarray]]:
    """Random inputs."""
    random = np.random.default_rng(0)
    return [
        {name: random.normal(size=(size, INPUT)).astype(np.float32) for name in ("image", "text")}
        for _ in range(count)
    ]


def grid_of(axes: Mapping[str, int]) -> Grid:
    """A grid whose axes all split the batch, except `tensor`."""
    return Grid(axes, tuple(axis for axis in axes if axis != "tensor"))


def shard(match: str, axis: str | None, dim: int | None = None, min_size: int = 0) -> LayoutRule:
    """A layout rule."""
    return LayoutRule(match, axis, dim, min_size, ORIGIN)


def rule(match: str, **properties: Any) -> Rule:
    """A rule of an optimizer."""
    names = ("freeze", "lr_mult", "decay_mult", "schedule")
    return Rule(match, *(properties.get(name) for name in names), ORIGIN)


def update_of(
    model: Any, transform: optax.GradientTransformation, rules: Sequence[Rule] = (), **settings: Any
) -> Update:
    """An update with a constant schedule."""
    optimizer = Optimizer(None, 0.1, 0.0, None, None, tuple(rules), ORIGIN)  # type: ignore[arg-type]
    treatments = treat(optimizer, model)
    schedules = [lambda step: jnp.ones(()) for _ in treatments.schedules]
    return Update(transform, treatments.leaves, schedules, **{"lr": 0.1, **settings})


def training_of(
    model: Any,
    axes: Mapping[str, int],
    layout: Sequence[LayoutRule] = (),
    update: Update | None = None,
    loss: Any = None,
    **settings: Any,
) -> tuple[Training, State]:
    """What a step is made of, and the first state (on one device)."""
    params, static = eqx.partition(model, eqx.is_array)
    update = update or update_of(params, optax.identity())
    grid = grid_of(axes)
    return Training(
        loss or Pairs(), static, lay_out(layout, params, grid), update, grid, **settings
    ), first_state(params, update)


def run(training: Training, state: State, steps: int) -> tuple[State, list[dict[str, float]]]:
    """Train on virtual devices, layers one by one as the runtime does on CPUs."""
    training = replace(training, unroll=True)
    mesh = training.grid.place(jax.devices()[: training.grid.size])
    state = jax.jit(lambda s: s, out_shardings=state_shardings(state, training.layout, mesh))(state)
    step = compile_step(training, mesh, state)
    told: list[dict[str, float]] = []
    for batch in batches(steps):
        state, metrics = step(state, batch)
        told.append({name: float(value) for name, value in metrics.items()})
    return jax.device_get(state), told
