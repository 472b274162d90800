"""BiT's ResNet in the first version: norms after convolutions."""

from __future__ import annotations

import re

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Key

from bvc.component import Count, Depth, NonNegative, component, gather
from bvc.library.checkpoints.naming import Flat, Mark, Naming, Shapes
from bvc.library.checkpoints.repairs import renumber
from bvc.library.layers.conv import StandardizedConv, max_pool
from bvc.library.layers.dense import Dense
from bvc.library.layers.group_norm import GroupNorm
from bvc.library.layers.headed import Image, make_head
from bvc.library.layers.initializers import RandomKey
from bvc.library.layers.repeat import Remat
from bvc.library.layers.tap import tap
from bvc.library.models._resnet import Features, Reduced, ResNet, Stage, channels_of, stages_of, units_of


class Unit(eqx.Module):
    """A bottleneck: 1 x 1, 3 x 3 with the stride, 1 x 1, added to the input, then ReLU."""

    conv_proj: StandardizedConv | None
    gn_proj: GroupNorm | None
    conv1: StandardizedConv
    gn1: GroupNorm
    conv2: StandardizedConv
    gn2: GroupNorm
    conv3: StandardizedConv
    gn3: GroupNorm

    def __init__(self, channels: int, middle: int, stride: int, key: RandomKey) -> None:
        proj_key, key1, key2, key3 = jax.random.split(key, 4)
        out = 4 * middle
        self.conv_proj, self.gn_proj = None, None
        if channels != out or stride != 1:
            self.conv_proj = StandardizedConv(1, channels, out, stride=stride, spread="std", key=proj_key)
            self.gn_proj = GroupNorm(out)
        self.conv1 = StandardizedConv(1, channels, middle, spread="std", key=key1)
        self.gn1 = GroupNorm(middle)
        self.conv2 = StandardizedConv(3, middle, middle, stride=stride, spread="std", key=key2)
        self.gn2 = GroupNorm(middle)
        self.conv3 = StandardizedConv(1, middle, out, spread="std", key=key3)
        self.gn3 = GroupNorm(out, zero_scale=True)

    def __call__(self, x: Features) -> Reduced:
        """One unit."""
        residual = x
        if self.conv_proj is not None and self.gn_proj is not None:
            residual = self.gn_proj(self.conv_proj(x))
        y = jax.nn.relu(self.gn1(self.conv1(x)))
        y = jax.nn.relu(self.gn2(self.conv2(y)))
        return jax.nn.relu(residual + self.gn3(self.conv3(y)))


@component("model")
class Bit(ResNet):
    """ResNet with group norm and standardized weights (arXiv:1912.11370; big_vision `models/bit.py`).

    Settings:
        depth: layers of a published network (26, 50, 101, 152, 200), or the units of each stage
        width: factor on the number of channels
        out_dim: outputs of the head, which starts at zero; no head without it
        head_bias: value at which the head's bias starts
        remat: what the backward pass computes again: nothing, whole units, or all but matrix products

    Ports:
        image: pixels
    """

    marks = (Mark(("block1/unit1/",)),)

    conv_root: StandardizedConv
    gn_root: GroupNorm
    stages: tuple[Stage[Unit], ...]
    head: Dense | None
    embed_dim: int = eqx.field(static=True)
    remat: Remat = eqx.field(static=True)

    def __init__(
        self,
        *,
        depth: Depth | tuple[Depth, ...] = 50,
        width: NonNegative = 1.0,
        out_dim: Count | None = None,
        head_bias: float = 0.0,
        remat: Remat = "none",
        key: Key[Array, ""],
    ) -> None:
        units = units_of(depth)
        root = channels_of(width)
        root_key, *stage_keys = jax.random.split(key, 1 + len(units))
        self.conv_root = StandardizedConv(7, 3, root, stride=2, spread="std", key=root_key)
        self.gn_root = GroupNorm(root)
        self.stages = stages_of(Unit, units, root, stage_keys)
        channels = 4 * root * 2 ** (len(units) - 1)
        self.head = make_head(channels, out_dim, bias=head_bias)
        self.embed_dim = channels if out_dim is None else out_dim
        self.remat = remat

    def features(self, image: Image) -> Reduced:
        """The last stage."""
        x = jax.nn.relu(gather(self.gn_root)(gather(self.conv_root)(image)))
        x = max_pool(x, "same")
        tap("stem", x)
        for number, stage in enumerate(self.stages, 1):
            x = stage(x, self.remat)
            tap(f"stage{number}", x)
        return x

    def naming(self) -> Naming:
        """Names in published files."""
        return Naming(
            rules=(
                ("stages/{i:d}/first", "block{i+1}/unit1"),
                ("stages/{i:d}/rest/{j}", "block{i+1}/unit{j+2}"),
            ),
            repairs=(renumber, _squeezed),
        )


def _squeezed(flat: Flat, wanted: Shapes) -> Flat:
    """Older files keep the parameters of norms with leading dims of 1."""
    del wanted
    return {
        name: np.squeeze(leaf) if re.search(r"(^|/)gn(_root|_proj|[123])/", name) else leaf
        for name, leaf in flat.items()
    }
