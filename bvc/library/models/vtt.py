"""UViM's second stage: an image to a sequence of codes."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from jaxtyping import Array, Float, Key

from bvc.component import Count, Depth, Fraction, Model, component
from bvc.library.checkpoints.naming import Mark, Naming
from bvc.library.checkpoints.repairs import renumber
from bvc.library.layers.captioner import Captioner
from bvc.library.layers.decoder import TokenDecoder, check_encoder, shift_right
from bvc.library.layers.dropout import Keys, fold
from bvc.library.layers.headed import Image, Text
from bvc.library.layers.repeat import Remat
from bvc.library.layers.sizes import Size
from bvc.library.models._decoder_files import ENCODER_RESIZES, STACKED, TOKEN_DECODER
from bvc.library.models._vit_files import encoder


class VttOutputs(TypedDict):
    """Logits of each code, given those before it."""

    logits: Float[Array, "b t v"]


@component("model")
class Vtt(Captioner):
    """Encoder and decoder that predict codes from an image (UViM, arXiv:2205.10337; big_vision `uvim/vtt.py`).

    Settings:
        encoder: the model that encodes images: a ViT with `pool = "none"` as wide as the decoder
        vocab: number of codes, with 0 for the start and 1 for the end
        length: codes of an image
        width: channels of a token
        depth: blocks of the decoder
        heads: heads of attention
        mlp_dim: hidden units of an MLP
        posemb: a learned table, or fixed waves
        dropout: probability with which activations and attention weights are dropped in training
        zero_decoder_seq: hide the codes before from the decoder, which then predicts each one from the image
        remat: what the backward pass computes again: nothing, whole blocks, or all but matrix products

    Ports:
        image: pixels
        text: the codes
    """

    marks = (Mark(("EmbedPatches/", "encoder/", "decoder/EncDecBlock")),)

    encoder: Any
    decoder: TokenDecoder

    def __init__(
        self,
        *,
        encoder: Model,
        vocab: Count = 32_000,
        length: Count = 256,
        width: Count = 512,
        depth: Depth = 6,
        heads: Count = 8,
        mlp_dim: Count = 2048,
        posemb: Literal["learn", "sincos2d"] = "sincos2d",
        dropout: Fraction = 0.0,
        zero_decoder_seq: bool = False,
        remat: Remat = "none",
        key: Key[Array, ""],
    ) -> None:
        check_encoder(encoder, width)
        self.encoder = encoder
        self.decoder = TokenDecoder(
            Size(width, depth, mlp_dim, heads),
            source=width,
            vocab=vocab,
            length=length,
            learned=posemb == "learn",
            drop=dropout,
            input_drop=dropout,
            blind=zero_decoder_seq,
            remat=remat,
            key=key,
        )

    def __call__(self, image: Image, text: Text, *, keys: Keys = None) -> VttOutputs:
        """Logits of the whole sequence at once."""
        encoded = self.encoder.encode(image, keys=fold(keys, 0))
        return {"logits": self.decoder(shift_right(text), encoded, keys=fold(keys, 1))}

    def naming(self) -> Naming:
        """Names in published files."""
        return Naming(
            rules=(
                ("encoder/embedding", "EmbedPatches"),
                ("encoder/posemb", "pos_embedding_encoder"),
                *((f"encoder/{own}", theirs) for own, theirs in encoder("encoder")),
                *TOKEN_DECODER,
            ),
            stacks=(STACKED,),
            repairs=(renumber,),
            resizes=ENCODER_RESIZES,
        )
