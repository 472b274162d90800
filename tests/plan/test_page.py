"""The page of a plan: memory over a step ends at the plan's figures, parts lie where jax puts them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import jax
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec

from bvc.plan.devices import draw_layout, held_part, part_of
from bvc.plan.memory.moments import Moment, phases
from bvc.plan.page import by_axis, memory_chart, render_page
from bvc.plan.parameters import ParameterRow
from bvc.plan.plan import Plan
from bvc.plan.report import as_json


def test_the_memory_over_a_step_reaches_the_peak_of_the_plan(planned: Callable[[str], Plan]) -> None:
    fsdp = planned("fsdp")
    moments = fsdp.memory.over_time
    assert max(moment.bytes for moment in moments) == fsdp.memory.step
    starts = [moment.start for moment in moments]
    assert starts == sorted(starts) and 0 <= starts[0] and starts[-1] <= 1
    assert {"forward", "backward", "update"} == {moment.phase for moment in moments}
    top = memory_chart(fsdp).series[-1]
    unit = 2**30 if fsdp.memory.total >= 2**30 else 2**20
    assert max(top.y) == pytest.approx(fsdp.memory.total / unit)


def test_a_page_has_the_numbers_and_loads_nothing(planned: Callable[[str], Plan]) -> None:
    fsdp = planned("fsdp")
    page = render_page(fsdp)
    assert page.count("<svg") == 1 + len(by_axis(fsdp.parameters))
    assert "http" not in page and "<script" not in page
    assert (
        "plan for a test: 8 gpu devices" in page and "all-gather" in page and "where parameters lie" in page
    )
    assert json.loads(as_json(fsdp))["memory"]["over_time"][0].keys() == {"start", "bytes", "phase"}


def test_short_interruptions_are_part_of_a_stretch() -> None:
    places: list[tuple[float, str]] = [
        (0.0, "forward"),
        (0.4, "update"),
        (0.41, "forward"),
        (0.5, "backward"),
    ]
    moments = [Moment(start, 1, phase) for start, phase in places]  # type: ignore[arg-type]
    assert phases(moments) == [("forward", 0.0, 0.5), ("backward", 0.5, 1.0)]
    assert phases([]) == []


@pytest.mark.parametrize("axis", ["data", "fsdp", "tensor"])
def test_parts_lie_where_jax_puts_them(axis: str) -> None:
    axes = {"data": 2, "fsdp": 2, "tensor": 2}
    mesh = jax.make_mesh(tuple(axes.values()), tuple(axes), devices=jax.devices()[:8])
    placed = NamedSharding(mesh, PartitionSpec(None, axis)).devices_indices_map((3, 8))
    found = [placed[device][1].start or 0 for device in mesh.devices.flat]
    assert found == [4 * part_of(number, axis, axes) for number in range(8)]
    row = ParameterRow("kernel", "", (3, 8), "float32", "", True, 48, axis, 1)
    assert held_part(row, axes) == (3, 4)


def test_thousands_of_devices_are_drawn_by_their_first() -> None:
    axes = {"data": 32, "fsdp": 64}
    row = ParameterRow("kernel", "", (512, 8), "float32", "", True, 256, "fsdp", 0)
    drawing = draw_layout("fsdp", [row], axes)
    assert len(drawing.marks) < 400
    texts = [getattr(mark, "text", "") for mark in drawing.marks]
    assert any(text.startswith("the first 128 of 2048 devices") for text in texts)
    assert math.isfinite(drawing.height) and np.isfinite(drawing.width)
