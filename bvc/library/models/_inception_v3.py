"""Inception v3 (arXiv:1512.00567) as FID uses it: the network of 2015 whose features everyone compares.

It differs from the paper's: averages leave padding out, and the last block takes a maximum where the paper takes
an average. Weights have torchvision's names (`Mixed_5b.branch1x1.conv.weight`), as in the published conversion
`pt_inception-2015-12-05-6726825d` of pytorch-fid, saved as `.safetensors` or `.npz`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from bvc.component import DataError
from bvc.library.checkpoints.archive import read

FEATURES = 2048
SIDE = 299
_EPSILON = 1e-3

Pool = Literal["average", "max", "halve"]
"""Of 3 x 3 pixels; `halve` is the maximum at every second pixel, without padding."""


class Conv(NamedTuple):
    """A convolution with a norm and a ReLU; `valid` ones add no padding."""

    name: str
    out: int
    kernel: tuple[int, int]
    stride: int = 1
    valid: bool = False


Fork = tuple[Conv, ...]
"""Convolutions of the same input, side by side."""
Branch = tuple[Conv | Pool | Fork, ...]
"""One after another."""
Block = tuple[Branch, ...]
"""Side by side."""


def _point(name: str, out: int) -> Conv:
    return Conv(name, out, (1, 1))


def _double(first: int = 64, out: int = 96) -> Branch:
    return (_point("branch3x3dbl_1", first), Conv("branch3x3dbl_2", out, (3, 3)))


def _pooled(out: int, pool: Pool = "average") -> Branch:
    return (pool, _point("branch_pool", out))


def _a(pooled: int) -> Block:
    return (
        (_point("branch1x1", 64),),
        (_point("branch5x5_1", 48), Conv("branch5x5_2", 64, (5, 5))),
        (*_double(), Conv("branch3x3dbl_3", 96, (3, 3))),
        _pooled(pooled),
    )


def _c(width: int) -> Block:
    row, column = (1, 7), (7, 1)
    kernels = zip(range(2, 6), (width, width, width, 192), (column, row, column, row), strict=True)
    return (
        (_point("branch1x1", 192),),
        (_point("branch7x7_1", width), Conv("branch7x7_2", width, row), Conv("branch7x7_3", 192, column)),
        (_point("branch7x7dbl_1", width), *(Conv(f"branch7x7dbl_{i}", out, k) for i, out, k in kernels)),
        _pooled(192),
    )


def _e(pool: Pool) -> Block:
    def fork(name: str) -> Fork:
        return Conv(f"{name}a", 384, (1, 3)), Conv(f"{name}b", 384, (3, 1))

    return (
        (_point("branch1x1", 320),),
        (_point("branch3x3_1", 384), fork("branch3x3_2")),
        (*_double(448, 384), fork("branch3x3dbl_3")),
        _pooled(192, pool),
    )


_STEM: Branch = (
    Conv("Conv2d_1a_3x3", 32, (3, 3), 2, valid=True),
    Conv("Conv2d_2a_3x3", 32, (3, 3), valid=True),
    Conv("Conv2d_2b_3x3", 64, (3, 3)),
    "halve",
    _point("Conv2d_3b_1x1", 80),
    Conv("Conv2d_4a_3x3", 192, (3, 3), valid=True),
    "halve",
)
BLOCKS: Mapping[str, Block] = {
    "": (_STEM,),
    "Mixed_5b.": _a(32),
    "Mixed_5c.": _a(64),
    "Mixed_5d.": _a(64),
    "Mixed_6a.": (
        (Conv("branch3x3", 384, (3, 3), 2, valid=True),),
        (*_double(), Conv("branch3x3dbl_3", 96, (3, 3), 2, valid=True)),
        ("halve",),
    ),
    "Mixed_6b.": _c(128),
    "Mixed_6c.": _c(160),
    "Mixed_6d.": _c(160),
    "Mixed_6e.": _c(192),
    "Mixed_7a.": (
        (_point("branch3x3_1", 192), Conv("branch3x3_2", 320, (3, 3), 2, valid=True)),
        (
            _point("branch7x7x3_1", 192),
            Conv("branch7x7x3_2", 192, (1, 7)),
            Conv("branch7x7x3_3", 192, (7, 1)),
            Conv("branch7x7x3_4", 192, (3, 3), 2, valid=True),
        ),
        ("halve",),
    ),
    "Mixed_7b.": _e("average"),
    "Mixed_7c.": _e("max"),
}


class Inception(eqx.Module):
    """The network without its classifier: the kernel and bias of each convolution, norms folded in.

    Arrays of a file stay on the host, so that it may be read while something is traced.
    """

    kernels: dict[str, Float[Array | np.ndarray, "y x i o"]]
    biases: dict[str, Float[Array | np.ndarray, "o"]]

    @staticmethod
    def zeros() -> Inception:
        """All weights 0: what shapes can be told from while there is no file."""
        shapes = dict(_shapes())
        return Inception(
            {name: jnp.zeros(shape) for name, shape in shapes.items()},
            {name: jnp.zeros(shape[-1]) for name, shape in shapes.items()},
        )

    @staticmethod
    def load(file: str) -> Inception:
        """The network of a `.safetensors` or `.npz` file.

        Raises:
            DataError: it cannot be read, or is no Inception.
        """
        flat = read(file)
        kernels: dict[str, Any] = {}
        biases: dict[str, Any] = {}
        for name, shape in _shapes():
            parts = ("conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")
            absent = [part for part in parts if f"{name}.{part}" not in flat]
            if absent:
                raise DataError(f"weights of Inception without `{name}.{absent[0]}`", file)
            weight, scale, shift, mean, variance = (np.asarray(flat[f"{name}.{part}"]) for part in parts)
            kernel = weight.transpose(2, 3, 1, 0) if weight.ndim == 4 else weight
            if kernel.shape != shape:
                raise DataError(f"weights of Inception with `{name}` of shape {weight.shape}", file)
            factor = scale / np.sqrt(variance + _EPSILON)
            kernels[name] = (kernel * factor).astype(np.float32)
            biases[name] = (shift - mean * factor).astype(np.float32)
        return Inception(kernels, biases)

    def __call__(self, image: Float[Array, "b h w 3"]) -> Float[Array, "b 2048"]:
        """Features of images with pixels in [-1, 1], at the size that they have."""
        x = image
        for prefix, block in BLOCKS.items():
            x = jnp.concatenate([self._branch(prefix, branch, x) for branch in block], axis=-1)
        return jnp.mean(x, axis=(1, 2))

    def _branch(self, prefix: str, branch: Branch, x: Float[Array, "b h w c"]) -> Float[Array, "b H W d"]:
        for step in branch:
            if isinstance(step, str):
                x = _pool(x, step)
            elif isinstance(step, Conv):
                x = self._conv(prefix, step, x)
            else:
                x = jnp.concatenate([self._conv(prefix, each, x) for each in step], axis=-1)
        return x

    def _conv(self, prefix: str, conv: Conv, x: Float[Array, "b h w c"]) -> Float[Array, "b H W d"]:
        y = lax.conv_general_dilated(
            x,
            jnp.asarray(self.kernels[prefix + conv.name]),
            (conv.stride, conv.stride),
            "VALID" if conv.valid else "SAME",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        return jax.nn.relu(y + self.biases[prefix + conv.name])


def full_size(image: Float[Array, "b h w 3"]) -> Float[Array, "b 299 299 3"]:
    """Images at the size that the network was trained with: bilinear, without smoothing first."""
    return jax.image.resize(image, (len(image), SIDE, SIDE, 3), "bilinear", antialias=False)


def _pool(x: Float[Array, "b h w c"], pool: Pool) -> Float[Array, "b H W c"]:
    window = (1, 3, 3, 1)
    if pool == "halve":
        return lax.reduce_window(x, -jnp.inf, lax.max, window, (1, 2, 2, 1), "VALID")
    if pool == "max":
        return lax.reduce_window(x, -jnp.inf, lax.max, window, (1, 1, 1, 1), "SAME")
    total, count = (
        lax.reduce_window(each, 0.0, lax.add, window, (1, 1, 1, 1), "SAME")
        for each in (x, jnp.ones((1, *x.shape[1:3], 1)))
    )
    return total / count


def _shapes() -> Iterator[tuple[str, tuple[int, int, int, int]]]:
    """Name and kernel shape of every convolution."""
    channels = 3
    for prefix, block in BLOCKS.items():
        out = 0
        for branch in block:
            width = channels
            for step in branch:
                if isinstance(step, str):
                    continue
                convs = (step,) if isinstance(step, Conv) else step
                for conv in convs:
                    yield prefix + conv.name, (*conv.kernel, width, conv.out)
                width = sum(conv.out for conv in convs)
            out += width
        channels = out
