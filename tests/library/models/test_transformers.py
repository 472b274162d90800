"""ViT, text transformer, BERT and two towers: what a spec may ask of them, and what does not depend on how they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Key

from bvc.component import PortError, SettingError
from bvc.component.execution import Execution, executing
from bvc.component.names import parameters
from bvc.library.checkpoints.load import with_parameters
from bvc.library.models.bert import Bert
from bvc.library.models.text_transformer import TextTransformer
from bvc.library.models.two_towers import TwoTowers
from bvc.library.models.vit import Vit
from tests.modules import abstract, compiled_in_a_hurry, filled

GetKey = Callable[[], Key[Array, ""]]
SMALL = {"width": 16, "depth": 2, "heads": 2, "mlp_dim": 24}


@pytest.fixture(autouse=True)
def in_a_hurry() -> Iterator[None]:
    with compiled_in_a_hurry():
        yield


def built(model: Callable[..., Any], **settings: Any) -> Any:
    return filled(abstract(model, **settings), scale=0.2)


def test_variants_are_those_of_big_vision() -> None:
    model = abstract(Vit, variant="So400m/14")
    assert model.embedding.kernel.shape == (14, 14, 3, 1152)
    assert (model.blocks.depth, model.blocks.layer.mlp.up.kernel.shape) == (27, (27, 1152, 4304))
    assert abstract(Vit, variant="mu/16", mlp_dim=64).blocks.layer.mlp.up.kernel.shape == (1, 32, 64)
    assert abstract(Vit, variant="S", patch=(8, 16)).embedding.kernel.shape == (8, 16, 3, 384)
    total = sum(np.prod(leaf.shape) for leaf in jax.tree.leaves(abstract(Vit, variant="B/16", out_dim=1000)))
    assert total == 86_566_120


@pytest.mark.parametrize(
    ("settings", "name", "text"),
    [
        ({"variant": "b/16"}, "variant", 'did you mean "B/16"'),
        ({"variant": "B/0"}, "variant", '"B/16"'),
        ({"variant": "Base"}, "variant", "did you mean"),
        ({"width": 100, "heads": 3}, "heads", "2, 4"),
        ({"size": 250}, "size", "240, 256"),
        ({"width": 18, "heads": 2, "posemb": "sincos2d"}, "width", ""),
    ],
)
def test_settings_that_cannot_work(settings: dict[str, Any], name: str, text: str) -> None:
    with pytest.raises(SettingError) as caught:
        abstract(Vit, **settings)
    assert caught.value.name == name
    assert text in (caught.value.help or "")


def test_an_image_of_another_size_is_refused() -> None:
    model = abstract(Vit, **SMALL, size=32, patch=8)
    with pytest.raises(PortError, match="40 x 32"):
        eqx.filter_eval_shape(model, jax.ShapeDtypeStruct((2, 40, 32, 3), jnp.float32))
    waves = abstract(Vit, **SMALL, patch=8, posemb="sincos2d")
    outputs = eqx.filter_eval_shape(waves, jax.ShapeDtypeStruct((2, 40, 32, 3), jnp.float32))
    assert outputs["pre_logits"].shape == (2, 16)
    with pytest.raises(PortError, match="needs a head"):
        eqx.filter_eval_shape(waves.logits, jax.ShapeDtypeStruct((2, 40, 32, 3), jnp.float32))


def test_views_of_a_vit() -> None:
    image = jax.ShapeDtypeStruct((2, 16, 32, 3), jnp.float32)
    model = abstract(Vit, **SMALL, size=(16, 32), patch=8, pool="tok", rep_size=20, out_dim=5)
    assert eqx.filter_eval_shape(model.embed, image).shape == (2, 5)
    assert eqx.filter_eval_shape(model.pre_logits, image).shape == (2, 20)
    assert eqx.filter_eval_shape(model.patches, image)["logits"].shape == (2, 2, 4, 5)
    assert model.embed_dim == 5
    assert abstract(Vit, **SMALL, rep_size=20).embed_dim == 20


@pytest.mark.slow
@pytest.mark.parametrize("remats", [["none"], pytest.param(["full", "dots"], marks=pytest.mark.slow)])
def test_scanned_and_unrolled_layers_agree(remats: list[str], getkey: GetKey) -> None:
    model = built(Vit, **SMALL, size=16, patch=8, dropout=0.2)
    image = jax.random.normal(getkey(), (2, 16, 16, 3))
    keys = jax.random.split(getkey(), 2)

    def loss(parameters: list[Array], remat: Any) -> Array:
        chosen = abstract(Vit, **SMALL, size=16, patch=8, dropout=0.2, remat=remat)
        model = jax.tree.unflatten(jax.tree.structure(chosen), parameters)
        return jnp.sum(jnp.square(model(image, keys=keys)["pre_logits"]))

    found = []
    for unroll, remat in ((True, "none"), *((False, remat) for remat in remats)):
        with executing(Execution(unroll=unroll)):
            step = jax.jit(jax.value_and_grad(loss), static_argnums=1)
            found.append(step(jax.tree.leaves(model), remat))
    for other in found[1:]:
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-5), found[0], other)


@pytest.mark.parametrize(
    "family",
    ["vit", pytest.param("text", marks=pytest.mark.slow), pytest.param("bert", marks=pytest.mark.slow)],
)
def test_dropout_acts_with_keys_only_and_belongs_to_examples(family: str, getkey: GetKey) -> None:
    if family == "vit":
        model = built(Vit, **SMALL, size=16, patch=8, dropout=0.3)
        batch: Array = jax.random.normal(getkey(), (4, 16, 16, 3))
    else:
        tower = TextTransformer if family == "text" else Bert
        model = built(tower, **SMALL, vocab=20, length=6, dropout=0.3)
        batch = jax.random.randint(getkey(), (4, 6), 1, 20)
    call = eqx.filter_jit(lambda model, batch, keys: model.embed(batch, keys=keys))
    keys = jax.random.split(getkey(), 4)
    order = jnp.array([2, 0, 3, 1])
    drawn = np.asarray(call(model, batch, keys))
    np.testing.assert_allclose(drawn[order], call(model, batch[order], keys[order]), rtol=1e-4, atol=1e-5)
    assert np.abs(drawn - call(model, batch, None)).max() > 1e-3
    same = np.asarray(call(model, jnp.broadcast_to(batch[:1], batch.shape), keys))
    assert np.abs(same[0] - same[1]).max() > 1e-3


def test_text_of_another_length_is_refused() -> None:
    text = jax.ShapeDtypeStruct((2, 9), jnp.int32)
    with pytest.raises(PortError, match="made for 8"):
        eqx.filter_eval_shape(abstract(TextTransformer, **SMALL, vocab=20, length=8), text)
    with pytest.raises(PortError, match="knows 8 positions"):
        eqx.filter_eval_shape(abstract(Bert, **SMALL, vocab=20, length=8), text)


def test_bert_does_not_look_at_padding(getkey: GetKey) -> None:
    model = built(Bert, **SMALL, vocab=20, length=8)
    text = jnp.array([[5, 6, 7, 0, 0, 0]])
    embed = eqx.filter_jit(lambda model, text: model.embed(text))
    np.testing.assert_allclose(embed(model, text), embed(model, text[:, :3]), rtol=1e-4, atol=1e-5)


class Probe(eqx.Module):
    """As much of a tower as two towers ask for when they are made."""

    embed_dim: int = 8

    def embed(self, x: Array) -> Array:
        return x


def towers(*, key: Key[Array, ""], image_dim: int = 8, text_dim: int = 8, **settings: Any) -> TwoTowers:
    image = Vit(**SMALL, size=16, patch=8, out_dim=image_dim, key=key)
    text = TextTransformer(**SMALL, vocab=20, length=6, out_dim=text_dim, key=key)
    return TwoTowers(image=image, text=text, key=key, **settings)


def test_two_towers(getkey: GetKey) -> None:
    fresh = TwoTowers(image=Probe(), text=Probe(), temperature=10.0, bias=-2.5, key=getkey())
    model = built(towers, temperature=10.0, bias=-2.5)
    known = {
        "temperature": np.asarray(fresh.temperature),
        "bias": np.asarray(fresh.bias),
        "image/head/kernel": np.zeros((16, 8), np.float32),
        "image/head/bias": np.zeros(8, np.float32),
    }
    model = with_parameters(model, known)
    image, text = jax.random.normal(getkey(), (3, 16, 16, 3)), jnp.ones((3, 6), jnp.int32)
    outputs, score = eqx.filter_jit(lambda model: (model(image, text), model.score(image, text)))(model)
    assert float(outputs["temperature"]) == pytest.approx(10.0, rel=1e-5)
    assert float(outputs["bias"]) == -2.5
    np.testing.assert_allclose(np.linalg.norm(outputs["text"], axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(score, -2.5, atol=1e-6)
    assert abstract(towers).bias is None

    def total(model: TwoTowers) -> Array:
        outputs = model(image, text)
        return jnp.sum(outputs["image"] * outputs["text"])

    gradients = eqx.filter_jit(eqx.filter_grad(total))(model)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradients))


def test_towers_that_do_not_fit(getkey: GetKey) -> None:
    with pytest.raises(SettingError, match="embeds into 9 dims, but `image` into 8"):
        abstract(towers, image_dim=8, text_dim=9)
    with pytest.raises(SettingError, match="above 0"):
        abstract(towers, temperature=0.0)
    with pytest.raises(SettingError, match="no view `embed`"):
        TwoTowers(image=jnp.zeros(()), text=jnp.zeros(()), key=getkey())


def test_public_names() -> None:
    image = abstract(Vit, **SMALL, size=16, patch=8, pool="map", out_dim=8)
    text = abstract(TextTransformer, **SMALL, vocab=20, length=6, out_dim=8)
    model = abstract(lambda key: TwoTowers(image=image, text=text, bias=0.0, key=key))
    names = {found.name for found in parameters(model)}
    assert {
        "image/embedding/kernel",
        "image/posemb",
        "image/blocks/01/attention/query/kernel",
        "image/blocks/01/mlp/up/bias",
        "image/norm/scale",
        "image/map_head/probe",
        "image/head/kernel",
        "text/tokens/embedding",
        "text/blocks/00/attention_norm/scale",
        "temperature",
        "bias",
    } <= names
    naming = model.naming()
    assert {naming.public(naming.published(name)) for name in names} == names
    assert (
        naming.published("text/blocks/01/mlp/down/kernel")
        == "txt/Encoder_0/encoderblock_1/MlpBlock_0/Dense_1/kernel"
    )
