"""The distance of two Gaussians that are fitted to features."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64

_SMALL = 1e-10
"""Singular values below this are taken as their own root, as TF-GAN does; so singular covariances stay harmless."""


def frechet_distance(a: Float[np.ndarray, "n d"], b: Float[np.ndarray, "m d"]) -> float:
    """|mean_a - mean_b|^2 + tr(A + B - 2 (A^1/2 B A^1/2)^1/2) of unbiased covariances, in double precision
    (FID, arXiv:1706.08500; TF-GAN 2.1).
    """
    a, b = a.astype(np.float64), b.astype(np.float64)
    covariance_a, covariance_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = _root(covariance_a)
    mixed = np.trace(_root(root @ (covariance_b @ root)))
    away = float(np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2))
    return away + float(np.trace(covariance_a) + np.trace(covariance_b) - 2 * mixed)


def _root(matrix: Float64[np.ndarray, "d d"]) -> Float64[np.ndarray, "d d"]:
    """The root of a symmetric matrix without negative eigenvalues."""
    left, values, right = np.linalg.svd(matrix, hermitian=True)
    return (left * np.where(values < _SMALL, values, np.sqrt(values))) @ right
