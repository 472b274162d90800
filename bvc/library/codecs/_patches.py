"""Maps as patches of pixels, the form in which UViM's first stage reads and predicts them (big_vision
`models/proj/uvim`).
"""

from __future__ import annotations

import equinox as eqx
from jaxtyping import Array, Shaped

from bvc.component import PortError
from bvc.library.layers.patch import Pair, grid_of, pair


class Patches(eqx.Module):
    """A grid of patches.

    Attributes:
        size: height and width of a map, in pixels.
        patch: height and width of a patch, in pixels.
        grid: patches along height and width.
    """

    size: Pair = eqx.field(static=True)
    patch: Pair = eqx.field(static=True)
    grid: Pair = eqx.field(static=True)

    def __init__(self, size: int | Pair, patch: int | Pair) -> None:
        self.size, self.patch = pair(size), pair(patch)
        self.grid = grid_of(self.size, self.patch)

    @property
    def pixels(self) -> int:
        """Pixels of a patch."""
        return self.patch[0] * self.patch[1]

    def check(self, labels: Shaped[Array, "b h w c"], channels: int) -> None:
        """Are these maps of this size?

        Raises:
            PortError: they are not.
        """
        if labels.shape[1:] != (*self.size, channels):
            height, width, found = labels.shape[1:]
            wanted = f"{self.size[0]} x {self.size[1]} pixels with {channels} channels"
            reason = f"has {height} x {width} pixels with {found} channels, but the codec speaks of {wanted}"
            raise PortError("labels", reason, "resize the labels, or change `size` of the codec")

    def taken(self, maps: Shaped[Array, "b h w c"]) -> Shaped[Array, "b n c p"]:
        """Patches row by row; of each, the channels, and their pixels row by row."""
        batch, _, _, channels = maps.shape
        split = maps.reshape(batch, self.grid[0], self.patch[0], self.grid[1], self.patch[1], channels)
        return split.transpose(0, 1, 3, 5, 2, 4).reshape(batch, -1, channels, self.pixels)

    def joined(self, patches: Shaped[Array, "b n c p"]) -> Shaped[Array, "b h w c"]:
        """The maps that `taken` took apart."""
        batch, _, channels, _ = patches.shape
        split = patches.reshape(batch, *self.grid, channels, *self.patch)
        return split.transpose(0, 1, 4, 2, 5, 3).reshape(batch, *self.size, channels)
