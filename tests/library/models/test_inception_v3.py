"""Inception v3 on random weights: equal to the same network in torch (`tests/reference/evaluators/inception.npz`).

The file holds images and the features that torch 2.13 computes for them with the weights that `weights` draws here;
it was written by a script with torch's functional ops, in an environment of its own.
"""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bvc.component import DataError
from bvc.library.models._inception_v3 import Inception, _shapes, full_size

RECORDED = np.load(Path(__file__).parents[2] / "reference" / "evaluators" / "inception.npz")


def weights() -> dict[str, np.ndarray]:
    """Random weights in torchvision's layout and order."""
    rng = np.random.default_rng(0)
    found: dict[str, np.ndarray] = {}
    for name, (height, width, channels, out) in _shapes():
        scale = np.float32((2 / (channels * height * width)) ** 0.5)
        kernel = rng.standard_normal((out, channels, height, width), dtype=np.float32) * scale
        found[f"{name}.conv.weight"] = kernel
        found[f"{name}.bn.weight"] = rng.uniform(0.5, 1.5, out).astype(np.float32)
        found[f"{name}.bn.bias"] = (0.1 * rng.standard_normal(out)).astype(np.float32)
        found[f"{name}.bn.running_mean"] = (0.1 * rng.standard_normal(out)).astype(np.float32)
        found[f"{name}.bn.running_var"] = rng.uniform(0.5, 1.5, out).astype(np.float32)
    return found


@pytest.mark.slow
def test_features_are_those_of_torch(tmp_path: Path) -> None:
    file = tmp_path / "inception.npz"
    np.savez(file, **weights())
    network = Inception.load(str(file))
    image = jnp.asarray(RECORDED["image"].astype(np.float32) / 127.5 - 1)

    @jax.jit
    def features(network: Inception, image: jax.Array) -> jax.Array:
        return network(image)

    largest = np.abs(RECORDED["features"]).max()
    np.testing.assert_allclose(features(network, image), RECORDED["features"], atol=1e-5 * largest)


@pytest.mark.parametrize("width", [50, 700])
def test_sizes_change_by_linear_interpolation_without_smoothing(width: int) -> None:
    ramp = jnp.broadcast_to(jnp.arange(width, dtype=jnp.float32)[:, None], (1, 40, width, 3))
    places = np.clip((np.arange(299) + 0.5) * width / 299 - 0.5, 0, width - 1)
    found = full_size(ramp)
    assert found.shape == (1, 299, 299, 3)
    np.testing.assert_allclose(found[0, 17, :, 1], places, atol=1e-3)


def test_a_file_of_something_else_is_told(tmp_path: Path) -> None:
    file = tmp_path / "inception.npz"
    np.savez(file, kernel=np.zeros(3))
    with pytest.raises(DataError, match="weights of Inception without `Conv2d_1a_3x3.conv.weight`"):
        Inception.load(str(file))
    parts = ("conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")
    np.savez(file, **{f"Conv2d_1a_3x3.{part}": np.zeros(3) for part in parts})
    with pytest.raises(DataError, match=r"with `Conv2d_1a_3x3` of shape \(3,\)"):
        Inception.load(str(file))
