"""MLP-Mixer."""

from __future__ import annotations

from typing import Literal, TypedDict

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from bvc.component import Count, Depth, Fraction, PortError, SettingError, Stack, component, gather
from bvc.library.checkpoints.naming import FIRST_RELEASE, Flat, Mark, Naming, Shapes
from bvc.library.checkpoints.repairs import renumber
from bvc.library.layers.dense import Dense
from bvc.library.layers.dropout import Keys, fold
from bvc.library.layers.headed import HeadedImageModel, Image, make_head
from bvc.library.layers.initializers import RandomKey
from bvc.library.layers.mlp import Mlp
from bvc.library.layers.norm import LayerNorm
from bvc.library.layers.patch import PatchEmbedding, grid_of, pair
from bvc.library.layers.repeat import Remat, repeat
from bvc.library.layers.tap import tap

# width, depth, hidden units of the MLP over tokens, of the MLP over channels
_VARIANTS = {
    "S": (512, 8, 256, 2048),
    "B": (768, 12, 384, 3072),
    "L": (1024, 24, 512, 4096),
    "H": (1280, 32, 640, 5120),
}


class MixerOutputs(TypedDict, total=False):
    """`logits` only with a head."""

    logits: Float[Array, "b c"]
    pre_logits: Float[Array, "b d"]


class MixerBlock(eqx.Module):
    """An MLP across tokens, then one across channels, each added to what it read."""

    token_norm: LayerNorm
    token_mlp: Mlp
    channel_norm: LayerNorm
    channel_mlp: Mlp

    def __init__(self, tokens: int, width: int, token_dim: int, channel_dim: int, *, key: RandomKey) -> None:
        token_key, channel_key = jax.random.split(key)
        self.token_norm = LayerNorm(width)
        self.token_mlp = Mlp(tokens, token_dim, lecun=True, key=token_key)
        self.channel_norm = LayerNorm(width)
        self.channel_mlp = Mlp(width, channel_dim, lecun=True, key=channel_key)

    def __call__(self, x: Float[Array, "b t d"], *, keep: Float[Array, "b 2"]) -> Float[Array, "b t d"]:
        """One block; `keep` is 1 or 0 for each of an example's two branches."""
        y = self.token_mlp(self.token_norm(x).swapaxes(1, 2)).swapaxes(1, 2)
        x = x + y * keep[:, 0, None, None]
        y = self.channel_mlp(self.channel_norm(x))
        x = x + y * keep[:, 1, None, None]
        tap("", x)
        return x


