"""Objectives of autoencoders and densities by hand, and split over devices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bvc.compile.mesh.mesh import Grid
from bvc.compile.step.gradient import reduce_loss
from bvc.library.objectives.commitment import commitment
from bvc.library.objectives.gaussian_kl import gaussian_kl
from bvc.library.objectives.gmm_nll import gmm_nll
from bvc.library.objectives.reconstruction import reconstruction
from bvc.library.objectives.weighted_xent import weighted_xent
from tests.parity.reference import compare_file

RECORDED = Path(__file__).parents[2] / "reference" / "losses" / "givt_nll.npz"


def value(loss: Any) -> float:
    return float(loss.total / loss.weight)


def draw(*shape: int) -> Any:
    return jnp.asarray(np.random.default_rng(len(shape)).normal(size=shape), jnp.float32)


@pytest.mark.slow
def test_recorded_likelihoods() -> None:
    failed = [str(comparison) for comparison in compare_file(RECORDED) if not comparison.ok]
    assert not failed, "\n".join(failed)


def test_codewords_do_not_move() -> None:
    code, word = draw(2, 3, 4), draw(2, 3, 4) + 1
    assert value(commitment(code, word)) == pytest.approx(1)
    assert not jnp.any(jax.grad(lambda word: commitment(code, word).total)(word))
    assert jnp.any(jax.grad(lambda code: commitment(code, word).total)(code))


def test_divergence_from_a_standard_gaussian() -> None:
    assert value(gaussian_kl(jnp.zeros((2, 3, 4)), jnp.zeros((2, 3, 4)))) == 0
    mean, scale = 0.5, 2.0
    wanted = 12 * (0.5 * (scale**2 + mean**2 - 1) - np.log(scale))
    found = gaussian_kl(jnp.full((2, 3, 4), mean), jnp.full((2, 3, 4), 2 * np.log(scale)))
    assert value(found) == pytest.approx(wanted, rel=1e-6)


def test_a_reconstruction_counts_every_pixel() -> None:
    assert value(reconstruction(jnp.zeros((2, 4, 4, 3)), jnp.ones((2, 4, 4, 3)))) == 24


def test_hidden_tokens_count_over_the_whole_batch() -> None:
    hidden = np.zeros((8, 5), bool)
    hidden[0], hidden[3, :2] = True, True
    log_prob = draw(8, 5)
    wanted = -np.mean(np.asarray(log_prob)[hidden])
    grid = Grid({"data": 8}, ("data",))
    split = jax.shard_map(
        lambda log_prob, hidden: reduce_loss(gmm_nll(log_prob, hidden), grid.context)[0],
        mesh=grid.place(jax.devices()),
        in_specs=grid.batch_spec,
        out_specs=jax.sharding.PartitionSpec(),
    )
    assert float(split(log_prob, jnp.asarray(hidden))) == pytest.approx(wanted, rel=1e-6)
    assert value(gmm_nll(log_prob, jnp.asarray(hidden))) == pytest.approx(wanted, rel=1e-6)


def test_places_count_by_their_weight() -> None:
    logits, labels = draw(2, 3, 4), jnp.array([[0, 1, 2], [3, 0, 0]])
    weights = jnp.array([[1.0, 0.5, 0.0], [1.0, 0.0, 0.0]])
    each = -np.take_along_axis(np.asarray(jax.nn.log_softmax(logits)), np.asarray(labels)[..., None], 2)[
        ..., 0
    ]
    wanted = np.mean([(each[0, 0] + 0.5 * each[0, 1]) / 1.5, each[1, 0]])
    assert value(weighted_xent(logits, labels, weights)) == pytest.approx(wanted, rel=1e-6)
    assert value(weighted_xent(logits, labels)) == pytest.approx(np.mean(each), rel=1e-6)
