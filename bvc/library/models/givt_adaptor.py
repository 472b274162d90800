"""GIVT's adaptor: an invertible map between the codes of a VAE and what the transformer predicts."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from bvc.component import Count, Depth, Fraction, SettingError, component, gather, view
from bvc.library.checkpoints.naming import Mark, Naming
from bvc.library.layers.conv import Conv
from bvc.library.layers.dropout import Keys, dropout, fold
from bvc.library.layers.group_norm import GroupNorm
from bvc.library.layers.initializers import RandomKey
from bvc.library.layers.patch import Pair, pair
from bvc.library.models.cnn_vae import grid_of_folds

Codes = Float[Array, "b n k"]
Half = Float[Array, "b h w c"]


class Coupling(eqx.Module):
    """`(a, b) -> (b, a + f(b))`, where f is three convolutions; it can be undone whatever f is."""

    gn0: GroupNorm | None
    conv0: Conv
    gn1: GroupNorm
    conv1: Conv
    gn2: GroupNorm
    conv2: Conv
    drop: float = eqx.field(static=True)

    def __init__(
        self, channels: int, hidden: int, groups: int, *, first: bool, drop: float, key: RandomKey
    ) -> None:
        key0, key1, key2 = jax.random.split(key, 3)
        self.gn0 = None if first else GroupNorm(channels, groups=groups)
        self.conv0 = Conv(3, channels, hidden, bias=False, padding=1, key=key0)
        self.gn1 = GroupNorm(hidden, groups=groups)
        self.conv1 = Conv(3, hidden, hidden, bias=False, padding=1, key=key1)
        self.gn2 = GroupNorm(hidden, groups=groups)
        self.conv2 = Conv(3, hidden, channels, bias=False, padding=1, key=key2)
        self.drop = drop

    def __call__(self, x: Half, keys: Keys) -> Half:
        """What is added to the other half."""
        y = x if self.gn0 is None else jax.nn.relu(self.gn0(x))
        y = jax.nn.relu(self.gn1(self.conv0(y)))
        y = dropout(self.conv1(y), self.drop, keys)
        return self.conv2(jax.nn.relu(self.gn2(y)))


@component("model")
class GivtAdaptor(eqx.Module):
    """Invertible network on codes (i-RevNet; GIVT, arXiv:2312.02116; big_vision `models/proj/givt/adaptor.py`).

    Settings:
        num_channels: channels of a code
        num_blocks: couplings
        num_channels_bottleneck: hidden channels, for both halves together; as many as a code has without it
        dropout: probability with which hidden activations are dropped in training
        pixel_shuffle_patch_size: height and width of what the VAE folded into one code

    Ports:
        z: codes that lie on a grid
    """

    marks = (Mark(("modules_0/Conv_0/",)),)

    couplings: tuple[Coupling, ...]
    fold_size: Pair = eqx.field(static=True)

    def __init__(
        self,
        *,
        num_channels: Count = 4,
        num_blocks: Depth = 4,
        num_channels_bottleneck: Count | None = None,
        dropout: Fraction = 0.0,
        pixel_shuffle_patch_size: Count | tuple[Count, Count] = 1,
        key: Key[Array, ""],
    ) -> None:
        if num_channels % 2:
            raise SettingError("num_channels", f"is {num_channels}: an even number is needed, for two halves")
        groups = min(32, num_channels // 2)
        self.couplings = tuple(
            Coupling(
                num_channels // 2,
                (num_channels_bottleneck or num_channels) // 2,
                groups,
                first=index == 0,
                drop=dropout,
                key=k,
            )
            for index, k in enumerate(jax.random.split(key, num_blocks))
        )
        self.fold_size = pair(pixel_shuffle_patch_size)

    def __call__(self, z: Codes, *, keys: Keys = None) -> Codes:
        """Codes of the VAE to what the transformer predicts."""
        a, b = self._halves(z)
        for index, coupling in enumerate(self.couplings):
            a, b = b, a + gather(coupling)(b, fold(keys, index))
        return jnp.concatenate([a, b], axis=-1).reshape(z.shape)

    @view
    def inverse(self, z: Codes) -> Codes:
        """What the transformer predicts to codes of the VAE."""
        a, b = self._halves(z)
        for coupling in reversed(self.couplings):
            a, b = b - gather(coupling)(a, None), a
        return jnp.concatenate([a, b], axis=-1).reshape(z.shape)

    def naming(self) -> Naming:
        """Names in published files."""
        parts = (("gn0", "gn_0"), ("gn1", "gn_1"), ("gn2", "gn_2"))
        convs = (("conv0", "Conv_0"), ("conv1", "Conv_1"), ("conv2", "Conv_2"))
        return Naming(
            rules=tuple(
                (f"couplings/{{i:d}}/{own}", f"modules_{{i}}/{theirs}") for own, theirs in (*parts, *convs)
            )
        )

    def _halves(self, z: Codes) -> tuple[Half, Half]:
        grid = grid_of_folds(z.shape[1], self.fold_size)
        a, b = jnp.split(z.reshape(z.shape[0], *grid, -1), 2, axis=-1)
        return a, b
