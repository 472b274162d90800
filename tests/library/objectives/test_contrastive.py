"""The contrastive losses: equal to the whole matrix in value and gradient, on any mesh and in any form."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec

from bvc.compile.mesh.mesh import Grid
from bvc.compile.step.gradient import reduce_loss
from bvc.component import Loss
from bvc.component.execution import Execution, executing
from bvc.library.losses import contrastive
from bvc.library.losses.contrastive import Chunk, softmax_pairs
from bvc.library.objectives.sigmoid_contrastive import sigmoid_contrastive
from bvc.library.objectives.softmax_contrastive import softmax_contrastive

GRIDS = [{"data": 1}, {"data": 8}, {"data": 2, "fsdp": 4}, {"data": 4, "tensor": 2}]
FORMS = [*((axes, "ring") for axes in GRIDS), ({"data": 2, "fsdp": 4}, "none")]


def inputs(count: int = 16, width: int = 5) -> dict[str, Any]:
    keys = jax.random.split(jax.random.key(0), 2)
    image, text = (jax.random.normal(key, (count, width)) for key in keys)
    return {"image": image, "text": text, "temperature": jnp.asarray(3.0), "bias": jnp.asarray(-2.0)}


def whole_sigmoid(image: Any, text: Any, temperature: Any, bias: Any) -> Any:
    logits = image @ text.T * temperature + bias
    sign = 2 * np.eye(len(image)) - 1
    return -jnp.mean(jnp.sum(jax.nn.log_sigmoid(sign * logits), axis=1))


def whole_softmax(image: Any, text: Any, temperature: Any, bias: Any) -> Any:
    logits = image @ text.T * temperature
    own = jnp.diagonal(logits)
    row, column = jax.nn.logsumexp(logits, axis=1), jax.nn.logsumexp(logits, axis=0)
    return jnp.mean((row - own + column - own) / 2)


def on_grid(axes: dict[str, int], objective: Any, differentiated: bool = True) -> Any:
    """Value, and gradients, of an objective whose examples are split over a mesh."""
    batch = tuple(axis for axis in axes if axis != "tensor")
    grid = Grid(axes, batch)
    mesh = grid.place(jax.devices()[: grid.size])
    context = grid.context

    def local(arrays: dict[str, Any]) -> Any:
        return reduce_loss(objective(mesh=context, **arrays), context)[0]

    spec = {"image": grid.batch_spec, "text": grid.batch_spec}
    scalars = {"temperature": PartitionSpec(), "bias": PartitionSpec()}
    if context.axes:
        local = jax.shard_map(local, mesh=mesh, in_specs=(spec | scalars,), out_specs=PartitionSpec())
    return jax.jit(jax.value_and_grad(local) if differentiated else local)


def without_bias(objective: Any) -> Any:
    return lambda bias, **arrays: objective(**arrays)


@pytest.mark.parametrize(("axes", "chunk"), FORMS, ids=str)
def test_sigmoid_equals_whole_matrix(axes: dict[str, int], chunk: Chunk) -> None:
    arrays = inputs()
    value, gradients = on_grid(axes, lambda **given: sigmoid_contrastive(**given, chunk=chunk))(arrays)
    wanted, wanted_gradients = jax.jit(jax.value_and_grad(lambda a: whole_sigmoid(**a)))(arrays)
    np.testing.assert_allclose(value, wanted, rtol=1e-5)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, wanted_gradients[name], rtol=1e-4, atol=1e-5, err_msg=name)


def unrolled(**given: Any) -> Loss:
    """As on CPUs."""
    with executing(Execution(given["mesh"], unroll=True)):
        return sigmoid_contrastive(**given)


def test_rows_of_a_block_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contrastive, "_ROWS", 2)
    arrays = inputs(32)
    value, gradients = on_grid({"data": 8}, unrolled)(arrays)
    wanted, wanted_gradients = jax.jit(jax.value_and_grad(lambda a: whole_sigmoid(**a)))(arrays)
    np.testing.assert_allclose(value, wanted, rtol=1e-5)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, wanted_gradients[name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_the_ring_takes_a_fraction_of_the_memory_of_the_whole_matrix() -> None:
    """Compiled for batch 8192, width 256 and 8 devices; `bench/ring.py` measures its time too."""
    arrays = {name: jax.ShapeDtypeStruct((8192, 256), jnp.float32) for name in ("image", "text")}
    arrays |= {name: jax.ShapeDtypeStruct((), jnp.float32) for name in ("temperature", "bias")}
    ring, whole = (
        on_grid({"data": 8}, functools.partial(unrolled, chunk=chunk))
        .lower(arrays)
        .compile()
        .memory_analysis()
        for chunk in ("ring", "none")
    )
    assert 3.5 * ring.temp_size_in_bytes < whole.temp_size_in_bytes


@pytest.mark.parametrize(("axes", "chunk"), FORMS, ids=str)
def test_softmax_equals_whole_matrix(axes: dict[str, int], chunk: Chunk) -> None:
    arrays = inputs()
    objective = without_bias(lambda **given: softmax_contrastive(**given, chunk=chunk))
    value, gradients = on_grid(axes, objective)(arrays)
    wanted, wanted_gradients = jax.jit(jax.value_and_grad(lambda a: whole_softmax(**a)))(arrays)
    np.testing.assert_allclose(value, wanted, rtol=1e-5)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, wanted_gradients[name], rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("pairs", ["sigmoid", "softmax"])
def test_ring_holds_one_block_of_logits(pairs: str) -> None:
    """No array of the traced loss is larger than a block pair or the embeddings themselves."""
    count, shards, width = 64, 8, 4
    arrays = inputs(count, width)
    objective = sigmoid_contrastive if pairs == "sigmoid" else without_bias(softmax_contrastive)
    text = str(jax.make_jaxpr(on_grid({"data": shards}, objective))(arrays))
    block = count // shards
    assert f"f32[{block},{block}]" in text
    for shape in (
        f"f32[{block},{count}]",
        f"f32[{count},{block}]",
        f"f32[{count},{count}]",
        f"f32[{shards},{block},{block}]",
    ):
        assert shape not in text
    assert "all_gather" not in text


def test_masked_pairs_count_nowhere() -> None:
    arrays = inputs(6)
    keep = np.asarray([True, False, True, True, True, False])
    context = Grid({"data": 1}, ("data",)).context
    image, text, temperature = np.asarray(arrays["image"]), np.asarray(arrays["text"]), arrays["temperature"]
    pairs = jax.jit(functools.partial(softmax_pairs, mesh=context))
    found = pairs(image, text, temperature, mask=keep)
    alone = pairs(image[keep], text[keep], temperature)
    np.testing.assert_allclose(found[keep], alone, rtol=1e-5)
    np.testing.assert_array_equal(found[~keep], 0)


def test_the_sigmoid_loss_is_a_mean_over_images() -> None:
    arrays = inputs(6)
    context = Grid({"data": 1}, ("data",)).context
    loss = sigmoid_contrastive(**arrays, mesh=context)
    assert isinstance(loss, Loss)
    assert float(loss.weight) == 6
    np.testing.assert_allclose(loss.total / loss.weight, whole_sigmoid(**arrays), rtol=1e-5)


@pytest.mark.parametrize("differentiated", [False, True])
def test_one_trip_of_the_texts(differentiated: bool) -> None:
    """A loss alone is a product for each block; with its gradients it is three, none of them in a second trip."""
    text = str(jax.make_jaxpr(on_grid({"data": 8}, sigmoid_contrastive, differentiated))(inputs()))
    assert text.count("dot_general") == (3 * 2 if differentiated else 2)  # this device's own, and a turn's
    assert text.count("ppermute[") == (3 if differentiated else 1)  # text and gradient in a turn, and home


def test_embeddings_of_half_precision_get_gradients_summed_in_float32() -> None:
    half = {name: array.astype(jnp.bfloat16) for name, array in inputs(64).items()}
    exact = {name: array.astype(jnp.float32) for name, array in half.items()}
    value, gradients = on_grid({"data": 8}, unrolled)(half)
    wanted, wanted_gradients = jax.jit(jax.value_and_grad(lambda a: whole_sigmoid(**a)))(exact)
    np.testing.assert_allclose(value, wanted, rtol=1e-2)
    for name in ("image", "text"):
        assert gradients[name].dtype == jnp.bfloat16
        scale = np.abs(wanted_gradients[name]).max()
        np.testing.assert_allclose(
            gradients[name].astype(np.float32) / scale, wanted_gradients[name] / scale, atol=2e-2
        )
