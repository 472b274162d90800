"""Bringing the kernel of a patch embedding to another patch size (FlexiViT, arXiv:2212.08013)."""

from __future__ import annotations

import functools

import numpy as np
from jaxtyping import Float

from bvc.component import DataError


@functools.cache
def pi_matrix(old: int, new: int) -> Float[np.ndarray, "new old"]:
    """What turns weights over `old` samples into weights over `new` ones.

    It is the pseudo-inverse of the transposed matrix that resizes a signal bilinearly (half-pixel centres, no
    antialiasing), so that the product with a resized patch stays what it was. Two dims are two of these.
    """
    centers = (np.arange(new) + 0.5) * old / new - 0.5
    lower = np.floor(centers).astype(int)
    resize = np.zeros((new, old))
    rows = np.arange(new)
    np.add.at(resize, (rows, np.clip(lower, 0, old - 1)), 1 - (centers - lower))
    np.add.at(resize, (rows, np.clip(lower + 1, 0, old - 1)), centers - lower)
    return np.linalg.pinv(resize.T)


def resize_kernel(kernel: Float[np.ndarray, "..."], shape: tuple[int, ...]) -> Float[np.ndarray, "h w i o"]:
    """A patch embedding's kernel for patches of another size.

    Raises:
        DataError: channels differ, or there is nothing.
    """
    if kernel.ndim != 4 or kernel.shape[2:] != shape[2:] or kernel.size == 0:
        raise DataError(f"a patch embedding of shape {kernel.shape} cannot be brought to {shape}")
    height, width = pi_matrix(kernel.shape[0], shape[0]), pi_matrix(kernel.shape[1], shape[1])
    resized = np.einsum("yi,xj,ijco->yxco", height, width, kernel.astype(np.float64))
    return resized.astype(kernel.dtype)
