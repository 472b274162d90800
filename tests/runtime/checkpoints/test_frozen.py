"""Values from a file take the place of a model's own where they lie, layer by layer."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bvc.component.stack import Stack
from bvc.runtime.checkpoints.frozen import replaced


class Layer(eqx.Module):
    kernel: jax.Array


@pytest.mark.parametrize("spec", [jax.P(), jax.P("fsdp"), jax.P(None, "fsdp"), jax.P(None, None, "fsdp")])
def test_some_layers_of_a_stack(spec: jax.P) -> None:
    mesh = jax.make_mesh((4,), ("fsdp",), axis_types=(jax.sharding.AxisType.Auto,), devices=jax.devices()[:4])
    own = jnp.arange(4 * 8 * 4.0).reshape(4, 8, 4)
    model = {"blocks": Stack(Layer(jax.device_put(own, jax.NamedSharding(mesh, spec))), 4)}
    values = {f"blocks/{layer:02d}/kernel": np.full((8, 4), -layer, np.float32) for layer in (1, 2)}
    found = replaced(model, values)["blocks"].layer.kernel
    assert found.sharding == jax.NamedSharding(mesh, spec)
    expected = np.array(own)
    expected[1], expected[2] = -1, -2
    np.testing.assert_array_equal(found, expected)
