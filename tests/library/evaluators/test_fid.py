"""The Frechet distance itself; which weights are taken; what a spec knows without them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bvc.component import DataError, PortError, SettingError
from bvc.diagnostics import Failed
from bvc.library.evaluators._frechet import frechet_distance
from bvc.library.evaluators.fid import Fid, coltran
from bvc.runtime.evaluate import prepare


def evaluator(weights: Path, sha256: str = "0" * 64) -> Fid:
    return Fid(
        data=None,
        pipeline=None,
        reference=None,
        reference_pipeline=None,
        view="any",
        weights=str(weights),
        sha256=sha256,
    )


def test_distance_of_gaussians_with_known_covariance() -> None:
    a = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(a, a + 2) == pytest.approx(12, rel=1e-6)
    own = np.trace(np.cov(a, rowvar=False))
    assert frechet_distance(a, a.mean(axis=0) + 3 * (a - a.mean(axis=0))) == pytest.approx(4 * own, rel=1e-5)


def test_another_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "inception.npz"
    np.savez(file, kernel=np.zeros(3))
    with pytest.raises(Failed, match="B0534: `evals.fid` cannot measure: weights with SHA-256"):
        prepare("fid", evaluator(file))
    right = hashlib.sha256(file.read_bytes()).hexdigest()
    with pytest.raises(Failed, match="B0534: .*weights of Inception without"):
        prepare("fid", evaluator(file, right))
    with pytest.raises(SettingError, match="`sha256` is no SHA-256"):
        evaluator(file, "6726825d")


def test_shapes_are_known_without_the_file(tmp_path: Path) -> None:
    image = jax.ShapeDtypeStruct((4, 64, 64, 3), jnp.float32)
    found = jax.eval_shape(evaluator(tmp_path / "none.npz").real, image)
    assert found["features"].shape == (4, 2048)


def test_one_image_has_no_covariance() -> None:
    state = {"predictions": [np.zeros((1, 3))], "real": [np.zeros((2, 3))]}
    with pytest.raises(DataError, match="a single example in `predictions`"):
        evaluator(Path("none")).result(state)


def test_predictions_of_other_sizes_are_refused() -> None:
    assert coltran(jnp.zeros((1, 512, 256, 3))).shape == (1, 256, 256, 3)
    with pytest.raises(PortError, match="no multiples of 256"):
        coltran(jnp.zeros((1, 300, 300, 3)))
