"""Draws: a function of seed, name and step; static ones set the model's call and have a step each."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import jax
import numpy as np
import pytest

from bvc.compile.step.draws import Draw
from bvc.diagnostics import Origin, Place
from bvc.ir import DrawNode
from bvc.plan.plan import plan
from bvc.plan.report import render
from bvc.plan.target import Target
from bvc.runtime.draws import DrawnFeed, Variants, placing
from tests.compile.parts import OBJECTIVE, SPEC, checked, compiled

FLEXI = SPEC.replace('type = "vit"\nsize = 8\n', 'type = "flexivit"\nfeeds = { seqhw = "draws.patches" }\n')
STATIC = "[draws.patches]\nvalues = [1, 2]\nstatic = true"
SCALED = """
[objective]
type = "scaled_by_draw"
feeds = { factor = "draws.factor" }

[draws.factor]
values = [1, 3]
"""


class Counting:
    """A feed of batches that hold nothing but their number."""

    def __init__(self, start: int) -> None:
        self.start = start

    def __iter__(self):
        for step in range(self.start, self.start + 5):
            yield {"image": np.full(4, step)}

    def skipped(self):
        return ()

    def close(self) -> None:
        pass


def draw(**settings) -> Draw:
    node = {"values": (5, 6, 8), "weights": None, "static": True, **settings}
    return Draw("patches", DrawNode(**node, origin=Origin((Place("spec.toml", 0, 1),))))


def test_values_are_drawn_by_their_weights() -> None:
    even = Counter(draw().index(0, step) for step in range(3000))
    assert all(900 < even[index] < 1100 for index in range(3))
    weighted = Counter(draw(weights=(1.0, 0.0, 3.0)).index(0, step) for step in range(3000))
    assert weighted[1] == 0
    assert 2.7 < weighted[2] / weighted[0] < 3.4
    assert [draw().index(0, step) for step in range(20)] != [draw().index(1, step) for step in range(20)]


def test_a_run_that_continues_draws_as_if_it_had_not_stopped() -> None:
    place = placing([draw()], lambda batch: batch)
    whole = [place(batch).drawn for batch in DrawnFeed(Counting(0), [draw()], 0, 0)]
    rest = [place(batch) for batch in DrawnFeed(Counting(2), [draw()], 0, 2)]
    assert [each.drawn for each in rest][:3] == whole[2:]
    assert set(rest[0].batch) == {"image"}


def test_every_variant_is_compiled_before_the_first_step() -> None:
    steps = {(value,): jax.jit(lambda state, batch, value=value: (state + value, {})) for value in (5, 6, 8)}
    variants = Variants([draw()], steps)
    place = placing([draw()], lambda batch: batch)
    state, seen = np.int32(0), 0
    for batch in DrawnFeed(Counting(0), [draw()], 0, 0):
        state, told = variants(state, place(batch))
        seen += told["draws/patches"]
        assert len(variants.compiled) == 3
    assert int(state) == seen


def test_each_value_has_its_own_program_and_the_plan_is_of_the_dearest(tmp_path: Path) -> None:
    program = compiled(tmp_path, STATIC, OBJECTIVE, spec=FLEXI)
    assert [each.drawn for each in program.variants] == [{"patches": 1}, {"patches": 2}]
    planned = plan(program, Target("a test", "gpu", 1, 2**30))
    assert planned.drawn == {"patches": 2}
    assert "patches = 2 needs most memory" in render(planned)


def test_other_draws_travel_with_the_batch(tmp_path: Path) -> None:
    assert compiled(tmp_path, SCALED).batch["draws.factor"].dtype == np.int32


@pytest.mark.parametrize(
    ("tables", "spec", "code"),
    [
        ((OBJECTIVE, STATIC.replace("[1, 2]", "[]")), FLEXI, "B0301"),
        ((OBJECTIVE, STATIC + "\nweights = [1.0]"), FLEXI, "B0301"),
        ((OBJECTIVE, STATIC.replace("static = true", "")), FLEXI, "B0308"),
        ((OBJECTIVE, STATIC.replace("patches", "patch")), FLEXI, "B0309"),
        ((OBJECTIVE, STATIC.replace("[1, 2]", "[1, 9]")), FLEXI, "B0302"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, tables: tuple[str, ...], spec: str, code: str) -> None:
    found = checked(tmp_path, *tables, spec=spec).diagnostics
    assert code in [diagnostic.code for diagnostic in found], found
