"""Specs whose evaluations run as in a run, on some of the devices that are here."""

from __future__ import annotations

from pathlib import Path

import jax

from bvc.check import check
from bvc.compile.mesh import resolve_mesh
from bvc.compile.program import compile_experiment
from bvc.compile.state import state_shardings
from bvc.runtime.assemble import Machine, evaluations, initial_state
from bvc.runtime.files import find_files


def metrics(file: Path, devices: int, *settings: tuple[str, str]) -> dict[str, float]:
    """Metrics of all evaluations of a spec at step 0, with the examples split over the devices.

    Raises:
        Failed: an evaluation cannot measure.
    """
    checked = check(str(file), settings=settings)
    assert checked.ok and checked.experiment is not None, checked.diagnostics
    program = compile_experiment(find_files(checked.experiment), 1)
    grid = resolve_mesh(program.experiment.mesh, devices)
    parts = program.training(grid, unroll=True)
    here = Machine(grid, grid.place(jax.devices()[:devices]), parts, program.steps)
    state = initial_state(program, state_shardings(program.state, here.step.layout, here.mesh))
    found: dict[str, float] = {}
    for each in evaluations(program, str(file.parent), here):
        found |= {each.prefix + name: value for name, value in each.run(state, lambda: None).items()}
    return found
