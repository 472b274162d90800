"""Errors of predicted depth."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from bvc.component import Data, DataError, Pipeline, SettingError, Stream, View, component

METRICS = ("RMSE", "abs_RE", "log10", "delta1", "delta2", "delta3")

State = tuple[dict[str, float], int]


@component("evaluator")
class Depth:
    """Errors of depth in metres, per image, averaged over images (big_vision `proj/uvim/nyu_depth.py`).

    The prediction is brought to the size of the true map by nearest neighbours; pixels with `min_depth` < true depth <
    `max_depth` count. Metrics: `RMSE`, `abs_RE`, `log10` and `delta1`, `delta2`, `delta3`, the part of the pixels that
    are wrong by a factor below 1.25, 1.25^2, 1.25^3 (arXiv:1406.2283).

    Settings:
        data: images with depth
        pipeline: what the view reads, and `labels`, the true map
        view: predicts depth
        min_depth: in metres
        max_depth: in metres

    Ports:
        depth: the prediction
        labels: the true map
    """

    def __init__(
        self,
        *,
        data: Data,
        pipeline: Pipeline,
        view: View = "depth",
        min_depth: float = 1e-3,
        max_depth: float = 10.0,
    ) -> None:
        if not 0 < min_depth < max_depth:
            raise SettingError("min_depth", f"is not between 0 and `max_depth`, {max_depth:g}")
        self._streams = {"images": Stream(data, pipeline, view)}
        self._range = min_depth, max_depth

    def streams(self) -> Mapping[str, Stream]:
        """All images."""
        return self._streams

    def images(
        self,
        depth: Float[Array, "b h w"] | Float[Array, "b h w 1"],
        labels: Float[Array, "b H W"] | Float[Array, "b H W 1"],
    ) -> dict[str, Float[Array, "b"]]:
        """Every metric of each image, and how many pixels count."""
        true = labels.reshape(labels.shape[:3]).astype(jnp.float32)
        found = jax.image.resize(depth.reshape(depth.shape[:3]), true.shape, "nearest").astype(jnp.float32)
        low, high = self._range
        counts = (true > low) & (true < high)
        pixels = jnp.sum(counts, axis=(1, 2))

        def mean(values: Float[Array, "b H W"]) -> Float[Array, "b"]:
            return jnp.sum(jnp.where(counts, values, 0.0), axis=(1, 2)) / jnp.maximum(pixels, 1)

        true = jnp.where(counts, true, 1.0)
        ratio = jnp.maximum(true / found, found / true)
        metrics = (
            jnp.sqrt(mean(jnp.square(true - found))),
            mean(jnp.abs(true - found) / true),
            mean(jnp.abs(jnp.log10(true) - jnp.log10(found))),
            *(mean((ratio < 1.25**power).astype(jnp.float32)) for power in (1, 2, 3)),
        )
        return {**dict(zip(METRICS, metrics, strict=True)), "pixels": pixels.astype(jnp.float32)}

    def start(self) -> State:
        """Sums of nothing."""
        return dict.fromkeys(METRICS, 0.0), 0

    def update(self, state: State, stream: str, arrays: Mapping[str, Shaped[np.ndarray, "b *dims"]]) -> State:
        """Add up in double precision.

        Raises:
            DataError: no pixel of an image counts.
        """
        totals, count = state
        if not arrays["pixels"].all():
            number = count + int(np.argmin(arrays["pixels"] > 0))
            raise DataError(f"no pixel of image {number} has a depth that counts")
        for name in METRICS:
            totals[name] += float(arrays[name].astype(np.float64).sum())
        return totals, count + len(arrays["pixels"])

    def result(self, state: State) -> dict[str, float]:
        """Means over images."""
        totals, count = state
        return {name: total / count for name, total in totals.items()}
