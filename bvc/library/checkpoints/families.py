"""Which program wrote a file, and for which model: told from the names of its arrays."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """Attributes:
    writer: whose names these are: `big_vision`, `Hugging Face`, ...
    models: components that may read them.
    stacked: repeated layers lie in one array each, as big_vision's `scan` keeps them.
    """

    writer: str
    models: tuple[str, ...]
    stacked: bool = False

    def __str__(self) -> str:
        stacked = ", layers stacked" if self.stacked else ""
        return f"{' or '.join(self.models)} in the names of {self.writer}{stacked}"


_HUGGINGFACE = "Hugging Face"
_OURS = "big_vision"

_KNOWN: tuple[tuple[tuple[str, ...], str, tuple[str, ...]], ...] = (
    (("vision_model.embeddings.", "text_model.embeddings."), _HUGGINGFACE, ("two_towers",)),
    (("vision_model.embeddings.",), _HUGGINGFACE, ("vit",)),
    (("text_model.embeddings.",), _HUGGINGFACE, ("text_transformer",)),
    (("embeddings.word_embeddings.",), _HUGGINGFACE, ("bert",)),
    (("embeddings.cls_token",), _HUGGINGFACE, ("vit",)),
    (("bert/embeddings/",), "the first release", ("bert",)),
    (("resnet/",), "the first release", ("bit_paper",)),
    (("Mixer/encoderblock_",), "the first release", ("mlp_mixer",)),
    (("img/", "txt/"), _OURS, ("two_towers",)),
    (("img/", "t"), _OURS, ("one_tower",)),
    (("MixerBlock_",), _OURS, ("mlp_mixer",)),
    (("root_block/conv_root/", "block1/unit01/"), _OURS, ("bit_paper",)),
    (("block1/unit1/",), _OURS, ("bit",)),
    (("BertEncoder_0/",), _OURS, ("bert",)),
    (("Embed_0/", "Encoder_0/"), _OURS, ("text_transformer",)),
    (("cnn_encoder/",), _OURS, ("cnn_vae",)),
    (("modules_0/Conv_0/",), _OURS, ("givt_adaptor",)),
    (("decoder/pos_emb", "decoder/EncDecBlock"), _OURS, ("givt",)),
    (("EmbedPatches/", "decoder/EncDecBlock"), _OURS, ("vtt",)),
    (("encoder/", "decoder/EncDecBlock"), _OURS, ("cappa",)),
    (("pos_embedding_encoder", "state/dictionary"), _OURS, ("vqvae",)),
    (("bottleneck_downsample", "embedding_"), _OURS, ("vqvae",)),
    (("pos_embedding_encoder", "encoder/", "decoder/"), _OURS, ("vit_vae",)),
    (("Transformer/encoderblock",), _OURS, ("vit", "flexivit")),
)
"""What all has to occur at the start of a name, or after a dot; the writer; the models. The first that fits."""


def recognize(names: Iterable[str]) -> Family | None:
    """The family of a file, or None if its names are like nothing known."""
    inside = [re.sub(r"^(params|opt/target)/", "", name) for name in names]
    for marks, writer, models in _KNOWN:
        patterns = [re.compile(rf"(^|\.){re.escape(mark)}{'$' if mark == 't' else ''}") for mark in marks]
        if all(any(pattern.search(name) for name in inside) for pattern in patterns):
            stacked = any(re.search(r"(^|/)(encoderblock|EncDecBlock)/", name) for name in inside)
            return Family(writer, models, stacked)
    return None
