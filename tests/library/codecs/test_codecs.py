"""Codecs of UViM: what was recorded, and labels that come back."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bvc.component import SettingError
from bvc.library.codecs.depth import Depth
from bvc.library.codecs.panoptic import Panoptic
from tests.parity.reference import compare_file

RECORDED = Path(__file__).parents[2] / "reference" / "losses" / "uvim_tasks.npz"


@pytest.mark.slow
def test_recorded_tasks() -> None:
    failed = [str(comparison) for comparison in compare_file(RECORDED) if not comparison.ok]
    assert not failed, "\n".join(failed)


def test_labels_come_back() -> None:
    codec = Panoptic(size=(4, 8), patch=(2, 4), semantics=5, instances=3)
    instances = np.random.default_rng(0).integers(3, size=(2, 4, 8))
    semantics = np.array([0, 4, 2])[instances]
    found = jax.jit(lambda labels: codec.decode(codec.encode(labels)))(jnp.stack([semantics, instances], -1))
    np.testing.assert_array_equal(found["semantics"], semantics)
    np.testing.assert_array_equal(found["instances"], instances)


def test_an_empty_range_is_refused() -> None:
    with pytest.raises(SettingError, match="`max_depth` is not above"):
        Depth(size=8, patch=4, min_depth=10.0)
