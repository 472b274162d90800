"""How published files name the parameters of a decoder."""

from __future__ import annotations

from bvc.library.checkpoints.naming import Rules, Stacking, below

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

STACKED = Stacking("decoder/EncDecBlock", axis=1, separator="")
