"""How published files name the parameters of a ViT and of its parts."""

from __future__ import annotations

from collections.abc import Mapping

from bvc.library.checkpoints.naming import (
    HUGGING_FACE,
    Flat,
    Foreign,
    Mark,
    Naming,
    Resize,
    Rules,
    Shapes,
    Stacking,
    below,
)
from bvc.library.checkpoints.posemb import resample_grid
from bvc.library.checkpoints.repairs import inline_map_head, moved, renumber, split_cls_posemb
from bvc.library.models._siglip_files import BUFFERS, VISION, split_projection

BLOCK: Rules = (
    ("attention_norm", "LayerNorm_0"),
    ("attention/query_norm", "MultiHeadDotProductAttention_0/query_ln"),
    ("attention/key_norm", "MultiHeadDotProductAttention_0/key_ln"),
    ("attention", "MultiHeadDotProductAttention_0"),
    ("mlp_norm", "LayerNorm_1"),
    ("mlp/up", "MlpBlock_0/Dense_0"),
    ("mlp/down", "MlpBlock_0/Dense_1"),
)

MAP_HEAD: Rules = (
    ("probe", "probe"),
    ("attention", "MultiHeadDotProductAttention_0"),
    ("norm", "LayerNorm_0"),
    ("mlp/up", "MlpBlock_0/Dense_0"),
    ("mlp/down", "MlpBlock_0/Dense_1"),
)


def encoder(name: str) -> Rules:
    """A stack of blocks and the norm after it, which big_vision keeps in one module `name`."""
    return (*below(BLOCK, "blocks/{i}", f"{name}/encoderblock_{{i}}"), ("norm", f"{name}/encoder_norm"))


_THEIR_BLOCK: Rules = (
    ("attention_norm", "layernorm_before"),
    ("attention/query", "attention.attention.query"),
    ("attention/key", "attention.attention.key"),
    ("attention/value", "attention.attention.value"),
    ("attention/out", "attention.output.dense"),
    ("mlp_norm", "layernorm_after"),
    ("mlp/up", "intermediate.dense"),
    ("mlp/down", "output.dense"),
)

_HUGGINGFACE: Rules = (
    ("embedding", "embeddings.patch_embeddings.projection"),
    ("posemb", "embeddings.position_embeddings"),
    ("cls", "embeddings.cls_token"),
    *below(_THEIR_BLOCK, "blocks/{i}", "encoder.layer.{i}"),
    ("norm", "layernorm"),
    ("representation", "pooler.dense"),
    ("head", "classifier"),
)


def _plain(flat: Flat, wanted: Shapes) -> Flat:
    """Drop the prefix of models with a head."""
    del wanted
    return {name.removeprefix("vit."): leaf for name, leaf in flat.items()}


MARKS = (Mark(("Transformer/encoderblock",)),)
FOREIGN_MARKS = (
    Mark(("vision_model.embeddings.",), HUGGING_FACE),
    Mark(("embeddings.cls_token",), HUGGING_FACE),
)


def naming(resizes: Mapping[str, Resize] | None = None) -> Naming:
    """The whole ViT; `resizes` are further parameters that files may hold in another size."""
    return Naming(
        rules=(
            ("embedding/norm_in", "patchln_pre"),
            ("embedding/norm_out", "patchln_post"),
            ("embedding", "embedding"),
            ("posemb", "pos_embedding"),
            ("cls", "cls"),
            *encoder("Transformer"),
            *below(MAP_HEAD, "map_head", "MAPHead_0"),
            ("representation", "pre_logits"),
            ("head", "head"),
        ),
        stacks=(Stacking("Transformer/encoderblock"),),
        repairs=(
            renumber,
            moved(
                {
                    "Transformer/posembed_input/pos_embedding": "pos_embedding",
                    "Transformer/pos_embedding": "pos_embedding",
                }
            ),
            split_cls_posemb,
            inline_map_head,
        ),
        resizes={"pos_embedding": resample_grid, **(resizes or {})},
        foreign=(
            Foreign(
                rules=VISION,
                mark="vision_model.embeddings",
                repairs=(split_projection,),
                besides=(*BUFFERS, r"text_model\..*", r"logit_(scale|bias)"),
            ),
            Foreign(rules=_HUGGINGFACE, mark="embeddings.cls_token", repairs=(_plain,)),
        ),
    )
