"""A number of an objective may change over the run: `weight = { peak = 2.0, type = "linear" }`."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pytest

from bvc.bind.tables import TABLES
from bvc.compile.update.schedule import Scheduled, now
from bvc.component import Scheduled as Setting
from bvc.component import component
from bvc.component.execution import Execution, executing
from tests.compile.parts import SPEC, checked, compiled

TERMS = """
[objective.terms.first]
type = "softmax_xent"

[objective.terms.second]
type = "softmax_xent"
weight = { peak = 2.0, type = "linear", end = 0.5, warmup = "1 steps" }
"""


def codes(folder: Path, weight: str) -> list[str]:
    terms = TERMS.rsplit("weight", 1)[0] + f"weight = {weight}\n"
    return [each.code for each in checked(folder, terms).diagnostics]


def test_a_setting_of_an_objective_follows_its_schedule(own_components: Path) -> None:
    (own_components / "my_lab.py").write_text(
        textwrap.dedent("""
        import jax.numpy as jnp
        from jaxtyping import Array, Float
        from bvc.component import Loss, Scheduled, component

        @component("objective")
        def scaled(logits: Float[Array, "b c"], *, by: Scheduled = 1.0) -> Loss:
            \"\"\"The sum of logits.\"\"\"
            return Loss(by * jnp.sum(logits), jnp.float32(logits.shape[0]))
        """)
    )
    spec = 'import = ["my_lab"]\n' + SPEC
    table = '[objective]\ntype = "scaled"\nby = { peak = 3.0, type = "cosine", warmup = "50%" }\n'
    program = compiled(own_components, table, spec=spec)
    (term,) = program.forward.objective.terms
    by = term.settings["by"]
    assert isinstance(by, Scheduled)
    for step, expected in ((0, 0.0), (1, 1.5), (2, 3.0), (3, 1.5)):
        with executing(Execution(step=step)):
            np.testing.assert_allclose(now(by), expected, rtol=1e-6)
    assert now(0.25) == 0.25


@pytest.mark.parametrize(
    ("weight", "expected"),
    [
        ("0.5", []),
        ("-0.5", ["B0112"]),
        ('{ peak = -1.0, type = "linear" }', ["B0112"]),
        ('{ type = "linear" }', ["B0101"]),
        ('{ peak = 1.0, type = "linaer" }', ["B0103"]),
        ('{ peak = 1.0, type = "stair", steps = ["1 epochs"], mults = [0.5, 0.1] }', ["B0301"]),
        ('"much"', ["B0110"]),
    ],
)
def test_bad_weights_are_told(weight: str, expected: list[str], tmp_path: Path) -> None:
    assert codes(tmp_path, weight) == expected


def test_only_what_is_called_in_the_step_may_change() -> None:
    with pytest.raises(TypeError, match="for objectives"):

        @component("evaluator")
        def late(*, by: Setting = 1.0) -> None:
            """None."""

    assert "objective.terms.NAME" in TABLES
