"""Frozen modules answer before the model, lie as the layout says, and are neither optimized nor part of the state."""

from __future__ import annotations

from pathlib import Path

import jax
import pytest

from bvc.compile.mesh.mesh import smallest
from bvc.component.names import parameters
from bvc.runtime.checkpoints.leaves import named
from tests.compile.parts import VIT, checked, compiled

TEACHER = f"""
[frozen.prof]
{VIT}
[objective.terms.teach]
type = "distill"
feeds = {{ teacher = "frozen.prof.logits" }}

[objective.terms.task]
type = "softmax_xent"
weight = 0.5
"""


def test_the_teacher_is_no_part_of_the_state(tmp_path: Path) -> None:
    program = compiled(tmp_path, TEACHER)
    assert not any("prof" in name for name in named(program.state))
    assert len(program.update.trained) == len(jax.tree.leaves(program.params))
    assert program.frozen[0].read == ("logits",)


def test_layout_rules_know_them_by_name(tmp_path: Path) -> None:
    rule = 'match = "frozen/prof/.*/kernel"\nshard = "fsdp"\nmin_size = "1 B"'
    program = compiled(tmp_path, TEACHER, "[mesh]\naxes = { fsdp = 2 }", "[[layout]]", rule)
    laid = program.training(smallest(program.experiment.mesh)).layout
    assert all(place.axis is None for place in laid.leaves)
    assert any(place.axis == "fsdp" for place in laid.frozen["prof"].leaves)
    assert {place.name for place in laid.frozen["prof"].leaves} >= {
        f"frozen/prof/{each.name}" for each in parameters(program.frozen[0].module) if each.layer is None
    }


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (("prof.logits", "prof.logit"), "B0130", "`frozen.prof.logit`"),
        (("prof.logits", "teacher.logits"), "B0130", "`frozen.teacher.logits`"),
        (("out_dim = 8\nhead", "out_dim = 7\nhead"), "B0304", "`c`"),
        (("patch = 4", "patchs = 4"), "B0102", "patchs"),
        (("width = 16", "random = 1\nwidth = 16"), "B0110", "random"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, change: tuple[str, str], code: str, said: str) -> None:
    assert change[0] in TEACHER
    told = checked(tmp_path, TEACHER.replace(*change)).diagnostics
    found = [diagnostic for diagnostic in told if diagnostic.severity == "error"]
    assert [diagnostic.code for diagnostic in found] == [code]
    assert said in f"{found[0].message} {found[0].label} {found[0].notes}"
