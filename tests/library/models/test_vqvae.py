"""Codebooks, fixed levels, and the autoencoder around them."""

from __future__ import annotations

from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bvc.component import PortError, SettingError
from bvc.library.checkpoints.export import export, named
from bvc.library.checkpoints.load import load_parameters
from bvc.library.layers.bottleneck import kept_codes
from bvc.library.layers.codebook import Codebook, code_of_levels, levels_of_code, round_to_levels
from bvc.library.models.vqvae import VqVae
from tests.modules import abstract, filled

SMALL = {
    "inputs": {"depth": (4, 1)},
    "outputs": {"depth": (4, 3)},
    "size": 8,
    "patch": 2,
    "code_len": 4,
    "width": 12,
    "heads": 2,
    "enc_depth": 1,
    "dec_depth": 1,
    "mlp_dim": 16,
}


def test_fixed_levels_written_out() -> None:
    x = jnp.array([[[0.0, 0.0], [9.0, 9.0], [-9.0, -9.0], [0.6, 0.1]]])
    quantized = round_to_levels(x, (3, 4))
    # three levels: -1, 0, 1 over 1; four levels: -2, -1, 0, 1 over 2; 0 lies in the middle of both
    expected = [[[0.0, 0.0], [1.0, 0.5], [-1.0, -1.0], [1.0, 0.0]]]
    np.testing.assert_allclose(quantized, expected, atol=1e-6)
    codes = code_of_levels(quantized, (3, 4))
    np.testing.assert_array_equal(codes, [[1 + 3 * 2, 2 + 3 * 3, 0, 2 + 3 * 2]])
    np.testing.assert_allclose(levels_of_code(codes, (3, 4)), expected, atol=1e-6)
    gradient = jax.grad(lambda x: jnp.sum(round_to_levels(x, (3, 4))))(x)
    assert (np.asarray(gradient)[0, 0] > 0).all()


def test_every_code_of_levels_returns() -> None:
    codes = jnp.arange(3 * 4 * 5)[None]
    np.testing.assert_array_equal(code_of_levels(levels_of_code(codes, (3, 4, 5)), (3, 4, 5)), codes)


def test_a_codebook_learns_from_statistics_of_the_whole_batch() -> None:
    book = Codebook(jnp.array([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]), jnp.ones(3))
    x = jnp.array([[[2.0, 0.1], [0.1, 3.0]], [[4.0, 0.0], [0.0, 1.0]]])
    codes = book.nearest(x)
    np.testing.assert_array_equal(codes, [[0, 1], [0, 1]])
    counts, sums = book.statistics(x, codes)
    halves = [book.statistics(x[i : i + 1], codes[i : i + 1]) for i in range(2)]
    np.testing.assert_array_equal(counts, halves[0][0] + halves[1][0])
    np.testing.assert_allclose(sums, halves[0][1] + halves[1][1])
    after = book.advanced(counts, sums, momentum=0.5, min_count=0.1, key=jax.random.key(0))
    np.testing.assert_allclose(after.counts, [2.5, 2.5, 0.5])
    np.testing.assert_allclose(after.dictionary, [[6.5, 0.1], [0.1, 4.5], [0.0, -0.5]], rtol=1e-6)
    starved = book.advanced(counts, sums, momentum=0.1, min_count=0.2, key=jax.random.key(0))
    np.testing.assert_allclose(starved.counts, [1.05, 2.1, 1.05], rtol=1e-6)
    np.testing.assert_allclose(starved.dictionary[2], starved.dictionary[0], rtol=2e-3, atol=1e-3)


def test_levels_instead_of_a_codebook() -> None:
    model = filled(abstract(VqVae, **SMALL, quantizer="fsq", levels=(3, 5)), scale=0.3)
    x = {"depth": jnp.ones((2, 16, 4, 1))}
    outputs = eqx.filter_jit(lambda model, x: model(x))(model, x)
    decoded = eqx.filter_jit(lambda model, code: model.decode(code))(model, outputs["code"])
    assert outputs["code"].shape == (2, 4)
    assert "counts" not in outputs
    assert not [name for name in named(model) if "codebook" in name]
    np.testing.assert_allclose(decoded["depth"], outputs["logits"]["depth"], atol=1e-5)
    assert model.advanced(jnp.zeros(1, jnp.int32), jnp.zeros((1, 2)), key=jax.random.key(0)) is model


def test_code_dropout_hides_codes_of_an_example() -> None:
    kept = np.asarray(kept_codes(jax.random.split(jax.random.key(0), 64), 4, "random"))
    assert set(np.unique(kept)) == {0.0, 1.0}
    assert len(np.unique(kept.sum(axis=1))) == 5
    assert np.abs(kept.mean(axis=0) - 0.5).max() < 0.2


def test_state_lies_beside_the_parameters(tmp_path: Path) -> None:
    model = filled(abstract(VqVae, **SMALL, decoder_context=True))
    export(model, tmp_path / "stage1.npz")
    with np.load(tmp_path / "stage1.npz") as archive:
        assert {"state/dictionary", "state/counts", "params/decoder_stem/kernel"} <= set(archive.files)
    values, _ = load_parameters(model, str(tmp_path / "stage1.npz"))
    for name, leaf in named(model).items():
        np.testing.assert_array_equal(values[name], leaf)


def test_what_cannot_work() -> None:
    with pytest.raises(SettingError, match="`levels`"):
        abstract(VqVae, **SMALL, quantizer="fsq")
    with pytest.raises(SettingError, match="square number"):
        abstract(VqVae, **{**SMALL, "code_len": 5}, bottleneck_resize=True)
    model = abstract(VqVae, **SMALL, decoder_context=True)
    x = {"depth": jax.ShapeDtypeStruct((2, 16, 4, 1), jnp.float32)}
    with pytest.raises(PortError, match="sees the image"):
        eqx.filter_eval_shape(model, x)
    with pytest.raises(PortError, match="reads"):
        eqx.filter_eval_shape(model, {"color": x["depth"]})
