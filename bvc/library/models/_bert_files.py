"""How published files name the parameters of BERT: big_vision, Hugging Face, and the original TensorFlow release."""

from __future__ import annotations

import re

import numpy as np
from jaxtyping import Float

from bvc.component import DataError
from bvc.library.checkpoints.naming import (
    FIRST_RELEASE,
    HUGGING_FACE,
    Flat,
    Foreign,
    Mark,
    Naming,
    Rules,
    Shapes,
    below,
)

_BLOCK: Rules = (
    ("attention/out", "attention_block/dense_layer"),
    ("attention", "attention_block/attention_layer"),
    ("attention_norm", "attention_block/layer_norm"),
    ("up", "mlp_block/mlp/dense_layer"),
    ("down", "mlp_block/dense_layer"),
    ("mlp_norm", "mlp_block/layer_norm"),
)

_ENCODER = "BertEncoder_0/encoder_block/layer_sequence/layers_{i}"

_RULES: Rules = (
    ("tokens", "BertEncoder_0/embedder/embedders_token_ids"),
    ("positions", "BertEncoder_0/embedder/embedders_position_ids"),
    ("segments", "BertEncoder_0/embedder/embedders_segment_ids"),
    ("norm", "BertEncoder_0/layer_norm"),
    *below(_BLOCK, "blocks/{i}", _ENCODER),
    ("head", "head"),
)

_THEIR_BLOCK: Rules = (
    ("attention/query", "attention.self.query"),
    ("attention/key", "attention.self.key"),
    ("attention/value", "attention.self.value"),
    ("attention/out", "attention.output.dense"),
    ("attention_norm", "attention.output.LayerNorm"),
    ("up", "intermediate.dense"),
    ("down", "output.dense"),
    ("mlp_norm", "output.LayerNorm"),
)

_HUGGINGFACE: Rules = (
    ("tokens", "embeddings.word_embeddings"),
    ("positions", "embeddings.position_embeddings"),
    ("segments", "embeddings.token_type_embeddings"),
    ("norm", "embeddings.LayerNorm"),
    *below(_THEIR_BLOCK, "blocks/{i}", "encoder.layer.{i}"),
)

_PRETRAINING = (r"pooler\..*", r"cls\..*", r".*\.position_ids")
_TRAINER = (r".*\.adam_[mv]", r"global_step")
"""What the trainer of the original release keeps beside parameters."""


MARKS = (
    Mark(("BertEncoder_0/",)),
    Mark(("embeddings.word_embeddings.",), HUGGING_FACE),
    Mark(("bert/embeddings/",), FIRST_RELEASE),
)


def naming() -> Naming:
    """The whole BERT."""
    return Naming(
        rules=_RULES,
        repairs=(_without_pretraining,),
        resizes={"BertEncoder_0/embedder/embedders_position_ids/embedding": _cut_positions},
        foreign=(
            Foreign(
                rules=_HUGGINGFACE,
                mark="embeddings.word_embeddings",
                repairs=(_plain,),
                besides=_PRETRAINING,
            ),
            Foreign(
                rules=_HUGGINGFACE,
                mark="embeddings/word_embeddings",
                repairs=(_from_tensorflow, _plain),
                besides=(*_PRETRAINING, *_TRAINER),
            ),
        ),
    )


def _without_pretraining(flat: Flat, wanted: Shapes) -> Flat:
    """Drop the pooler, which big_vision never reads."""
    del wanted
    return {name: leaf for name, leaf in flat.items() if not name.startswith("pooler/")}


def _plain(flat: Flat, wanted: Shapes) -> Flat:
    """Drop the prefix of models with a head, and call norms as newer files do."""
    del wanted
    older = {"gamma": "weight", "beta": "bias"}
    return {
        re.sub(
            r"(?<=LayerNorm\.)(gamma|beta)$", lambda found: older[found[0]], name.removeprefix("bert.")
        ): leaf
        for name, leaf in flat.items()
    }


def _from_tensorflow(flat: Flat, wanted: Shapes) -> Flat:
    """Names of the original release: `bert/encoder/layer_0/attention/self/query/kernel`, inputs first."""
    del wanted
    found: Flat = {}
    for name, leaf in flat.items():
        dotted = re.sub(r"layer_(\d+)", r"layer.\1", name).replace("/", ".")
        if dotted.endswith(".kernel"):
            dotted, leaf = dotted.removesuffix("kernel") + "weight", leaf.T
        elif dotted.endswith("_embeddings"):
            dotted = f"{dotted}.weight"
        found[dotted] = leaf
    return found


def _cut_positions(table: Float[np.ndarray, "..."], shape: tuple[int, ...]) -> Float[np.ndarray, "t d"]:
    if table.ndim != 2 or table.shape[1] != shape[1] or table.shape[0] < shape[0]:
        raise DataError(f"a position table of shape {table.shape} cannot be cut to {shape}")
    return table[: shape[0]]
