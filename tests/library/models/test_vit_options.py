"""Options of papers without released code, each beside the same computation written out in numpy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest

from bvc.bind import bind
from bvc.compile import construct
from bvc.component.names import parameters
from bvc.library.checkpoints.export import export, named
from bvc.library.checkpoints.load import load_parameters
from bvc.library.layers.block import Bias
from bvc.library.models.vit import Vit
from bvc.spec import load
from tests.modules import abstract, compiled_in_a_hurry, filled
from tests.parity._model import REST

SMALL = {"width": 8, "depth": 2, "heads": 2, "mlp_dim": 12, "size": 8, "patch": 4}
Values = Mapping[str, np.ndarray]


@pytest.fixture(autouse=True)
def in_a_hurry() -> Iterator[None]:
    with compiled_in_a_hurry():
        yield


def norm(x: np.ndarray, values: Values, name: str) -> np.ndarray:
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6)
    return x * values[f"{name}/scale"] + values.get(f"{name}/bias", 0)


def linear(x: np.ndarray, values: Values, name: str, dims: int = 1) -> np.ndarray:
    return np.tensordot(x, values[f"{name}/kernel"], dims) + values.get(f"{name}/bias", 0)


def gelu(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def attention(x: np.ndarray, values: Values, name: str, *, normalized: bool) -> np.ndarray:
    query, key, value = (linear(x, values, f"{name}/{part}") for part in ("query", "key", "value"))
    if normalized:
        query, key = norm(query, values, f"{name}/query_norm"), norm(key, values, f"{name}/key_norm")
    heads = []
    for head in range(query.shape[1]):
        weights = np.exp(query[:, head] @ key[:, head].T / np.sqrt(query.shape[2]))
        heads.append(weights / weights.sum(-1, keepdims=True) @ value[:, head])
    return linear(np.stack(heads, 1), values, f"{name}/out", 2)


def mlp(x: np.ndarray, values: Values, name: str) -> np.ndarray:
    return linear(gelu(linear(x, values, f"{name}/up")), values, f"{name}/down")


def patches(image: np.ndarray, values: Values, *, normalized: bool) -> np.ndarray:
    pixels = [image[y : y + 4, x : x + 4].ravel() for y in (0, 4) for x in (0, 4)]
    flat = np.stack(pixels)
    if normalized:
        flat = norm(flat, values, "embedding/norm_in")
    tokens = flat @ values["embedding/kernel"].reshape(48, 8) + values["embedding/bias"]
    return norm(tokens, values, "embedding/norm_out") if normalized else tokens


def written_out(image: np.ndarray, values: Values, *, parallel: bool, qk: bool, dual: bool) -> np.ndarray:
    x = patches(image, values, normalized=dual) + values["posemb"][0]
    for name in ("blocks/00", "blocks/01"):
        y = norm(x, values, f"{name}/attention_norm")
        gathered = attention(y, values, f"{name}/attention", normalized=qk)
        if parallel:
            x = x + gathered + mlp(y, values, f"{name}/mlp")
        else:
            x = x + gathered
            x = x + mlp(norm(x, values, f"{name}/mlp_norm"), values, f"{name}/mlp")
    return norm(x, values, "norm").mean(0)


VIT22B = {"block": "parallel", "qk_norm": True, "bias": Bias(qkv=False, norm=False)}


@pytest.mark.parametrize(
    ("settings", "parallel", "qk", "dual"),
    [({"patch_norm": True}, False, False, True), (VIT22B, True, True, False)],
)
def test_written_out(settings: dict[str, Any], parallel: bool, qk: bool, dual: bool, tmp_path: Path) -> None:
    model = filled(abstract(Vit, **SMALL, **settings), scale=0.5)
    image = np.random.default_rng(1).normal(size=(2, 8, 8, 3)).astype(np.float32)
    found = eqx.filter_jit(lambda model, image: model(image))(model, image)["pre_logits"]
    values = named(model)
    for each, one in zip(image, found, strict=True):
        expected = written_out(each, values, parallel=parallel, qk=qk, dual=dual)
        np.testing.assert_allclose(one, expected, rtol=2e-4, atol=2e-5)
    export(model, tmp_path / "a.npz")
    loaded, _ = load_parameters(model, str(tmp_path / "a.npz"))
    assert all(np.array_equal(loaded[name], leaf) for name, leaf in values.items())


def test_which_parameters_there_are() -> None:
    model = abstract(Vit, **{**SMALL, "depth": 1}, **VIT22B)
    names = {found.name for found in parameters(model)}
    block = {name.removeprefix("blocks/00/") for name in names if name.startswith("blocks")}
    assert block == {
        "attention_norm/scale",
        *(f"attention/{part}/kernel" for part in ("query", "key", "value", "out")),
        "attention/query_norm/scale",
        "attention/key_norm/scale",
        "attention/out/bias",
        *(f"mlp/{part}/{leaf}" for part in ("up", "down") for leaf in ("kernel", "bias")),
    }
    assert "norm/scale" in names
    assert "norm/bias" not in names


def test_as_a_spec_says_it(tmp_path: Path) -> None:
    text = """[model]
type = "vit"
width = 24
depth = 3
mlp_dim = 20
heads = 4
size = 32
block = "parallel"
qk_norm = true
bias = { qkv = false }
"""
    (tmp_path / "spec.toml").write_text(text + REST)
    model: Any = construct.abstract(bind(load(str(tmp_path / "spec.toml"))).model, lambda duration: 1)
    assert model.blocks.layer.mlp.up.kernel.shape == (3, 24, 20)
    assert model.blocks.layer.attention.key_norm.scale.shape == (3, 6)
    assert model.blocks.layer.attention.key.bias is None
    assert len(jax.tree.leaves(model.blocks.layer.attention_norm)) == 2
