"""What the shared layers compute, against formulas written out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Key

from bvc.component import PortError, SettingError
from bvc.component.execution import Execution, executing
from bvc.library.layers import tap
from bvc.library.layers.attention import Attention, attend
from bvc.library.layers.dropout import dropout, fold
from bvc.library.layers.norm import LayerNorm
from bvc.library.layers.patch import PatchEmbedding, Remainder, grid_of
from bvc.library.layers.posemb import sincos2d
from tests.modules import compiled_in_a_hurry


@pytest.fixture(autouse=True)
def in_a_hurry() -> Iterator[None]:
    with compiled_in_a_hurry():
        yield


GetKey = Callable[[], Key[Array, ""]]


@pytest.mark.parametrize("unroll", [False, True], ids=["as on accelerators", "as on CPUs"])
def test_attention_is_softmax_of_scaled_products(unroll: bool, getkey: GetKey) -> None:
    query, key, value = (jax.random.normal(getkey(), (2, 5, 3, 4)) for _ in range(3))
    mask = jax.random.bernoulli(getkey(), 0.7, (2, 1, 5, 5)).at[0, 0, 0].set(False)
    with executing(Execution(unroll=unroll)):
        ours = attend(query, key, value, mask=mask)
    logits = np.einsum("btnk,bsnk->bnts", query, key) / math.sqrt(4)
    weights = np.asarray(jax.nn.softmax(jnp.where(mask, logits, -1e30)))
    np.testing.assert_allclose(ours, np.einsum("bnts,bsnk->btnk", weights, value), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(ours[0, 0], value[0].mean(axis=0), rtol=1e-4, atol=1e-6)


def test_attention_with_dropout_keeps_its_mean(getkey: GetKey) -> None:
    query, key = (jax.random.normal(getkey(), (1, 3, 1, 4)) for _ in range(2))
    value = jnp.ones((1, 3, 1, 4))
    many = [attend(query, key, value, drop=0.3, keys=jax.random.split(getkey(), 1)) for _ in range(30)]
    assert np.mean(many) == pytest.approx(1.0, abs=0.1)
    shared = attend(query, key, value, drop=0.3, keys=jax.random.split(getkey(), 1), share_drop=True)
    assert shared.shape == value.shape


def test_attention_to_what_is_of_another_width(getkey: GetKey) -> None:
    layer = Attention(8, 2, source=6, bias=False, key=getkey())
    assert layer.key.kernel.shape == layer.value.kernel.shape == (6, 2, 4)
    assert float(jnp.abs(layer.key.kernel).max()) <= math.sqrt(6 / (6 + 8))
    assert layer(jnp.ones((1, 3, 8)), jnp.ones((1, 5, 6))).shape == (1, 3, 8)


@pytest.mark.parametrize(("remainder", "padding"), [("cut", "VALID"), ("pad", "SAME")])
def test_patches_of_an_image_that_they_do_not_fill(
    remainder: Remainder, padding: str, getkey: GetKey
) -> None:
    layer = PatchEmbedding((4, 4), 5, remainder=remainder, key=getkey())
    image = jax.random.normal(getkey(), (2, 10, 15, 3))
    dims = ("NHWC", "HWIO", "NHWC")
    theirs = jax.lax.conv_general_dilated(image, layer.kernel, (4, 4), padding, dimension_numbers=dims)
    np.testing.assert_allclose(layer(image), theirs, rtol=1e-4, atol=1e-5)
    assert theirs.shape[1:3] == grid_of((10, 15), (4, 4), remainder)
    with pytest.raises(PortError, match="not divisible"):
        PatchEmbedding((4, 4), 5, key=getkey())(image)


def test_norm_has_mean_0_and_deviation_1(getkey: GetKey) -> None:
    x = 3 + 2 * jax.random.normal(getkey(), (4, 7, 64))
    y = np.asarray(LayerNorm(64)(x.astype(jnp.bfloat16)))
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.mean(axis=-1), 0, atol=1e-5)
    np.testing.assert_allclose(y.std(axis=-1), 1, atol=1e-4)


def test_patches_are_a_convolution(getkey: GetKey) -> None:
    layer = PatchEmbedding((4, 6), 8, key=getkey())
    image = jax.random.normal(getkey(), (2, 8, 12, 3))
    convolved = jax.lax.conv_general_dilated(
        image, layer.kernel, (4, 6), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    np.testing.assert_allclose(layer(image), convolved + layer.bias, rtol=1e-4, atol=1e-5)
    with pytest.raises(PortError, match="not divisible"):
        layer(jnp.zeros((1, 9, 12, 3)))


def test_a_size_that_the_patch_does_not_divide() -> None:
    with pytest.raises(
        SettingError, match=r"`size` is not divisible by patch 16: 250 = 15 \* 16 \+ 10"
    ) as caught:
        grid_of((250, 250), (16, 16))
    assert caught.value.help == "nearest sizes that divide: 240, 256"
    with pytest.raises(SettingError) as caught:
        grid_of((9, 9), (16, 16))
    assert caught.value.help == "nearest sizes that divide: 16"


def test_waves() -> None:
    table = np.asarray(sincos2d(2, 3, 8))
    assert table.shape == (1, 6, 8)
    np.testing.assert_allclose(table[0, 5, :2], [math.sin(2), math.sin(2 / 10_000)], rtol=1e-5)
    np.testing.assert_allclose(table[0, 5, 6:], [math.cos(1), math.cos(1 / 10_000)], rtol=1e-5)


def test_dropout_rate_and_scale(getkey: GetKey) -> None:
    x = jnp.ones((8, 50, 50))
    y = np.asarray(dropout(x, 0.25, jax.random.split(getkey(), 8)))
    assert set(np.unique(y)) == {0.0, np.float32(1 / 0.75)}
    assert (y == 0).mean() == pytest.approx(0.25, abs=0.02)
    assert dropout(x, 0.25, None) is x
    one = dropout(x, 0.5, jax.random.split(getkey(), 8), broadcast=(1,))
    assert (np.asarray(one) == np.asarray(one)[:, :1]).all()


def test_dropout_belongs_to_the_example(getkey: GetKey) -> None:
    keys = fold(jax.random.split(getkey(), 8), 3)
    assert keys is not None
    x = jnp.ones((8, 10))
    halves = [dropout(x[:4], 0.5, keys[:4]), dropout(x[4:], 0.5, keys[4:])]
    np.testing.assert_array_equal(dropout(x, 0.5, keys), np.concatenate(halves))


def test_taps_are_named_by_their_scopes(getkey: GetKey) -> None:
    tap.tap("nowhere", jnp.zeros(()))
    with tap.capture() as captured, tap.scope("encoder"):
        tap.tap("x", jnp.ones(()))
    assert list(captured) == ["encoder/x"]
    assert not tap.capturing()


def test_bfloat16_products_keep_float32_parameters(getkey: GetKey) -> None:
    layer = Attention(8, 2, dtype="bfloat16", key=getkey())
    x = jnp.ones((1, 3, 8))
    assert layer(x, x).dtype == jnp.bfloat16
    assert layer.query.kernel.dtype == jnp.float32
