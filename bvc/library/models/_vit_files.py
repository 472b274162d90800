"""How published files name the parameters of a ViT and of its parts."""

from __future__ import annotations

from bvc.library.checkpoints.naming import Naming, Rules, Stacking, below
from bvc.library.checkpoints.posemb import resample_grid
from bvc.library.checkpoints.repairs import inline_map_head, moved, renumber, split_cls_posemb

BLOCK: Rules = (
    ("attention_norm", "LayerNorm_0"),
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


def naming() -> Naming:
    """The whole ViT."""
    return Naming(
        rules=(
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
        resizes={"pos_embedding": resample_grid},
    )
