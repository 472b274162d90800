from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from bvc.component.execution import Execution, executing
from bvc.library.models.vit import Vit
from bvc.plan.flops import count_flops
from bvc.plan.ops import Ops

Trace = Callable[..., Ops]
B, SIZE, PATCH, D, DEPTH, MLP, CLASSES = 4, 64, 8, 128, 3, 512, 10
N = (SIZE // PATCH) ** 2


def vit_forward() -> int:
    """Products of a ViT, twice each: patch embedding, per block q, k, v, out, two of n x n, the MLP; the head."""
    block = N * (4 * D * D + 2 * N * D + 2 * D * MLP)
    return 2 * B * (N * PATCH * PATCH * 3 * D + DEPTH * block + D * CLASSES)


def patch_embedding() -> int:
    return 2 * B * N * PATCH * PATCH * 3 * D


def vit_ops(trace: Trace, *, unroll: bool, remat: str = "none") -> Ops:
    model = eqx.filter_eval_shape(
        lambda key: Vit(
            width=D,
            depth=DEPTH,
            heads=4,
            mlp_dim=MLP,
            patch=PATCH,
            size=SIZE,
            out_dim=CLASSES,
            remat=remat,
            key=key,
        ),  # type: ignore[arg-type]
        jax.random.key(0),
    )
    arrays, static = eqx.partition(model, lambda leaf: isinstance(leaf, jax.ShapeDtypeStruct))

    def loss(arrays: object, image: jax.Array) -> jax.Array:
        with executing(Execution(unroll=unroll)):
            return jnp.sum(jnp.square(eqx.combine(arrays, static)(image)["logits"]))

    image = jax.ShapeDtypeStruct((B, SIZE, SIZE, 3), jnp.float32)
    return trace(jax.value_and_grad(loss), arrays, image)


@pytest.mark.parametrize("unroll", [False, True], ids=["scanned", "unrolled"])
def test_vit_within_two_per_cent_of_the_closed_form(trace: Trace, unroll: bool) -> None:
    flops = count_flops(vit_ops(trace, unroll=unroll))
    assert flops["forward"] == pytest.approx(vit_forward(), rel=0.02)
    # two products for each of the forward pass, but the image needs no gradient
    assert flops["backward"] == pytest.approx(2 * vit_forward() - patch_embedding(), rel=0.02)
    assert flops.get("recomputed", 0) == 0


def test_recomputed_blocks_are_counted_apart(trace: Trace) -> None:
    flops = count_flops(vit_ops(trace, unroll=False, remat="full"))
    assert flops["forward"] == pytest.approx(vit_forward(), rel=0.02)
    blocks = vit_forward() - patch_embedding() - 2 * B * D * CLASSES
    unneeded = 2 * B * DEPTH * N * MLP * D  # what a block ends with, no gradient reads
    assert flops["recomputed"] == pytest.approx(blocks - unneeded, rel=0.02)


def test_grouped_convolution_and_its_gradients(trace: Trace) -> None:
    def convolve(x: jax.Array, k: jax.Array) -> jax.Array:
        numbers = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(
            x, k, (2, 2), "SAME", dimension_numbers=numbers, feature_group_count=2
        )

    x, k = jnp.ones((2, 8, 8, 6)), jnp.ones((2, 2, 3, 10))
    forward = 2 * (2 * 4 * 4 * 10) * (2 * 2 * 3)
    assert sum(count_flops(trace(convolve, x, k)).values()) == forward
    both = jax.grad(lambda x, k: jnp.sum(convolve(x, k) ** 2), argnums=(0, 1))
    assert sum(count_flops(trace(both, x, k)).values()) == pytest.approx(3 * forward, rel=0.02)


def test_the_dearest_branch_counts_and_loops_multiply(trace: Trace) -> None:
    def step(x: jax.Array, w: jax.Array, flag: jax.Array) -> jax.Array:
        def body(carry: jax.Array, _: None) -> tuple[jax.Array, None]:
            return jax.lax.cond(flag, lambda c: c @ w @ w, lambda c: c @ w, carry), None

        return jax.lax.scan(body, x, None, length=5)[0]

    flops = count_flops(trace(step, jnp.ones((2, 4)), jnp.ones((4, 4)), jnp.array(True)))
    assert sum(flops.values()) == 5 * 2 * (2 * 2 * 4 * 4)
