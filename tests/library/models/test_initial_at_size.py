"""Every parameter of a ViT-S/16 starts from its distribution, however it is laid out and its layers are applied."""

from __future__ import annotations

import re
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from scipy import stats

from bvc.component.execution import Execution, executing
from bvc.library.checkpoints.export import named
from bvc.library.layers.block import Block
from bvc.library.models.vit import Vit
from tests.library.models.test_initial import lecun, uniform
from tests.modules import compiled_in_a_hurry

WIDTH, HIDDEN = 384, 1536
EXPECTED: dict[str, Any] = {
    "embedding/kernel": lecun(16 * 16 * 3),
    "embedding/bias": 0,
    "posemb": stats.norm(scale=WIDTH**-0.5),
    r"(blocks/../|map_head/)attention/(query|key|value|out)/kernel": uniform(WIDTH, WIDTH),
    r"(blocks/../|map_head/)attention/(query|key|value|out)/bias": 0,
    r"(blocks/../|map_head/)mlp/up/kernel": uniform(WIDTH, HIDDEN),
    r"(blocks/../|map_head/)mlp/down/kernel": uniform(HIDDEN, WIDTH),
    r"(blocks/../|map_head/)mlp/(up|down)/bias": stats.norm(scale=1e-6),
    r"(blocks/../|map_head/)?(\w+_)?norm/scale": 1,
    r"(blocks/../|map_head/)?(\w+_)?norm/bias": 0,
    "map_head/probe": uniform(1, WIDTH),
    "representation/kernel": lecun(WIDTH),
    "representation/bias": 0,
    "head/kernel": lecun(WIDTH),
    "head/bias": 0,
}
"""Pattern of names -> distribution, or the value of all."""


@pytest.mark.slow
def test_every_parameter_has_its_distribution() -> None:
    settings = {"pool": "map", "rep_size": True, "out_dim": 1000, "head_zeroinit": False}
    with compiled_in_a_hurry():
        model = eqx.filter_jit(lambda key: Vit(variant="S/16", **settings, key=key))(jax.random.key(1))
    values = named(model)
    assert len(values) == 12 * 16 + 24
    for name, leaf in values.items():
        (expected,) = [value for pattern, value in EXPECTED.items() if re.fullmatch(pattern, name)]
        if isinstance(expected, int):
            assert (leaf == expected).all(), name
        else:
            found = stats.kstest(leaf.ravel()[:20_000], expected.cdf)
            assert found.pvalue > 1e-5, (name, found)
    kernels = [values[f"blocks/{layer:02d}/mlp/up/kernel"].ravel()[:20_000] for layer in range(12)]
    assert np.abs(np.corrcoef(kernels) - np.eye(12)).max() < 0.05


@pytest.mark.slow
def test_neither_the_mesh_nor_scanning_matters() -> None:
    def build(key: Any) -> Any:
        return eqx.filter(Vit(width=16, depth=3, heads=2, size=32, out_dim=8, key=key), eqx.is_array)

    key = jax.random.key(2)
    mesh = Mesh(np.asarray(jax.devices()).reshape(2, 4), ("data", "fsdp"))

    def laid(leaf: Any) -> NamedSharding:
        split = [dim for dim, size in enumerate(leaf.shape) if size % 4 == 0]
        axes = [None] * leaf.ndim
        if split:
            axes[split[-1]] = "fsdp"
        return NamedSharding(mesh, PartitionSpec(*axes))

    with compiled_in_a_hurry():
        alone = jax.jit(build)(key)
        spread = jax.jit(build, out_shardings=jax.tree.map(laid, jax.eval_shape(build, key)))(key)
        with executing(Execution(unroll=True)):
            unrolled = jax.jit(lambda key: build(key))(key)
        layer = jax.random.split(jax.random.split(key, 6)[2], 3)[1]
        block = jax.jit(lambda key: Block(16, 2, 64, key=key))(layer)
    for name, leaf in named(alone).items():
        for other in (spread, unrolled):
            # Not to the bit: XLA may contract the arithmetic that follows the draws.
            np.testing.assert_allclose(named(other)[name], leaf, rtol=1e-6, atol=1e-7, err_msg=name)
    for one, stacked in zip(jax.tree.leaves(block), jax.tree.leaves(alone.blocks.layer), strict=True):
        np.testing.assert_allclose(one, stacked[1], rtol=1e-6, atol=1e-7)
