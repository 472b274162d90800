"""Published files of each naming, made up here with the published names and shapes, load into the models."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from bvc.component import DataError
from bvc.library.checkpoints.export import export, named
from bvc.library.checkpoints.load import load_parameters
from bvc.library.models.bert import Bert
from bvc.library.models.bit import Bit
from bvc.library.models.flexivit import FlexiVit
from bvc.library.models.text_transformer import TextTransformer
from bvc.library.models.two_towers import TwoTowers
from bvc.library.models.vit import Vit
from tests.modules import abstract, filled

SMALL = {"width": 8, "depth": 2, "heads": 2, "mlp_dim": 12}
Flat = dict[str, np.ndarray]


def vit(**settings: Any) -> Any:
    return abstract(Vit, **{**SMALL, "size": 16, "patch": 4, "out_dim": 5, **settings})


def text(**settings: Any) -> Any:
    return abstract(TextTransformer, **{**SMALL, "vocab": 11, "length": 6, "out_dim": 5, **settings})


def bert(**settings: Any) -> Any:
    return abstract(Bert, **{**SMALL, "vocab": 11, "length": 6, **settings})


def towers(**settings: Any) -> Any:
    image, words = vit(pool="map", out_dim=None), text(out_dim=8)
    return abstract(lambda key: TwoTowers(image=image, text=words, **settings, key=key))


def published(model: Any) -> Flat:
    naming = model.naming()
    return {naming.published(name): leaf for name, leaf in named(model).items()}


def assert_loads(model: Any, path: Path | str, expected: Flat, **options: Any) -> Any:
    values, report = load_parameters(model, str(path), **options)
    for name, leaf in expected.items():
        np.testing.assert_array_equal(values[name], leaf, err_msg=name)
    assert set(values) == set(expected)
    return report


@pytest.mark.parametrize(
    "model", [vit(pool="map"), vit(pool="tok", rep_size=7), text(), bert(), towers(bias=1.0)]
)
@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@pytest.mark.parametrize("stacked", [False, True])
def test_round_trip_is_exact(model: Any, suffix: str, stacked: bool, tmp_path: Path) -> None:
    full = filled(model)
    file = tmp_path / f"model{suffix}"
    export(full, file, stacked=stacked)
    report = assert_loads(model, file, named(full))
    assert not (report.resized or report.converted or report.left_at_init or report.left_over)
    assert str(report) == f"{file}: {len(named(full))} parameters loaded"


def test_a_part_without_rules_of_its_own_lies_below_its_prefix() -> None:
    image = abstract(Bit, depth=(1,), width=0.5, out_dim=8)
    words = text(out_dim=8)
    both = abstract(lambda key: TwoTowers(image=image, text=words, key=key))
    naming = both.naming()
    for own, theirs in (("image/head/kernel", "img/head/kernel"), ("image/gn_root/bias", "img/gn_root/bias")):
        assert naming.published(own) == theirs
        assert naming.public(theirs) == own


def test_export_knows_two_formats(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no name for parameters"):
        export(filled(vit()), tmp_path / "model.pt")


def test_part_of_a_file_and_parts_left_at_init(tmp_path: Path) -> None:
    both = filled(towers())
    file = tmp_path / "siglip.npz"
    export(both, file)
    tower = vit(pool="map", out_dim=3)
    expected = named(both.image)
    report = assert_loads(tower, f"{file}:img", expected, skip=["head/.*"])
    assert report.left_at_init == ("head/kernel", "head/bias")
    assert "left at its initial value: head/kernel" in str(report)

    wide = filled(vit())
    export(wide, tmp_path / "vit.npz")
    headless = named(wide)
    del headless["head/kernel"], headless["head/bias"]
    report = assert_loads(vit(out_dim=None), tmp_path / "vit.npz", headless, skip=["head/.*"])
    assert set(report.left_over) == {"head/kernel", "head/bias"}


def test_void_of_two_bytes_is_bfloat16(tmp_path: Path) -> None:
    low = {name: leaf.astype(ml_dtypes.bfloat16) for name, leaf in published(filled(vit())).items()}
    np.savez(tmp_path / "low.npz", **low)
    _, report = load_parameters(vit(), str(tmp_path / "low.npz"))
    assert set(report.converted.values()) == {"bfloat16"}
    save_file(low, tmp_path / "low.safetensors")
    values, _ = load_parameters(vit(), str(tmp_path / "low.safetensors"))
    np.testing.assert_array_equal(values["posemb"], low["pos_embedding"].astype(np.float32))


def test_position_tables_are_resampled(tmp_path: Path) -> None:
    export(filled(vit(pool="tok")), tmp_path / "vit.npz")
    values, report = load_parameters(vit(pool="tok", size=24), str(tmp_path / "vit.npz"))
    assert report.resized == {"posemb": (1, 16, 8)}
    assert values["posemb"].shape == (1, 36, 8)
    with pytest.raises(DataError, match="only square grids"):
        load_parameters(vit(pool="tok", size=(16, 32)), str(tmp_path / "vit.npz"))


def test_a_grid_of_k_squared_and_one_is_not_mistaken_for_a_class_token(tmp_path: Path) -> None:
    model = vit(pool="tok", size=(4, 20))
    full = filled(model)
    export(full, tmp_path / "five.npz")
    assert_loads(model, tmp_path / "five.npz", named(full))


def test_inlined_pooling_head_and_second_posemb(tmp_path: Path) -> None:
    full = filled(vit(pool="map"))
    np.savez(
        tmp_path / "old.npz",
        **{name.removeprefix("MAPHead_0/"): leaf for name, leaf in published(full).items()},
    )
    assert_loads(vit(pool="map"), tmp_path / "old.npz", named(full))

    words = filled(text())
    flat = published(words)
    flat["Encoder_0/pos_embedding"] = np.ones_like(flat["pos_embedding"])
    np.savez(tmp_path / "text.npz", **flat)
    assert_loads(text(), tmp_path / "text.npz", named(words) | {"posemb": named(words)["posemb"] + 1})


def test_sums_of_arrays_that_do_not_fit(tmp_path: Path) -> None:
    words = published(filled(text()))
    np.savez(tmp_path / "text.npz", **words, **{"Encoder_0/pos_embedding": np.ones((1, 6, 9), np.float32)})
    with pytest.raises(
        DataError, match=r"two parts of `pos_embedding` have shapes \[1, 6, 8\] and \[1, 6, 9\]"
    ):
        load_parameters(text(), str(tmp_path / "text.npz"))

    image = published(filled(vit(pool="tok")))
    image["cls"] = image["cls"][..., :1]
    image["pos_embedding"] = np.concatenate([image["pos_embedding"][:, :1], image["pos_embedding"]], axis=1)
    np.savez(tmp_path / "vit.npz", **image)
    with pytest.raises(DataError, match=r"two parts of `cls` have shapes \[1, 1, 1\] and \[1, 1, 8\]"):
        load_parameters(vit(pool="tok"), str(tmp_path / "vit.npz"))


@pytest.mark.parametrize("shape", [(0, 4, 3, 8), (4, 4, 3)])
def test_patches_that_are_no_patches(shape: tuple[int, ...], tmp_path: Path) -> None:
    model = abstract(FlexiVit, **SMALL, patch=4, posemb_size=4, out_dim=5)
    flat = published(filled(model)) | {"embedding/kernel": np.zeros(shape, np.float32)}
    np.savez(tmp_path / "flexi.npz", **flat)
    with pytest.raises(DataError, match="a patch embedding of shape .* cannot be brought to"):
        load_parameters(model, str(tmp_path / "flexi.npz"))


LAYER = re.compile(r"blocks/0(\d)/(.*)")


def torch_like(name: str, leaf: np.ndarray, names: dict[str, str], layer: str) -> tuple[str, np.ndarray]:
    """One parameter as PyTorch would hold it; `names` maps modules, `layer` is what stands before a layer."""
    found = LAYER.fullmatch(name)
    stem, _, kind = (found[2] if found else name).rpartition("/")
    module = names[stem] if stem else names[kind]
    prefix = layer.format(found[1]) if found else ""
    if not stem:
        return module, leaf
    if kind == "kernel" and leaf.ndim == 4:
        leaf = leaf.transpose(3, 2, 0, 1)
    elif kind == "kernel" and leaf.ndim == 3:
        inputs = leaf.shape[0] if stem != "attention/out" else -1
        leaf = leaf.reshape(inputs, leaf.shape[-1] if inputs == -1 else -1).T
    elif kind == "kernel":
        leaf = leaf.T
    elif leaf.ndim == 2 and kind == "bias":
        leaf = leaf.reshape(-1)
    suffix = {"kernel": "weight", "scale": "weight", "embedding": "weight"}.get(kind, kind)
    return f"{prefix}{module}.{suffix}", np.ascontiguousarray(leaf)


BERT_NAMES = {
    "tokens": "embeddings.word_embeddings",
    "positions": "embeddings.position_embeddings",
    "segments": "embeddings.token_type_embeddings",
    "norm": "embeddings.LayerNorm",
    "attention/query": "attention.self.query",
    "attention/key": "attention.self.key",
    "attention/value": "attention.self.value",
    "attention/out": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "up": "intermediate.dense",
    "down": "output.dense",
    "mlp_norm": "output.LayerNorm",
}


def bert_file(full: Any, prefix: str) -> Flat:
    pairs = (torch_like(name, leaf, BERT_NAMES, "encoder.layer.{}.") for name, leaf in named(full).items())
    flat = {f"{prefix}{name}": leaf for name, leaf in pairs}
    flat[f"{prefix}pooler.dense.weight"] = np.zeros((8, 8), np.float32)
    flat[f"{prefix}embeddings.position_ids"] = np.arange(6)[None]
    return flat


def test_hugging_face_bert(tmp_path: Path) -> None:
    full = filled(bert())
    save_file(bert_file(full, ""), tmp_path / "plain.safetensors")
    report = assert_loads(bert(), tmp_path / "plain.safetensors", named(full))
    assert "pooler.dense.weight" in report.left_over

    older = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): leaf
        for name, leaf in bert_file(full, "bert.").items()
    }
    older["cls.predictions.bias"] = np.zeros(11, np.float32)
    save_file(older, tmp_path / "older.safetensors")
    expected = named(full)
    expected["positions/embedding"] = expected["positions/embedding"][:4]
    report = assert_loads(bert(length=4), tmp_path / "older.safetensors", expected)
    assert report.resized == {"positions/embedding": (6, 8)}


def test_original_bert(tmp_path: Path) -> None:
    full = filled(bert())
    flat = {}
    for name, leaf in bert_file(full, "bert.").items():
        name = re.sub(r"layer\.(\d)", r"layer_\1", name).replace("LayerNorm.weight", "LayerNorm.gamma")
        name = name.replace("LayerNorm.bias", "LayerNorm.beta").replace("_embeddings.weight", "_embeddings")
        if name.endswith(".weight"):
            name, leaf = name.replace(".weight", ".kernel"), leaf.T
        if not name.endswith("position_ids"):
            flat[name.replace(".", "/")] = leaf
    assert "bert/encoder/layer_0/attention/self/query/kernel" in flat
    assert "bert/embeddings/word_embeddings" in flat
    np.savez(tmp_path / "original.npz", **flat)
    assert_loads(bert(), tmp_path / "original.npz", named(full))


def test_hugging_face_vit(tmp_path: Path) -> None:
    names = {
        "embedding": "embeddings.patch_embeddings.projection",
        "posemb": "embeddings.position_embeddings",
        "cls": "embeddings.cls_token",
        "attention_norm": "layernorm_before",
        "attention/query": "attention.attention.query",
        "attention/key": "attention.attention.key",
        "attention/value": "attention.attention.value",
        "attention/out": "attention.output.dense",
        "mlp_norm": "layernorm_after",
        "mlp/up": "intermediate.dense",
        "mlp/down": "output.dense",
        "norm": "layernorm",
        "head": "classifier",
    }
    full = filled(vit(pool="tok"))
    flat = {}
    for name, leaf in named(full).items():
        theirs, value = torch_like(name, leaf, names, "encoder.layer.{}.")
        flat[theirs if theirs.startswith("classifier") else f"vit.{theirs}"] = value
    first = np.full((1, 1, 8), 0.5, np.float32)
    flat["vit.embeddings.position_embeddings"] = np.concatenate(
        [first, flat["vit.embeddings.position_embeddings"]], axis=1
    )
    save_file(flat, tmp_path / "vit.safetensors")
    expected = named(full)
    expected["cls"] = expected["cls"] + first
    assert_loads(vit(pool="tok"), tmp_path / "vit.safetensors", expected)


def siglip_file(full: Any) -> Flat:
    block = {
        "attention_norm": "layer_norm1",
        "attention/query": "self_attn.q_proj",
        "attention/key": "self_attn.k_proj",
        "attention/value": "self_attn.v_proj",
        "attention/out": "self_attn.out_proj",
        "mlp_norm": "layer_norm2",
        "mlp/up": "mlp.fc1",
        "mlp/down": "mlp.fc2",
    }
    vision = block | {
        "embedding": "embeddings.patch_embedding",
        "posemb": "embeddings.position_embedding.weight",
        "norm": "post_layernorm",
        "map_head": "head",
        "map_head/attention/query": "q",
        "map_head/attention/key": "k",
        "map_head/attention/value": "v",
        "map_head/attention/out": "head.attention.out_proj",
        "map_head/norm": "head.layernorm",
        "map_head/mlp/up": "head.mlp.fc1",
        "map_head/mlp/down": "head.mlp.fc2",
    }
    words = block | {
        "tokens": "embeddings.token_embedding",
        "posemb": "embeddings.position_embedding.weight",
        "norm": "final_layer_norm",
        "head": "head",
    }
    flat: Flat = {}
    for prefix, tower, table in (("vision_model.", full.image, vision), ("text_model.", full.text, words)):
        for name, leaf in named(tower).items():
            theirs, value = torch_like(
                name, leaf[0] if name == "posemb" else leaf, table, "encoder.layers.{}."
            )
            if name.startswith("map_head/attention/out/kernel"):
                value = np.ascontiguousarray(leaf.reshape(8, 8).T)
            flat[prefix + theirs] = value
    for kind in ("weight", "bias"):
        parts = [flat.pop(f"vision_model.{part}.{kind}") for part in "qkv"]
        flat[f"vision_model.head.attention.in_proj_{kind}"] = np.concatenate(parts)
    flat["vision_model.embeddings.position_ids"] = np.arange(16)[None]
    flat["logit_scale"] = full.temperature[0]
    if full.bias is not None:
        flat["logit_bias"] = full.bias
    return {name: np.ascontiguousarray(leaf) for name, leaf in flat.items()}


def test_hugging_face_siglip(tmp_path: Path) -> None:
    full = filled(towers(bias=-10.0))
    save_file(siglip_file(full), tmp_path / "siglip.safetensors")
    assert_loads(towers(bias=-10.0), tmp_path / "siglip.safetensors", named(full))
    assert_loads(vit(pool="map", out_dim=None), tmp_path / "siglip.safetensors", named(full.image))
    assert_loads(text(out_dim=8), tmp_path / "siglip.safetensors", named(full.text))


def test_what_nobody_explains_is_an_error(tmp_path: Path) -> None:
    flat = published(filled(vit()))
    flat["Transformer/encoder_norm/scales"] = flat.pop("Transformer/encoder_norm/scale")
    np.savez(tmp_path / "typo.npz", **flat)
    with pytest.raises(DataError) as caught:
        load_parameters(vit(), str(tmp_path / "typo.npz"))
    assert "lacks 1 parameter of the model: `norm/scale`" in caught.value.what
    assert "`Transformer/encoder_norm/scales`" in caught.value.what
    assert "the nearest names are `Transformer/encoder_norm/scales`" in (caught.value.help or "")

    extra = published(filled(vit())) | {"heads/kernel": np.zeros(3, np.float32)}
    np.savez(tmp_path / "extra.npz", **extra)
    with pytest.raises(DataError, match="`heads/kernel`"):
        load_parameters(vit(), str(tmp_path / "extra.npz"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda flat: flat | {"head/bias": flat["head/bias"][:3]},
            r"`head/bias` has shape \[5\] in the model",
        ),
        (lambda flat: flat | {"head/bias": np.arange(5)}, "`head/bias` is float32, but int64"),
        (lambda flat: flat | {"pos_embedding": flat["pos_embedding"][..., :4]}, "cannot be brought"),
    ],
)
def test_shapes_and_dtypes_are_compared(change: Callable[[Flat], Flat], message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", **change(published(filled(vit()))))
    with pytest.raises(DataError, match=message):
        load_parameters(vit(), str(tmp_path / "other.npz"))


def test_patterns(tmp_path: Path) -> None:
    export(filled(vit()), tmp_path / "vit.npz")
    with pytest.raises(DataError, match="matches neither"):
        load_parameters(vit(), str(tmp_path / "vit.npz"), skip=["heads/.*"])
    with pytest.raises(DataError, match="no valid pattern"):
        load_parameters(vit(), str(tmp_path / "vit.npz"), skip=["(head"])


def test_stacked_layers_that_differ_in_number(tmp_path: Path) -> None:
    export(filled(vit()), tmp_path / "vit.npz", stacked=True)
    with np.load(tmp_path / "vit.npz") as archive:
        flat = dict(archive)
    name = "params/Transformer/encoderblock/LayerNorm_0/bias"
    np.savez(tmp_path / "odd.npz", **{**flat, name: flat[name][:1]})
    with pytest.raises(DataError, match="do not agree on their number"):
        load_parameters(vit(), str(tmp_path / "odd.npz"))
