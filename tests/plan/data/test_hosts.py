"""What the hosts must do beside a step."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from bvc.compile.program import Program
from bvc.plan.data.hosts import host_need
from bvc.plan.page import render_page
from bvc.plan.plan import Plan
from bvc.plan.report import as_json, render
from bvc.plan.roofline import Roofline
from bvc.runtime.files import find_files


def test_examples_cores_and_memory_of_each_host(
    program: Callable[[str], Program], planned: Callable[[str], Plan]
) -> None:
    """32 examples in half a second, for 8 devices with 4 on a host."""
    plan = planned("data")
    timed = replace(
        plan, roofline=Roofline(0.5, 0.0, 0.1), target=replace(plan.target, host_devices=4, flop_rate={})
    )
    need = host_need(program("mesh=data"), timed, find_files)
    assert need is not None
    assert (need.hosts, need.rate, need.stopped) == (2, 32.0, "")
    assert need.core is not None and need.cores is not None
    assert need.cores == need.rate / need.core > 0
    assert need.memory > 16 * 48 * 48 * 3  # at least the host's part of a batch, as uint8
    text = render(timed, hosts=need)
    assert "hosts, in that time" in text and "on each of 2 hosts" in text
    assert json.loads(as_json(timed, need))["hosts"]["cores"] == need.cores
    assert "hosts, in that time" in render_page(timed, need)


def test_nothing_is_said_where_the_time_of_a_step_is_not_known(
    program: Callable[[str], Program], planned: Callable[[str], Plan]
) -> None:
    assert host_need(program("mesh=data"), planned("data"), find_files) is None
