"""How published files name the parameters of a decoder, and of GIVT around it."""

from __future__ import annotations

from bvc.library.checkpoints.naming import Naming, Rules, Stacking, below
from bvc.library.checkpoints.posemb import resample_grid
from bvc.library.models._vit_files import encoder

BLOCK: Rules = (
    ("self_norm", "LayerNorm1"),
    ("self_attention", "SelfAttn"),
    ("cross_norm", "LayerNorm2"),
    ("cross_attention", "CrossAttn"),
    ("mlp_norm", "LayerNorm3"),
    ("mlp/up", "MLP/Dense_0"),
    ("mlp/down", "MLP/Dense_1"),
)

BLOCKS = below(BLOCK, "blocks/{i}", "EncDecBlock{i}")

TOKEN_DECODER: Rules = (
    *((f"decoder/{own}", f"decoder/{theirs}") for own, theirs in BLOCKS),
    ("decoder/tokens", "decoder/EmbedTargets"),
    ("decoder/posemb", "pos_embedding_decoder"),
    ("decoder/norm", "decoder/LayerNorm"),
    ("decoder/head", "decoder/LogitsDense"),
)

ENCODER_RESIZES = {"pos_embedding_encoder": resample_grid}
"""A decoder's file may have been made for images of another size."""

STACKED = Stacking("decoder/EncDecBlock", axis=1, separator="")


def givt() -> Naming:
    """The whole GIVT, with its encoder."""
    return Naming(
        rules=(
            ("encoder/embedding", "EmbedPatches"),
            ("encoder/posemb", "pos_embedding_encoder"),
            *((f"encoder/{own}", theirs) for own, theirs in encoder("encoder")),
            ("label_table", "EmbedLabels"),
            ("target", "EmbedTargets"),
            ("posemb", "decoder/pos_emb"),
            *((own, f"decoder/{theirs}") for own, theirs in BLOCKS),
            ("norm", "decoder/LayerNorm"),
            ("head", "decoder/LogitsDense"),
        ),
        stacks=(STACKED, Stacking("encoder/encoderblock")),
        resizes=ENCODER_RESIZES,
    )
