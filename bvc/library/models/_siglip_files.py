"""How Hugging Face's SigLIP names the parameters of its towers."""

from __future__ import annotations

import numpy as np

from bvc.library.checkpoints.naming import Flat, Rules, Shapes, below

_BLOCK: Rules = (
    ("attention_norm", "layer_norm1"),
    ("attention/query", "self_attn.q_proj"),
    ("attention/key", "self_attn.k_proj"),
    ("attention/value", "self_attn.v_proj"),
    ("attention/out", "self_attn.out_proj"),
    ("mlp_norm", "layer_norm2"),
    ("mlp/up", "mlp.fc1"),
    ("mlp/down", "mlp.fc2"),
)

VISION: Rules = (
    ("embedding", "vision_model.embeddings.patch_embedding"),
    ("posemb", "vision_model.embeddings.position_embedding.weight"),
    *below(_BLOCK, "blocks/{i}", "vision_model.encoder.layers.{i}"),
    ("norm", "vision_model.post_layernorm"),
    ("map_head/probe", "vision_model.head.probe"),
    ("map_head/attention/query", "vision_model.head.attention.q_proj"),
    ("map_head/attention/key", "vision_model.head.attention.k_proj"),
    ("map_head/attention/value", "vision_model.head.attention.v_proj"),
    ("map_head/attention/out", "vision_model.head.attention.out_proj"),
    ("map_head/norm", "vision_model.head.layernorm"),
    ("map_head/mlp/up", "vision_model.head.mlp.fc1"),
    ("map_head/mlp/down", "vision_model.head.mlp.fc2"),
)

TEXT: Rules = (
    ("tokens", "text_model.embeddings.token_embedding"),
    ("posemb", "text_model.embeddings.position_embedding.weight"),
    *below(_BLOCK, "blocks/{i}", "text_model.encoder.layers.{i}"),
    ("norm", "text_model.final_layer_norm"),
    ("head", "text_model.head"),
)

BUFFERS = (r".*\.position_ids",)

_FUSED = "vision_model.head.attention.in_proj_"


def split_projection(flat: Flat, wanted: Shapes) -> Flat:
    """Split the pooling head's query, key and value, which PyTorch's attention keeps in one matrix."""
    del wanted
    found = {name: leaf for name, leaf in flat.items() if not name.startswith(_FUSED)}
    for leaf in ("weight", "bias"):
        fused = flat.get(f"{_FUSED}{leaf}")
        if fused is not None and len(fused) % 3 == 0:
            for part, value in zip("qkv", np.split(fused, 3), strict=True):
                found[f"vision_model.head.attention.{part}_proj.{leaf}"] = value
    return found
