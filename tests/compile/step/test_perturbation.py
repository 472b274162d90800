"""SAM and GSAM around the gradient, under any layout, in parts, and with frozen parameters."""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
import optax
import pytest

from bvc.compile.step.perturbation import Perturbation
from tests.compile.parts import OBJECTIVE, checked, compiled
from tests.compile.toy import Toy, rule, update_of

GSAM = Perturbation(lambda step: np.float32(0.3), 0.4, False, "perturbed")


def test_what_is_frozen_is_neither_moved_nor_counted() -> None:
    leaves = [np.ones(3, np.float32), np.ones(2, np.float32)]
    seen: list[list[jax.Array]] = []

    def gradients_at(moved: list[jax.Array]) -> list[jax.Array | None]:
        seen.append(moved)
        return [moved[0], None]

    found, _ = GSAM(gradients_at, leaves, [np.float32([0, 3, 4]), None], jax.numpy.int32(0))
    np.testing.assert_allclose(seen[0][0], 1 + 0.3 * np.float32([0, 0.6, 0.8]), rtol=1e-6)
    np.testing.assert_array_equal(seen[0][1], leaves[1])
    assert found[1] is None


def test_layers_that_are_frozen_are_not_moved() -> None:
    params = Toy(jax.random.key(0)).text.blocks
    update = update_of(params, optax.identity(), [rule("01/.*", freeze=True)])
    ones = [np.ones(leaf.shape, np.float32) for leaf in jax.tree.leaves(params)]
    for leaf in update.masked(ones):
        assert leaf is not None
        np.testing.assert_array_equal(np.asarray(leaf).reshape(len(leaf), -1)[:, 0], [1, 0, 1])


@pytest.mark.parametrize(
    ("table", "code", "said"),
    [
        ("rho = -0.1", "B0112", "rho"),
        ("alpha = 0.1", "B0101", "rho"),
        ("rho = 0.1\nlr = [0.0, 1.0]", "B0301", "two numbers"),
        ('rho = [0.1, 0.6]\nschedule = { type = "cosine" }', "B0301", "learning rate"),
        ('rho = 0.1\nminimize = "both"', "B0111", "both"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, table: str, code: str, said: str) -> None:
    found = checked(tmp_path, OBJECTIVE, "[perturbation]", table).diagnostics
    assert [diagnostic.code for diagnostic in found] == [code], found
    assert said in f"{found[0].message} {found[0].label} {found[0].notes}"


def test_rho_follows_its_schedule_or_the_learning_rate(tmp_path: Path) -> None:
    """The learning rate that the step itself uses: in big_vision rho is one step ahead of it."""
    schedule = 'schedule = { type = "linear", end = 0.5 }'
    own = compiled(tmp_path, OBJECTIVE, "[perturbation]", "rho = 0.2", schedule).perturbation
    follows = compiled(
        tmp_path, OBJECTIVE, "[perturbation]", "rho = [0.1, 0.6]\nlr = [0.0, 0.2]"
    ).perturbation
    assert own is not None
    assert follows is not None
    assert [float(own.rho(jax.numpy.int32(step))) for step in (0, 4)] == pytest.approx([0.2, 0.1])
    assert float(follows.rho(jax.numpy.int32(0))) == pytest.approx(0.35)
