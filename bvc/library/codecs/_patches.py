"""Maps as patches of pixels, the form in which UViM's first stage reads and predicts them (big_vision
`models/proj/uvim`).
"""

from __future__ import annotations

from jaxtyping import Array, Shaped


def to_patches(maps: Shaped[Array, "b h w c"], patch: tuple[int, int]) -> Shaped[Array, "b n c p"]:
    """Patches row by row; of each, the channels, and their pixels row by row."""
    batch, height, width, channels = maps.shape
    rows, columns = height // patch[0], width // patch[1]
    split = maps.reshape(batch, rows, patch[0], columns, patch[1], channels)
    return split.transpose(0, 1, 3, 5, 2, 4).reshape(batch, rows * columns, channels, patch[0] * patch[1])


def from_patches(
    patches: Shaped[Array, "b n c p"], size: tuple[int, int], patch: tuple[int, int]
) -> Shaped[Array, "b h w c"]:
    """The maps that `to_patches` took apart."""
    batch, _, channels, _ = patches.shape
    grid = size[0] // patch[0], size[1] // patch[1]
    split = patches.reshape(batch, *grid, channels, *patch)
    return split.transpose(0, 1, 4, 2, 5, 3).reshape(batch, *size, channels)
