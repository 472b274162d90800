"""BiT's ResNet of the paper, the second version: norms before convolutions."""

from __future__ import annotations

import re

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Key

from bvc.component import Count, Depth, NonNegative, component, gather
from bvc.library.checkpoints.naming import FIRST_RELEASE, Flat, Mark, Naming, Shapes
from bvc.library.layers.conv import StandardizedConv, max_pool
from bvc.library.layers.dense import Dense
from bvc.library.layers.group_norm import GroupNorm
from bvc.library.layers.headed import Image, make_head
from bvc.library.layers.initializers import RandomKey
from bvc.library.layers.repeat import Remat
from bvc.library.layers.tap import tap
from bvc.library.models._resnet import Features, Reduced, ResNet, Stage, channels_of, stages_of, units_of


def _norm(channels: int) -> GroupNorm:
    return GroupNorm(channels, epsilon=1e-5, exact=True, dims=4)


class Unit(eqx.Module):
    """A bottleneck of pre-activated convolutions: 1 x 1, 3 x 3 with the stride, 1 x 1, added to the input."""

    gn1: GroupNorm
    conv_proj: StandardizedConv | None
    conv1: StandardizedConv
    gn2: GroupNorm
    conv2: StandardizedConv
    gn3: GroupNorm
    conv3: StandardizedConv

    def __init__(self, channels: int, middle: int, stride: int, key: RandomKey) -> None:
        proj_key, key1, key2, key3 = jax.random.split(key, 4)
        out = 4 * middle
        self.gn1 = _norm(channels)
        self.conv_proj = None
        if channels != out or stride != 1:
            self.conv_proj = StandardizedConv(
                1, channels, out, stride=stride, spread="variance", key=proj_key
            )
        self.conv1 = StandardizedConv(1, channels, middle, spread="variance", key=key1)
        self.gn2 = _norm(middle)
        self.conv2 = StandardizedConv(
            3, middle, middle, stride=stride, padding=1, spread="variance", key=key2
        )
        self.gn3 = _norm(middle)
        self.conv3 = StandardizedConv(1, middle, out, spread="variance", key=key3)

    def __call__(self, x: Features) -> Reduced:
        """One unit."""
        y = jax.nn.relu(self.gn1(x))
        residual = x if self.conv_proj is None else self.conv_proj(y)
        y = jax.nn.relu(self.gn2(self.conv1(y)))
        y = jax.nn.relu(self.gn3(self.conv2(y)))
        return residual + self.conv3(y)


@component("model")
class BitPaper(ResNet):
    """ResNet-v2 with group norm and standardized weights (arXiv:1912.11370; big_vision `models/bit_paper.py`).

    Settings:
        depth: layers of a published network (26, 50, 101, 152, 200), or the units of each stage
        width: factor on the number of channels
        out_dim: outputs of the head; no head without it
        head_zeroinit: start the head at zero
        head_bias: value at which the head's bias starts
        remat: what the backward pass computes again: nothing, whole units, or all but matrix products

    Ports:
        image: pixels
    """

    marks = (Mark(("root_block/conv_root/", "block1/unit01/")), Mark(("resnet/",), FIRST_RELEASE))

    conv_root: StandardizedConv
    stages: tuple[Stage[Unit], ...]
    norm: GroupNorm
    head: Dense | None
    embed_dim: int = eqx.field(static=True)
    remat: Remat = eqx.field(static=True)

    def __init__(
        self,
        *,
        depth: Depth | tuple[Depth, ...] = 50,
        width: NonNegative = 1.0,
        out_dim: Count | None = None,
        head_zeroinit: bool = True,
        head_bias: float = 0.0,
        remat: Remat = "none",
        key: Key[Array, ""],
    ) -> None:
        units = units_of(depth)
        root = channels_of(width)
        root_key, head_key, *stage_keys = jax.random.split(key, 2 + len(units))
        self.conv_root = StandardizedConv(7, 3, root, stride=2, padding=3, spread="variance", key=root_key)
        self.stages = stages_of(Unit, units, root, stage_keys)
        channels = 4 * root * 2 ** (len(units) - 1)
        self.norm = _norm(channels)
        self.head = make_head(channels, out_dim, key=None if head_zeroinit else head_key, bias=head_bias)
        self.embed_dim = channels if out_dim is None else out_dim
        self.remat = remat

    def features(self, image: Image) -> Reduced:
        """The last stage, normalized."""
        x = max_pool(gather(self.conv_root)(image), 1)
        tap("stem", x)
        for number, stage in enumerate(self.stages, 1):
            x = stage(x, self.remat)
            tap(f"stage{number}", x)
        x = gather(self.norm)(x)
        tap("norm_pre_head", x)
        return jax.nn.relu(x)

    def naming(self) -> Naming:
        """Names in published files."""
        return Naming(
            rules=(
                ("conv_root", "root_block/conv_root"),
                ("stages/{i:d}/first", "block{i+1}/unit01"),
                ("stages/{i:d}/rest/{j}", "block{i+1}/unit{j+2:02d}"),
                ("norm", "norm-pre-head"),
            ),
            repairs=(_first_release,),
        )


_WORDS = {"a": "1", "b": "2", "c": "3", "beta": "bias", "gamma": "scale"}


def _first_release(flat: Flat, wanted: Shapes) -> Flat:
    """Files of the paper's own code: groups a, b, c for convolutions 1, 2, 3 and the norms before them."""
    del wanted
    if not any(name.startswith("resnet/") for name in flat):
        return flat
    return dict(_today(name, leaf) for name, leaf in flat.items())


def _today(name: str, leaf: np.ndarray) -> tuple[str, np.ndarray]:
    name = re.sub(r"/standardized_conv2d(_\d+)?/", "/conv/", name.removeprefix("resnet/"))
    if name in ("head/conv2d/kernel", "head/conv2d/bias"):
        return name.replace("conv2d/", ""), leaf[0, 0] if leaf.ndim == 4 else leaf
    if found := re.fullmatch(r"(.*/)?group_norm/(beta|gamma)", name):
        leaf = leaf[None, None, None]
        where = re.fullmatch(r"(.*/)([abc])/", found[1] or "")
        norm = f"{where[1]}gn{_WORDS[where[2]]}" if where else "norm-pre-head"
        return f"{norm}/{_WORDS[found[2]]}", leaf
    if found := re.fullmatch(r"(.*)/a/proj/conv/kernel", name):
        return f"{found[1]}/conv_proj/kernel", leaf
    if found := re.fullmatch(r"(.*)/([abc])/conv/kernel", name):
        return f"{found[1]}/conv{_WORDS[found[2]]}/kernel", leaf
    return name.replace("root_block/conv/", "root_block/conv_root/"), leaf