@component("model")
class MlpMixer(HeadedImageModel):
    """MLP-Mixer (arXiv:2105.01601; big_vision `models/mlp_mixer.py`).

    Settings:
        variant: a published size and patch, "B/16"; settings below override it
        width: channels of a token
        depth: number of blocks
        tokens_mlp_dim: hidden units of the MLP across tokens
        channels_mlp_dim: hidden units of the MLP across channels
        patch: side of a patch in pixels, or height and width; 16 without a variant
        size: side of the image in pixels, or height and width
        remainder: what becomes of a size that is no multiple of the patch: an error, or zeros around the image
        out_dim: outputs of the head, which starts at zero; no head without it
        head_bias: value at which the head's bias starts
        stoch_depth: probability with which the last block's branches are dropped in training; it rises linearly
            from 0 at the first block, and what is kept is not scaled up
        remat: what the backward pass computes again: nothing, whole blocks, or all but matrix products

    Ports:
        image: pixels
    """

    marks = (Mark(("MixerBlock_",)), Mark(("Mixer/encoderblock_",), FIRST_RELEASE))

    embedding: PatchEmbedding
    blocks: Stack[MixerBlock]
    norm: LayerNorm
    head: Dense | None
    size: tuple[int, int] = eqx.field(static=True)
    stoch_depth: float = eqx.field(static=True)
    remat: Remat = eqx.field(static=True)

    def __init__(
        self,
        *,
        variant: str | None = None,
        width: Count | None = None,
        depth: Depth | None = None,
        tokens_mlp_dim: Count | None = None,
        channels_mlp_dim: Count | None = None,
        patch: Count | tuple[Count, Count] | None = None,
        size: Count | tuple[Count, Count] = 224,
        remainder: Literal["error", "pad"] = "error",
        out_dim: Count | None = None,
        head_bias: float = 0.0,
        stoch_depth: Fraction = 0.0,
        remat: Remat = "none",
        key: Key[Array, ""],
    ) -> None:
        named, _, named_patch = (variant or "B/16").partition("/")
        if named not in _VARIANTS or not named_patch.isdigit() or named_patch == "0":
            raise SettingError(
                "variant",
                f'"{variant}" is not known',
                help='known are "S", "B", "L", "H" with a patch: "B/16"',
            )
        published = _VARIANTS[named]
        width = width or published[0]
        depth = depth or published[1]
        patches = pair(patch or int(named_patch))
        grid = grid_of(pair(size), patches, remainder)
        tokens = grid[0] * grid[1]
        token_dim = tokens_mlp_dim or published[2]
        channel_dim = channels_mlp_dim or published[3]
        embed_key, blocks_key = jax.random.split(key)
        self.embedding = PatchEmbedding(patches, width, remainder=remainder, key=embed_key)
        self.blocks = Stack.build(
            lambda k: MixerBlock(tokens, width, token_dim, channel_dim, key=k), depth, blocks_key
        )
        self.norm = LayerNorm(width)
        self.head = make_head(width, out_dim, bias=head_bias)
        self.size = pair(size)
        self.stoch_depth = stoch_depth
        self.remat = remat

    def __call__(self, image: Image, *, keys: Keys = None) -> MixerOutputs:
        """The whole model."""
        if image.shape[1:3] != self.size:
            raise PortError(
                "image",
                f"is {image.shape[1]} x {image.shape[2]} pixels, but the model was made for "
                f"{self.size[0]} x {self.size[1]}",
            )
        x = gather(self.embedding)(image)
        tap("stem", x)
        x = x.reshape(x.shape[0], -1, x.shape[-1])
        tap("input_tokens", x)
        batch = x.shape[0]
        depth = self.blocks.depth
        rates = self.stoch_depth * jnp.arange(depth, dtype=jnp.float32) / max(depth - 1, 1)

        def apply(block: MixerBlock, x: Array, index: Array, rate: Array) -> Array:
            return block(x, keep=_keep(batch, rate, fold(keys, index)))

        x = repeat(self.blocks, x, apply, xs=rates, remat=self.remat, scope="block_{}")
        x = jnp.mean(gather(self.norm)(x), axis=1)
        tap("pre_logits", x)
        outputs: MixerOutputs = {"pre_logits": x}
        if self.head is not None:
            outputs["logits"] = gather(self.head)(x)
            tap("logits", outputs["logits"])
        return outputs

    @property
    def embed_dim(self) -> int:
        """Dims of what `embed` returns."""
        return self.norm.scale.shape[-1] if self.head is None else self.head.kernel.shape[-1]

    def naming(self) -> Naming:
        """Names in published files."""
        return Naming(
            rules=(
                ("embedding", "stem"),
                ("blocks/{i}/token_norm", "MixerBlock_{i}/LayerNorm_0"),
                ("blocks/{i}/token_mlp/up", "MixerBlock_{i}/token_mixing/Dense_0"),
                ("blocks/{i}/token_mlp/down", "MixerBlock_{i}/token_mixing/Dense_1"),
                ("blocks/{i}/channel_norm", "MixerBlock_{i}/LayerNorm_1"),
                ("blocks/{i}/channel_mlp/up", "MixerBlock_{i}/channel_mixing/Dense_0"),
                ("blocks/{i}/channel_mlp/down", "MixerBlock_{i}/channel_mixing/Dense_1"),
                ("norm", "pre_head_layer_norm"),
                ("head", "head"),
            ),
            repairs=(renumber, _first_release),
        )


def _keep(batch: int, rate: Array, keys: Keys) -> Float[Array, "b 2"]:
    if keys is None:
        return jnp.ones((batch, 2), jnp.float32)
    draws = jax.vmap(lambda key: jax.random.uniform(key, (2,)))(keys)
    return (draws >= rate).astype(jnp.float32)


def _first_release(flat: Flat, wanted: Shapes) -> Flat:
    """The files of the paper keep blocks in `Mixer` and both layers of an MLP in one module."""
    del wanted
    if not any(name.startswith("Mixer/") for name in flat):
        return flat
    found: Flat = {}
    for name, leaf in flat.items():
        name = name.replace("Mixer/encoder_norm/", "pre_head_layer_norm/").replace(
            "Mixer/encoderblock_", "MixerBlock_"
        )
        name = name.replace("_mixing_phase_0/", "_mixing/")
        if name.startswith("embedding/"):
            name = f"stem/{name.removeprefix('embedding/')}"
        for number in (1, 2):
            for part in ("kernel", "bias"):
                if name.endswith(f"_mixing/{part}{number}"):
                    name = f"{name.removesuffix(f'{part}{number}')}Dense_{number - 1}/{part}"
                    leaf = leaf[0] if leaf.shape[:1] == (1,) else leaf
        found[name] = leaf
    return found
