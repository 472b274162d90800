"""Weighted sums of objectives: each term is a mean over its own weight, and is logged."""

from __future__ import annotations

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from bvc.component import MeshContext
from tests.compile.parts import checked, compiled

SUM = """
[objective.terms.soft]
type = "softmax_xent"
weight = 0.25

[objective.terms.hard]
type = "sigmoid_xent"
"""


def test_each_term_is_a_mean_over_its_own_weight(tmp_path: Path) -> None:
    """The step on every mesh: `test_frozen.py`."""
    objective = compiled(tmp_path, SUM).forward.objective
    random = np.random.default_rng(0)
    arrays = {name: jnp.asarray(random.random((16, 6), np.float32)) for name in ("logits", "labels")}
    loss = objective({"model": arrays, "batch": arrays}, MeshContext())
    soft, hard = (total / weight for total, weight in (loss.metrics["loss_soft"], loss.metrics["loss_hard"]))
    assert float(loss.total / loss.weight) == pytest.approx(float(0.25 * soft + hard), rel=1e-6)
    assert objective.coupled


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (SUM.replace("weight = 0.25", "weight = -1.0"), "B0112", "weight"),
        (SUM.replace("softmax_xent", "softmax"), "B0103", "softmax"),
        (SUM + '[objective]\ntype = "softmax_xent"\n', "B0117", "type"),
        ("[objective]\nterms = {}\n", "B0101", "terms"),
        (SUM.replace("weight", "wieght"), "B0102", "wieght"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, code: str, said: str) -> None:
    found = checked(tmp_path, text).diagnostics
    assert [diagnostic.code for diagnostic in found] == [code], found
    assert said in f"{found[0].message} {found[0].label} {found[0].notes}"
