"""What models with a decoder generate, and how their training hides tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bvc.component import PortError, SettingError
from bvc.library.layers.masking import training_mask
from bvc.library.layers.mixture import mixture, parameters
from bvc.library.layers.sampling import gumbel, sample
from bvc.library.models.cappa import Cappa
from bvc.library.models.givt import Givt
from bvc.library.models.vit import Vit
from bvc.library.models.vtt import Vtt
from tests.modules import abstract, compiled_in_a_hurry, filled

SMALL = {"width": 8, "depth": 1, "heads": 2, "mlp_dim": 12}


@pytest.fixture(autouse=True)
def in_a_hurry() -> Iterator[None]:
    with compiled_in_a_hurry():
        yield


def encoder(**settings: Any) -> Any:
    return abstract(Vit, **{**SMALL, "size": 8, "patch": 4, "pool": "none", **settings})


def with_encoder(model: Any, **settings: Any) -> Any:
    image = encoder()
    return abstract(lambda key: model(encoder=image, **{**SMALL, **settings}, key=key))


def keys(count: int) -> jax.Array:
    return jax.random.split(jax.random.key(0), count)


def test_sampling_from_a_known_distribution() -> None:
    logits = jnp.log(jnp.array([0.1, 0.2, 0.3, 0.4]))
    prompts = jnp.zeros((2000, 1), jnp.int32)

    def drawn(**options: Any) -> np.ndarray:
        step = lambda token, cache, index: (jnp.tile(logits, (len(token), 1)), cache)  # noqa: E731
        found = sample(step, jnp.zeros(()), prompts, gumbel(keys(2000)), end=9, **options)
        return np.bincount(np.asarray(found["sequences"])[:, 0], minlength=4) / 2000

    np.testing.assert_allclose(drawn(), [0.1, 0.2, 0.3, 0.4], atol=0.04)
    np.testing.assert_allclose(drawn(top_k=2), [0, 0, 3 / 7, 4 / 7], atol=0.05)
    np.testing.assert_allclose(drawn(top_p=0.65), [0, 0, 3 / 7, 4 / 7], atol=0.05)
    np.testing.assert_allclose(drawn(temperature=1e-3), [0, 0, 0, 1])
    with pytest.raises(SettingError, match="exclude each other"):
        drawn(top_k=2, top_p=0.5)


def test_captions_belong_to_their_images() -> None:
    model = filled(with_encoder(Cappa, vocab=11, length=5), scale=0.5)
    image = jax.random.normal(jax.random.key(1), (3, 8, 8, 3))
    generate = eqx.filter_jit(lambda model, image, keys: model.generate(image, keys=keys))
    together = generate(model, image, keys(3))
    order = jnp.array([2, 0, 1])
    apart = generate(model, image[order], keys(3)[order])
    np.testing.assert_array_equal(together["sequences"][order], apart["sequences"])
    np.testing.assert_allclose(together["scores"][order], apart["scores"], rtol=1e-4)


def test_parallel_prediction_hides_captions_by_example() -> None:
    model = with_encoder(Cappa, vocab=11, length=8, masked_pred_prob=0.5, masking_ratio=0.5)
    text = jnp.full((64, 8), 3)
    tokens, mask = model._visible(text, keys(64))
    hidden = np.asarray(tokens == 11)
    parallel = hidden.any(axis=1)
    assert 20 < parallel.sum() < 44
    assert (hidden[parallel].sum(axis=1) == 4).all()
    assert np.asarray(mask)[parallel].all()
    assert not np.asarray(mask)[~parallel, 0, 0, 1:].any()
    assert (np.asarray(tokens)[~parallel, 0] == 0).all()
    assert (np.asarray(model._visible(text, None)[0])[:, 0] == 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("style", ["ar", "masked"])
def test_sequences_of_codes(style: str) -> None:
    settings = {
        "labels": 3,
        "length": 4,
        "out_dim": 2,
        "mixtures": 2,
        "density": "vector",
        "drop_labels": 0.1,
    }
    model = filled(abstract(Givt, **{**SMALL, "style": style, **settings}), scale=0.3)
    labels = jnp.array([0, 1, 2])

    @eqx.filter_jit
    def generate(model: Givt, labels: jax.Array, keys: jax.Array, guidance: float) -> jax.Array:
        return model.generate(labels, guidance=guidance, steps=3, keys=keys)

    for guidance in (0.0, 0.5):
        codes = np.asarray(generate(model, labels, keys(3), guidance))
        assert codes.shape == (3, 4, 2)
        assert np.isfinite(codes).all()
        assert (codes != 0).all()
        alone = generate(model, labels[1:2], keys(3)[1:2], guidance)
        np.testing.assert_allclose(codes[1:2], alone, rtol=1e-3, atol=1e-4)
    outputs = eqx.filter_jit(lambda model, codes: model(codes, labels, keys=keys(3)))(
        model, jnp.asarray(codes)
    )
    assert outputs["log_prob"].shape == (3, 4)


def test_a_mixture_is_sampled_as_it_is_described() -> None:
    raw = jax.random.normal(jax.random.key(2), (1, 1, parameters(2, 2, "vector")))
    density = mixture(jnp.tile(raw, (4000, 1, 1)), 2, 2, "vector", fix_square_plus=True)
    draws = np.asarray(density.sample(keys(4000)))[:, 0]
    mean = np.asarray(jnp.einsum("m,mk->k", density.probs[0, 0], density.loc[0, 0]))
    np.testing.assert_allclose(draws.mean(axis=0), mean, atol=0.15)
    full = mixture(jnp.zeros((4000, 1, 6)), 2, 1, "full", fix_square_plus=True)
    draws = np.asarray(full.sample(keys(4000)))[:, 0]
    np.testing.assert_allclose(np.cov(draws.T), [[1, 1], [1, 2]], atol=0.15)


def test_a_decoder_may_be_narrower_than_its_encoder() -> None:
    image = encoder()
    model = abstract(lambda key: Cappa(encoder=image, vocab=5, length=4, **{**SMALL, "width": 6}, key=key))
    assert model.decoder.blocks.layer.cross_attention.value.kernel.shape == (1, 8, 2, 3)
    shapes = [jax.ShapeDtypeStruct((2, 8, 8, 3), jnp.float32), jax.ShapeDtypeStruct((2, 4), jnp.int32)]
    assert eqx.filter_eval_shape(model, *shapes)["logits"].shape == (2, 4, 5)


def test_labels_that_are_always_hidden() -> None:
    model = filled(abstract(Givt, **SMALL, labels=3, length=4, out_dim=2, drop_labels=1.0))
    codes = np.ones((3, 4, 2), np.float32)
    logits = eqx.filter_jit(model)(codes, jnp.arange(3))["logits"]
    np.testing.assert_array_equal(logits[0], logits[1])


def test_what_is_hidden_in_training_follows_its_schedule() -> None:
    cosine, power = (
        np.asarray(jax.jit(training_mask, static_argnums=(1, 2, 3))(keys(400), 50, 0.0, schedule)).mean()
        for schedule in ("cosine", "pow:2")
    )
    np.testing.assert_allclose([cosine, power], [2 / np.pi, 2 / 3], atol=0.05)


def test_what_cannot_work() -> None:
    with pytest.raises(SettingError, match="is 8 wide, but the decoder 12"):
        with_encoder(Vtt, vocab=5, length=4, width=12)
    with pytest.raises(SettingError, match="single component"):
        abstract(Givt, **SMALL, density="full", mixtures=2)
    model = abstract(Givt, **SMALL, labels=3, length=4, out_dim=2)
    codes = jax.ShapeDtypeStruct((2, 4, 2), jnp.float32)
    with pytest.raises(PortError, match="exactly if the model has classes"):
        eqx.filter_eval_shape(model, codes)
    with pytest.raises(PortError, match="never hidden"):
        model.generate(jnp.zeros(2, jnp.int32), guidance=0.5, keys=keys(2))
