"""Peak signal-to-noise ratio of images."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from bvc.component import Data, Pipeline, Stream, View, component
from bvc.library.evaluators._average import Average

RANGE = 2.0
"""From the smallest value of a pixel, -1, to the largest, 1."""


@component("evaluator")
class Psnr:
    """Mean over images of 10 log10(4 / mean squared error), in dB (big_vision `proj/uvim/psnr.py`).

    Metric: `PSNR`; infinite if an image is reproduced exactly.

    Settings:
        data: images
        pipeline: what the view reads, and `labels`, the true image
        view: gives the image

    Ports:
        prediction: pixels in [-1, 1]; wire it by `feeds = { prediction = "view.OUTPUT" }`
        labels: the true pixels in [-1, 1]
    """

    def __init__(self, *, data: Data, pipeline: Pipeline, view: View) -> None:
        self._streams = {"images": Stream(data, pipeline, view)}

    def streams(self) -> Mapping[str, Stream]:
        """All images."""
        return self._streams

    def images(
        self, prediction: Float[Array, "b h w c"], labels: Float[Array, "b h w c"]
    ) -> dict[str, Float[Array, "b"]]:
        """The ratio of each image."""
        error = jnp.mean(jnp.square(prediction.astype(jnp.float32) - labels), axis=(1, 2, 3))
        return {"psnr": 20 * jnp.log10(RANGE) - 10 * jnp.log10(error)}

    def start(self) -> Average:
        """Nothing seen."""
        return Average()

    def update(
        self, state: Average, stream: str, arrays: Mapping[str, Shaped[np.ndarray, "b *dims"]]
    ) -> Average:
        """Add up."""
        return state.added(arrays["psnr"])

    def result(self, state: Average) -> dict[str, float]:
        """The mean."""
        return {"PSNR": state.value}
