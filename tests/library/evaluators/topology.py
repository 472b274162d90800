"""Specs whose evaluations run as in a run, on some of the devices that are here."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import jax

from bvc.check import check
from bvc.compile.mesh.mesh import resolve_mesh
from bvc.compile.program import Program, compile_experiment
from bvc.compile.step.state import State, state_shardings
from bvc.runtime.assemble import Machine, evaluations, initial_state
from bvc.runtime.files import find_files


class Begun(NamedTuple):
    """A run before its first step."""

    program: Program
    here: Machine
    state: State

    def metrics(self, root: Path) -> dict[str, float]:
        """Metrics of all evaluations, of the data in `root`."""
        found: dict[str, float] = {}
        for each in evaluations(self.program, str(root), self.here):
            measured = each.run(self.state, lambda: None)
            found |= {each.prefix + name: value for name, value in measured.items()}
        return found


def begun(file: Path, devices: int, params: str = "") -> Begun:
    """A run of a spec with values for its params, with the examples split over the devices.

    Raises:
        Failed: it cannot begin.
    """
    checked = check(str(file), params)
    assert checked.ok and checked.experiment is not None, checked.diagnostics
    program = compile_experiment(find_files(checked.experiment), 1)
    grid = resolve_mesh(program.experiment.mesh, devices)
    parts = program.training(grid, unroll=True)
    here = Machine(grid, grid.place(jax.devices()[:devices]), parts, program.steps, tell=lambda text: None)
    return Begun(
        program, here, initial_state(program, state_shardings(program.state, here.step.layout, here.mesh))
    )


def metrics(file: Path, devices: int) -> dict[str, float]:
    """Metrics of all evaluations of a spec at step 0.

    Raises:
        Failed: an evaluation cannot measure.
    """
    return begun(file, devices).metrics(file.parent)
