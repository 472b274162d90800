"""Frechet inception distance of what a model makes from real images."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from bvc.component import (
    Data,
    DataError,
    InputFile,
    Pipeline,
    PortError,
    SettingError,
    Stream,
    View,
    component,
)
from bvc.library.evaluators._frechet import frechet_distance
from bvc.library.models._inception_v3 import Inception, full_size

_COLTRAN_SIDE = 256

State = dict[str, list[np.ndarray]]


@component("evaluator")
class Fid:
    """Distance of Inception's features of predictions from those of real images (FID, arXiv:1706.08500).

    The formula is TF-GAN's, in double precision. Metric: `FID`. With `coltran` predictions take the way of the
    Colorization Transformer's evaluation (arXiv:2102.04432; big_vision `coltran_fid.py`): averaged down to 256 x 256,
    to whole numbers at 128 levels per unit, and back; real images come from their pipeline at that size.

    Settings:
        data: what predictions are made from
        pipeline: what the view reads
        reference: real images
        reference_pipeline: gives `image`, with pixels in [-1, 1], and what else the view reads
        view: gives the prediction
        weights: Inception's weights under torchvision's names, `.safetensors` or `.npz`; pytorch-fid's
            `pt_inception-2015-12-05-6726825d` is the network that published numbers mean
        sha256: of that file; a run does not begin with another one
        coltran: bring predictions to 256 x 256 and to whole numbers first

    Ports:
        prediction: pixels in [-1, 1]; wire it by `feeds = { prediction = "view.OUTPUT" }`
        image: pixels of real images, in [-1, 1]
    """

    def __init__(
        self,
        *,
        data: Data,
        pipeline: Pipeline,
        reference: Data,
        reference_pipeline: Pipeline,
        view: View,
        weights: InputFile,
        sha256: str,
        coltran: bool = False,
    ) -> None:
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise SettingError("sha256", "is no SHA-256 in hexadecimal", "`sha256sum FILE` prints it")
        self._streams = {
            "predictions": Stream(data, pipeline, view),
            "real": Stream(reference, reference_pipeline, view),
        }
        self._weights, self._sha256, self._coltran = weights, sha256, coltran

    @cached_property
    def _network(self) -> Inception:
        return Inception.load(self._weights)

    def prepare(self) -> None:
        """Verify and read the weights.

        Raises:
            DataError: it is another file, or no Inception.
        """
        with open(self._weights, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != self._sha256:
            raise DataError(
                f"weights with SHA-256 {found}",
                self._weights,
                f"`sha256` says {self._sha256}: take that file",
            )
        _ = self._network

    def streams(self) -> Mapping[str, Stream]:
        """Predictions, then real images."""
        return self._streams

    def predictions(self, prediction: Float[Array, "b h w 3"]) -> dict[str, Float[Array, "b d"]]:
        """Features of predictions."""
        return self._features(coltran(prediction) if self._coltran else prediction)

    def real(self, image: Float[Array, "b h w 3"]) -> dict[str, Float[Array, "b d"]]:
        """Features of real images."""
        return self._features(image)

    def _features(self, image: Float[Array, "b h w 3"]) -> dict[str, Float[Array, "b d"]]:
        # a spec is checked where the file need not be; shapes do not depend on it
        network = self._network if Path(self._weights).is_file() else Inception.zeros()
        return {"features": network(full_size(image.astype(jnp.float32)))}

    def start(self) -> State:
        """Nothing seen."""
        return {name: [] for name in self._streams}

    def update(self, state: State, stream: str, arrays: Mapping[str, Shaped[np.ndarray, "b *dims"]]) -> State:
        """Collect features."""
        state[stream].append(arrays["features"])
        return state

    def result(self, state: State) -> dict[str, float]:
        """The distance.

        Raises:
            DataError: there are too few images for a covariance.
        """
        features = {name: np.concatenate(arrays) for name, arrays in state.items()}
        for name, found in features.items():
            if len(found) < 2:
                raise DataError(f"a single example in `{name}`, from which no covariance follows")
        return {"FID": frechet_distance(features["predictions"], features["real"])}


def coltran(image: Float[Array, "b h w 3"]) -> Float[Array, "b 256 256 3"]:
    """Predictions as the Colorization Transformer's evaluation sees them, through a file of 8-bit numbers.

    Raises:
        PortError: the sides are no multiples of 256.
    """
    batch, height, width, _ = image.shape
    if height % _COLTRAN_SIDE or width % _COLTRAN_SIDE:
        raise PortError("prediction", f"is of {height} x {width} pixels, no multiples of {_COLTRAN_SIDE}")
    blocks = image.reshape(
        batch, _COLTRAN_SIDE, height // _COLTRAN_SIDE, _COLTRAN_SIDE, width // _COLTRAN_SIDE, 3
    )
    return quantized(jnp.mean(blocks, axis=(2, 4))) / 128.0 - 1.0


def quantized(pixels: Float[Array, "*dims"]) -> Float[Array, "*dims"]:
    """Whole numbers from 0 to 255, 128 per unit from -1 on."""
    return jnp.clip(jnp.round((pixels + 1.0) * 128.0), 0.0, 255.0)
