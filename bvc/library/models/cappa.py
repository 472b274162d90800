"""CapPa: an image encoder trained by captioning, one token after another or all at once."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from bvc.component import Count, Depth, Fraction, Model, component, view
from bvc.library.checkpoints.naming import Mark, Naming
from bvc.library.layers.captioner import Captioner
from bvc.library.layers.decoder import TokenDecoder, causal, check_encoder, shift_right
from bvc.library.layers.dropout import Keys, fold
from bvc.library.layers.headed import Image, Text
from bvc.library.layers.repeat import Remat
from bvc.library.layers.sizes import Size
from bvc.library.layers.tap import scope, tap
from bvc.library.losses.cross_entropy import token_xent
from bvc.library.models._decoder_files import STACKED, TOKEN_DECODER


class CappaOutputs(TypedDict):
    """Logits of each token of the caption."""

    logits: Float[Array, "b t v"]


@component("model")
class Cappa(Captioner):
    """Captioner (arXiv:2306.07915; big_vision `models/proj/cappa/cappa.py`).

    In training, some captions are predicted in parallel: they are replaced by mask tokens, and every position
    attends to every other.

    Settings:
        encoder: the model that encodes images: a ViT
        vocab: entries of the vocabulary
        length: tokens of a caption
        width: channels of a token
        depth: blocks of the decoder
        heads: heads of attention
        mlp_dim: hidden units of an MLP
        posemb: a learned table, or fixed waves
        bias: whether norms and MLPs of the decoder's blocks have biases
        dropout: probability with which activations and attention weights are dropped in training
        masked_pred_prob: probability with which a caption is predicted in parallel
        masking_ratio: part of such a caption's tokens that is replaced
        remat: what the backward pass computes again: nothing, whole blocks, or all but matrix products

    Ports:
        image: pixels
        text: the caption's tokens
    """

    marks = (Mark(("encoder/", "decoder/EncDecBlock")),)

    encoder: Any
    decoder: TokenDecoder
    vocab: int = eqx.field(static=True)
    masked_pred_prob: float = eqx.field(static=True)
    masking_ratio: float = eqx.field(static=True)

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
        posemb: Literal["learn", "sincos2d"] = "learn",
        bias: bool = True,
        dropout: Fraction = 0.0,
        masked_pred_prob: Fraction = 0.0,
        masking_ratio: Fraction = 0.0,
        remat: Remat = "none",
        key: Key[Array, ""],
    ) -> None:
        check_encoder(encoder)
        self.encoder = encoder
        self.decoder = TokenDecoder(
            Size(width, depth, mlp_dim, heads),
            source=encoder.width,
            vocab=vocab,
            length=length,
            learned=posemb == "learn",
            drop=dropout,
            extra=1 if masked_pred_prob > 0 else 0,
            bias=bias,
            remat=remat,
            key=key,
        )
        self.vocab = vocab
        self.masked_pred_prob = masked_pred_prob
        self.masking_ratio = masking_ratio

    def __call__(self, image: Image, text: Text, *, keys: Keys = None) -> CappaOutputs:
        """Logits of the whole caption at once."""
        with scope("enc_out"):
            encoded = self.encoder.encode(image, keys=fold(keys, 0))
        tap("encoded", encoded)
        tokens, mask = self._visible(text, fold(keys, 1))
        tap("decoder_input_tokens", tokens)
        tap("decoder_mask", mask)
        return {"logits": self.decoder(tokens, encoded, mask=mask, keys=fold(keys, 2))}

    @view
    def pre_logits(self, image: Image) -> Float[Array, "b d"]:
        """What represents the image: the encoder's pooled tokens."""
        return self.encoder.pre_logits(image)

    @view
    def score(self, image: Image, prompts: Int[Array, "b n t"]) -> Float[Array, "b n"]:
        """The log-likelihood of each of several captions of an image, one after another; padding (0) does not count."""
        encoded = self.encoder.encode(image)
        mask = causal(prompts.shape[2])

        def likelihood(tokens: Int[Array, "b t"]) -> Float[Array, "b"]:
            logits = self.decoder(shift_right(tokens), encoded, mask=mask)
            return -token_xent(logits, tokens, (tokens > 0).astype(jnp.float32), normalize=False)

        return jnp.moveaxis(jax.lax.map(likelihood, jnp.moveaxis(prompts, 1, 0)), 0, 1)

    def naming(self) -> Naming:
        """Names in published files."""
        return Naming.joined(TOKEN_DECODER, stacks=(STACKED,), encoder=("encoder", self.encoder.naming()))

    def _visible(self, text: Text, keys: Keys) -> tuple[Int[Array, "b t"], Bool[Array, "b 1 t t"]]:
        """What the decoder reads of the caption, and which positions attend to which."""
        length = text.shape[1]
        before = jnp.broadcast_to(causal(length), (text.shape[0], 1, length, length))
        if keys is None or self.masked_pred_prob == 0:
            return shift_right(text), before
        count = int(self.masking_ratio * length)

        def draw(key: Key[Array, ""]) -> tuple[Bool[Array, ""], Bool[Array, "t"]]:
            which, where = jax.random.split(key)
            parallel = jax.random.uniform(which) < self.masked_pred_prob
            return parallel, jax.random.permutation(where, jnp.arange(length) < count)

        parallel, hidden = jax.vmap(draw)(keys)
        masked = jnp.where(hidden, self.vocab, text)
        tokens = jnp.where(parallel[:, None], masked, shift_right(text))
        return tokens, before | parallel[:, None, None, None]
