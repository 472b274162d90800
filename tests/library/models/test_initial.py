"""Parameters start from big_vision's distributions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest
from scipy import stats

from bvc.library.checkpoints.export import named
from bvc.library.models.bert import Bert
from bvc.library.models.text_transformer import TextTransformer
from bvc.library.models.vit import Vit

SMALL = {"width": 48, "depth": 2, "heads": 4, "mlp_dim": 96}


def uniform(fan_in: int, fan_out: int) -> Any:
    bound = math.sqrt(6 / (fan_in + fan_out))
    return stats.uniform(-bound, 2 * bound)


def lecun(fan_in: int) -> Any:
    deviation = math.sqrt(1 / fan_in) / stats.truncnorm(-2, 2).std()
    return stats.truncnorm(-2, 2, scale=deviation)


BERT = stats.truncnorm(-2, 2, scale=0.02)

EXPECTED: dict[str, dict[str, Any]] = {
    "vit": {
        "embedding/kernel": lecun(4 * 4 * 3),
        "posemb": stats.norm(scale=1 / math.sqrt(48)),
        "blocks/00/attention/query/kernel": uniform(48, 48),
        "blocks/01/attention/key/kernel": uniform(48, 48),
        "blocks/01/attention/value/kernel": uniform(48, 48),
        "blocks/00/attention/out/kernel": uniform(48, 48),
        "blocks/00/mlp/up/kernel": uniform(48, 96),
        "blocks/01/mlp/down/kernel": uniform(96, 48),
        "blocks/00/mlp/up/bias": stats.norm(scale=1e-6),
        "blocks/01/mlp/down/bias": stats.norm(scale=1e-6),
        "map_head/probe": uniform(1, 48),
        "map_head/attention/out/kernel": uniform(48, 48),
        "map_head/mlp/down/kernel": uniform(96, 48),
        "representation/kernel": lecun(48),
        "head/kernel": lecun(40),
    },
    "text": {
        "tokens/embedding": stats.norm(scale=1 / math.sqrt(48)),
        "posemb": stats.norm(scale=1 / math.sqrt(48)),
        "head/kernel": lecun(48),
    },
    "bert": {
        "tokens/embedding": BERT,
        "positions/embedding": BERT,
        "segments/embedding": BERT,
        "blocks/00/attention/query/kernel": BERT,
        "blocks/01/up/kernel": BERT,
        "blocks/01/down/kernel": BERT,
        "head/kernel": lecun(48),
    },
}


@pytest.fixture(scope="module")
def initial() -> dict[str, dict[str, np.ndarray]]:
    def build(key: Any) -> dict[str, Any]:
        vit_key, text_key, bert_key = jax.random.split(key, 3)
        vit = {"size": 16, "patch": 4, "pool": "map", "rep_size": 40, "out_dim": 30}
        text = {"vocab": 50, "length": 20, "out_dim": 30}
        return {
            "vit": Vit(**SMALL, **vit, head_zeroinit=False, head_bias=-6.9, key=vit_key),
            "text": TextTransformer(**SMALL, **text, key=text_key),
            "bert": Bert(**SMALL, **text, head_zeroinit=False, key=bert_key),
        }

    models = eqx.filter_jit(build)(jax.random.key(0))
    return {family: named(model) for family, model in models.items()}


@pytest.mark.parametrize("family", EXPECTED)
def test_distributions(family: str, initial: dict[str, dict[str, np.ndarray]]) -> None:
    for name, expected in EXPECTED[family].items():
        found = stats.kstest(initial[family][name].ravel(), expected.cdf)
        assert found.pvalue > 1e-4, name


def test_layers_and_parameters_are_independent(initial: dict[str, dict[str, np.ndarray]]) -> None:
    values = initial["vit"]
    kernels = [
        values[f"blocks/{layer:02d}/attention/{part}/kernel"].ravel()
        for layer in range(2)
        for part in ("query", "key")
    ]
    assert np.abs(np.corrcoef(kernels) - np.eye(4)).max() < 0.1


def test_what_starts_constant(initial: dict[str, dict[str, np.ndarray]]) -> None:
    constants: dict[str, Callable[[str], bool]] = {
        "scale": lambda name: name.endswith("scale"),
        "attention biases": lambda name: "attention/" in name and name.endswith("bias"),
    }
    for family, values in initial.items():
        for name, leaf in values.items():
            if constants["scale"](name):
                assert (leaf == 1).all(), (family, name)
            elif constants["attention biases"](name):
                assert (leaf == 0).all(), (family, name)
    assert (initial["vit"]["head/bias"] == np.float32(-6.9)).all()
    assert (initial["vit"]["embedding/bias"] == 0).all()
    assert (initial["text"]["head/bias"] == 0).all()
