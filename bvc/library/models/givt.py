"""GIVT: a transformer over sequences of real-valued codes."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from bvc.component import (
    Count,
    Depth,
    Fraction,
    Model,
    NonNegative,
    PortError,
    SettingError,
    Stack,
    component,
    gather,
    view,
)
from bvc.library.checkpoints.naming import Mark, Naming
from bvc.library.layers import posemb as positions
from bvc.library.layers.decoder import DecoderBlock, causal, check_encoder, decode
from bvc.library.layers.dense import Dense
from bvc.library.layers.dropout import Keys, fold
from bvc.library.layers.headed import Image
from bvc.library.layers.initializers import lecun_normal, zeros
from bvc.library.layers.masking import mask_rate, training_mask
from bvc.library.layers.mixture import Layout, Mixture, mixture, parameters
from bvc.library.layers.norm import LayerNorm
from bvc.library.layers.repeat import Remat
from bvc.library.layers.sizes import Size, check_size
from bvc.library.layers.tap import tap
from bvc.library.models._decoder_files import givt
from bvc.library.models._givt_beams import searched
from bvc.library.models._givt_labels import Labels, LabelTable, MaskStyle
from bvc.library.models._givt_sampling import Sampling, one_by_one, uncovered

Codes = Float[Array, "b t k"]


class GivtOutputs(TypedDict, total=False):
    """`logits` are the parameters of each code's density, `log_prob` what it gives to the sequence.

    `hidden` says which codes were hidden, in training of the masked style.
    """

    logits: Float[Array, "b t p"]
    log_prob: Float[Array, "b t k"] | Float[Array, "b t"]
    hidden: Bool[Array, "b t"]


@component("model")
class Givt(eqx.Module):
    """Generative transformer of real-valued codes (arXiv:2312.02116; big_vision `models/proj/givt/givt.py`).

    It predicts a mixture of Gaussians for each code: from those before it, or from those that are not hidden.

    Settings:
        encoder: the model that encodes a conditioning image, as wide as the decoder; nothing is read without it
        labels: classes; a single start token without it
        length: codes of a sequence
        out_dim: channels of a code
        width: channels of a token
        depth: blocks of the decoder
        heads: heads of attention
        mlp_dim: hidden units of an MLP
        dropout: probability with which activations and attention weights are dropped in training
        style: predict the next code, or the hidden ones
        mask_style: what stands for a hidden code: a token of its own, or with it also a mark at every code
        schedule: which part of the codes is hidden in training, at a random place of it: "cosine" or "pow:2.5"
        min_masking_rate: how much of 1 that schedule leaves out
        mixtures: components of a density
        density: a mixture for each channel, one of diagonal Gaussians, or one Gaussian with full covariance
        scale_tolerance: the smallest scale
        fix_square_plus: the mended formula for scales instead of the one of the published models
        drop_labels: probability with which a label is hidden in training, for guidance; at 1 it always is
        remat: what the backward pass computes again: nothing, whole blocks, or all but matrix products

    Ports:
        sequence: codes
        labels: numbers of classes
        image: pixels of the conditioning image
    """

    marks = (Mark(("EmbedLabels/", "decoder/pos_emb", "decoder/EncDecBlock", "decoder/LogitsDense/")),)

    encoder: Any
    label_table: LabelTable
    target: Dense
    posemb: Float[Array, "1 t d"]
    blocks: Stack[DecoderBlock]
    norm: LayerNorm
    head: Dense
    length: int = eqx.field(static=True)
    out_dim: int = eqx.field(static=True)
    mixtures: int = eqx.field(static=True)
    density: Layout = eqx.field(static=True)
    style: Literal["ar", "masked"] = eqx.field(static=True)
    schedule: str = eqx.field(static=True)
    min_masking_rate: float = eqx.field(static=True)
    scale_tolerance: float = eqx.field(static=True)
    fix_square_plus: bool = eqx.field(static=True)
    drop_labels: float = eqx.field(static=True)
    remat: Remat = eqx.field(static=True)

    def __init__(
        self,
        *,
        encoder: Model | None = None,
        labels: Count | None = None,
        length: Count = 256,
        out_dim: Count = 32,
        width: Count = 512,
        depth: Depth = 6,
        heads: Count = 8,
        mlp_dim: Count = 2048,
        dropout: Fraction = 0.0,
        style: Literal["ar", "masked"] = "ar",
        mask_style: MaskStyle = "replace",
        schedule: str = "cosine",
        min_masking_rate: Fraction = 0.3,
        mixtures: Count = 4,
        density: Layout = "channel",
        scale_tolerance: NonNegative = 1e-6,
        fix_square_plus: bool = False,
        drop_labels: Fraction = 0.0,
        remat: Remat = "none",
        key: Key[Array, ""],
    ) -> None:
        check_size(Size(width, depth, mlp_dim, heads))
        if encoder is not None:
            check_encoder(encoder, width)
        if density == "full" and mixtures != 1:
            raise SettingError("mixtures", f"is {mixtures}: full covariance goes with a single component")
        if mask_style == "concat" and width % 2:
            raise SettingError("width", f"is {width}: an even number is needed, for two halves")
        mask_rate(jnp.zeros(()), schedule)
        source = None if encoder is None else width
        keys = jax.random.split(key, 4)
        self.encoder = encoder
        marks = None if style == "ar" else mask_style
        self.label_table = LabelTable(width, labels, marks=marks, drop=drop_labels, key=keys[0])
        self.target = Dense(lecun_normal(keys[1], (out_dim, width), fan_in=out_dim), zeros((width,)))
        self.posemb = positions.learned(length + (style == "masked"), width, key=keys[2])
        self.blocks = Stack.build(
            lambda k: DecoderBlock(
                width, heads, mlp_dim, source=source, drop=dropout, norm_bias=False, key=k
            ),
            depth,
            keys[3],
        )
        self.norm = LayerNorm(width)
        out = parameters(out_dim, mixtures, density)
        self.head = Dense(zeros((width, out)), zeros((out,)))
        self.length = length
        self.out_dim = out_dim
        self.mixtures = mixtures
        self.density = density
        self.style = style
        self.schedule = schedule
        self.min_masking_rate = min_masking_rate
        self.scale_tolerance = scale_tolerance
        self.fix_square_plus = fix_square_plus
        self.drop_labels = drop_labels
        self.remat = remat

    def __call__(
        self, sequence: Codes, labels: Labels | None = None, image: Image | None = None, *, keys: Keys = None
    ) -> GivtOutputs:
        """The density of each code; in training, codes and labels are hidden at random."""
        encoded = self.encoded(image, fold(keys, 0))
        hidden, dropped = None, None
        masks, drops = fold(keys, 1), fold(keys, 2)
        if masks is not None and self.style == "masked":
            hidden = training_mask(masks, self.length, self.min_masking_rate, self.schedule)
        if drops is not None and self.drop_labels > 0:
            dropped = jax.vmap(jax.random.uniform)(drops) <= self.drop_labels
        logits = self.predict(sequence, labels, encoded, hidden=hidden, dropped=dropped, keys=fold(keys, 3))
        outputs: GivtOutputs = {"logits": logits, "log_prob": self.density_of(logits).log_prob(sequence)}
        if hidden is not None:
            outputs["hidden"] = hidden
        return outputs

    @view
    def generate(
        self,
        labels: Labels,
        image: Image | None = None,
        *,
        temperature: NonNegative = 1.0,
        temperature_probs: NonNegative = 1.0,
        guidance: NonNegative = 0.0,
        steps: Count = 16,
        schedule: str = "cosine",
        choice_temperature: NonNegative = 1.0,
        beams: Count = 1,
        fan: Count = 1,
        beam_temperature: NonNegative = 0.0,
        keys: Key[Array, "b"],
    ) -> Codes:
        """A sequence for each label: code after code, or the masked style's most confident ones first.

        Settings:
            temperature: factor on the scales
            temperature_probs: factor on the logits of the components
            guidance: weight of classifier-free guidance
            steps: steps of the masked style
            schedule: which part is hidden after each of them: "cosine" or "pow:2.5"
            choice_temperature: weight of noise in the choice of what is uncovered; it falls to 0
            beams: sequences that go on side by side, code after code
            fan: codes that each of them draws
            beam_temperature: with it those that go on are drawn, at this temperature, instead of the likeliest
        """
        searching = beams > 1 or fan > 1
        if searching and (self.style != "ar" or guidance > 0):
            other = "guidance" if guidance > 0 else 'style = "masked"'
            raise SettingError("beams" if beams > 1 else "fan", f"cannot go with {other}")
        if guidance > 0 and not self.drop_labels:
            raise PortError(
                "labels", "were never hidden in training, as guidance needs", help="set `drop_labels`"
            )
        wanted = Sampling(
            temperature,
            temperature_probs,
            guidance,
            steps,
            schedule,
            choice_temperature,
            beams,
            fan,
            beam_temperature,
        )
        run = searched if searching else one_by_one if self.style == "ar" else uncovered
        return run(self, labels, self.encoded(image, None), wanted, keys)

    def encoded(self, image: Image | None, keys: Keys) -> Float[Array, "b s e"] | None:
        """What the decoder reads of the conditioning image."""
        if (image is None) != (self.encoder is None):
            raise PortError("image", "is given exactly if the model has an encoder")
        return None if self.encoder is None else self.encoder.encode(image, keys=keys)

    def density_of(self, logits: Float[Array, "b t p"], scales: float = 1.0, probs: float = 1.0) -> Mixture:
        """The density that the decoder's outputs stand for."""
        return mixture(
            logits,
            self.out_dim,
            self.mixtures,
            self.density,
            tolerance=self.scale_tolerance,
            fix_square_plus=self.fix_square_plus,
            temperature_scales=scales,
            temperature_probs=probs,
        )

    def predict(
        self,
        sequence: Codes,
        labels: Labels | None,
        encoded: Float[Array, "b s e"] | None,
        *,
        hidden: Bool[Array, "b t"] | None = None,
        dropped: Bool[Array, "b"] | None = None,
        keys: Keys = None,
    ) -> Float[Array, "b t p"]:
        """The decoder's outputs for a whole sequence, of which `hidden` codes are not seen."""
        batch, length = sequence.shape[:2]
        table = gather(self.label_table)
        first = table.first(labels, batch, dropped)
        x = gather(self.target)(sequence)
        if self.style == "ar":
            x = jnp.concatenate([first, x[:, :-1]], axis=1)
            y = self._decode(x, encoded, causal(length), keys)
        else:
            x = table.hide(x, jnp.zeros((batch, length), bool) if hidden is None else hidden)
            y = self._decode(jnp.concatenate([first, x], axis=1), encoded, None, keys)[:, 1:]
        tap("decoded", y)
        return gather(self.head)(y)

    @property
    def classes(self) -> int | None:
        """How many there are; None if all sequences start alike."""
        return self.label_table.classes

    def naming(self) -> Naming:
        """Names in published files; the encoder's are those of a ViT."""
        return givt()

    def _decode(
        self, x: Float[Array, "b t d"], encoded: Array | None, mask: Array | None, keys: Keys
    ) -> Float[Array, "b t d"]:
        x = x + gather(self.posemb)[:, : x.shape[1]]
        return gather(self.norm)(decode(self.blocks, x, encoded, mask=mask, keys=keys, remat=self.remat))
