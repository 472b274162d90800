"""The process that compiles: `python -m bvc.plan.xla.worker`, a question on stdin, an answer on stdout, both JSON.

A process of its own, because compilers read their environment when they load, print what they like, and end the
process where they find themselves wrong.
"""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import replace
from typing import Any

import jax

from bvc.bind import bind
from bvc.compile.mesh.mesh import resolve_mesh
from bvc.compile.program import Program, compile_experiment
from bvc.compile.step.step import compile_step
from bvc.plan.target import find_target, this_machine
from bvc.plan.xla.absent import absent_devices
from bvc.spec import load


def main() -> None:
    """Answer one question (`ask.py`): bytes at the peak, or why there is no program."""
    question = json.load(sys.stdin)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # compilers print to either
    try:
        answer = compiled(**question)
    except jax.errors.JaxRuntimeError as error:
        answer = objection(str(error))
    json.dump(answer, answers)
    answers.close()
    os._exit(0)  # plugins that never had a device fall over their own ends


def compiled(
    spec: str, params: str, settings: list[tuple[str, str]], target: str | None, drawn: dict[str, float]
) -> dict[str, Any]:
    """The memory of a step, compiled for `target` (None: this machine)."""
    program = compile_experiment(bind(load(spec, params, [(path, value) for path, value in settings])))
    for each in program.variants:
        if dict(each.drawn) == drawn:
            program = replace(program, forward=each.forward, variants=(each,))
    hardware = find_target(target) if target else this_machine()
    devices = absent_devices(hardware) if target else jax.devices()
    step = _lowered(program, devices, hardware.name, unroll=hardware.kind == "cpu").compile()
    stats = step.memory_analysis()
    if hardware.kind != "cpu":
        return {"peak": stats.peak_memory_in_bytes, "refused": False}
    # there what XLA calls the peak is the arguments
    results = stats.output_size_in_bytes - stats.alias_size_in_bytes
    peak = stats.argument_size_in_bytes + results + stats.temp_size_in_bytes
    return {"peak": peak, "refused": False}


def _lowered(program: Program, devices: Any, name: str, *, unroll: bool) -> Any:
    grid = resolve_mesh(program.experiment.mesh, len(devices), name)
    training = program.training(grid, unroll=unroll)
    step: Any = compile_step(training, grid.place(devices), program.state)
    frozen = [{each.name: each.params for each in training.frozen}] if training.frozen else []
    return step.lower(program.state, dict(program.batch), *frozen)


_NEEDED = re.compile(r"temporaries \(([\d.]+)([KMGT]?)\)")


def objection(message: str) -> dict[str, Any]:
    """Why a compiler gave up: the bytes of a step are too many, or its own words.

    What libtpu calls temporaries has the arguments in it: it goes on where the peaks of smaller batches end.
    """
    found = _NEEDED.search(message)
    if found is None:
        return {"failed": message.strip().splitlines()[0]}
    return {"peak": int(float(found[1]) * 2 ** (10 * " KMGT".index(found[2] or " "))), "refused": True}


if __name__ == "__main__":
    main()
