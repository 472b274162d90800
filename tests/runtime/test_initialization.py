"""Initial parameters are made in parts, and are the same on every mesh."""

from __future__ import annotations

import equinox as eqx
import jax
import numpy as np
import pytest

from bvc.compile.construct import is_array
from bvc.compile.mesh.layout import lay_out
from bvc.compile.step.state import State, first_state, state_shardings
from bvc.library.models.vit import Vit
from bvc.library.optimizers.adam import adam
from bvc.runtime.initialization import compiled
from tests.compile.toy import grid_of, shard, update_of
from tests.modules import abstract


@pytest.mark.slow
def test_no_device_holds_the_whole_model() -> None:
    settings = {
        "width": 128,
        "depth": 4,
        "heads": 4,
        "patch": 8,
        "size": (16, 16),
        "out_dim": 64,
        "pool": "map",
    }
    params = eqx.filter(abstract(Vit, **settings), is_array)
    update = update_of(params, adam())

    def make() -> State:
        return first_state(eqx.filter(Vit(**settings, key=jax.random.key(0)), is_array), update)

    found = {}
    for count in (1, 8):
        grid = grid_of({"fsdp": count})
        layout = lay_out([shard(".*", "fsdp")], params, grid)
        lies = state_shardings(jax.eval_shape(make), layout, grid.place(jax.devices()[:count]))
        program = compiled(make, lies)
        used = program.memory_analysis()
        assert used is not None
        found[count] = used.output_size_in_bytes + used.temp_size_in_bytes, jax.device_get(program())
    whole = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(params))
    assert found[8][0] < 0.75 * whole, "parameters and both moments, and what they are drawn from"
    for ours, theirs in zip(*(jax.tree.leaves(state) for _, state in found.values()), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
