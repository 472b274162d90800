"""What a search found, as text for people and as JSON for programs."""

from __future__ import annotations

import json
import shlex
from typing import Any

from bvc.plan.fit.fit import Choice, Fit
from bvc.plan.plan import Plan
from bvc.plan.table import table
from bvc.plan.units import milliseconds, size

_CHANGES = {
    "products": "matrix products in bfloat16 instead of float32 change the numbers of the run",
    "parameters": "parameters and the optimizer's state in bfloat16 change the numbers of the run: they resolve only "
    "updates above 1/256 of a value",
}


def render_fit(found: Fit, command: str) -> str:
    """The report of `bvc plan --fit`; `command` is what the flags are added to."""
    target = found.given.plan.target
    devices = f"{target.devices} {target.kind} device{'s' * (target.devices != 1)}"
    head = [
        f"fit for {target.name}: {devices} of {size(target.memory)}",
        f"{found.candidates} ways compared; for {found.planned} a step was planned, the others cannot be better",
    ]
    named = [("the spec as it is", found.given)]
    if found.exact is not None:
        named.append(("fastest that fits", found.exact))
    if found.fastest is not None:
        named.append(("fastest in lower precision", found.fastest))
    if found.least is not None:
        named.append(("least memory", found.least))
    rows = [("", "step", "memory", "mesh"), *(_row(name, choice.plan) for name, choice in named)]
    parts = [head, table(rows, right=(1, 2), indent="")]
    parts += [_flags(name, choice, command) for name, choice in named[1:] if choice is not found.least]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def fit_as_json(found: Fit) -> str:
    """The choices with their flags and numbers; bytes of one device, seconds of a step at peak rates."""
    choices = {
        "given": found.given,
        "exact": found.exact,
        "fastest": found.fastest,
        "least": found.least,
    }
    document: dict[str, Any] = {
        "target": found.given.plan.target.name,
        "memory": found.given.plan.target.memory,
        "candidates": found.candidates,
        "planned": found.planned,
        **{name: None if choice is None else _numbers(choice) for name, choice in choices.items()},
    }
    return json.dumps(document, indent=2) + "\n"


def _numbers(choice: Choice) -> dict[str, Any]:
    plan = choice.plan
    return {
        "flags": [f"{path}={value}" for path, value in choice.flags],
        "precision": choice.candidate.precision,
        "mesh": dict(plan.mesh),
        "memory": plan.memory.total,
        "excess": plan.excess,
        "seconds": None if plan.roofline is None else plan.roofline.step,
    }


def _row(name: str, plan: Plan) -> tuple[str, str, str, str]:
    mesh = ", ".join(f"{axis} = {length}" for axis, length in plan.mesh.items())
    step = "" if plan.roofline is None else milliseconds(plan.roofline.step)
    needed = size(plan.memory.total)
    return name, step, f"{needed}, {size(plan.excess)} too much" if plan.excess else needed, f"{{ {mesh} }}"


def _flags(name: str, choice: Choice, command: str) -> list[str]:
    """The command that runs it, to be copied."""
    flags = [f"--set {shlex.quote(f'{path}={value}')}" for path, value in choice.flags]
    lines = [f"{name}{': the spec as it is' if not flags else ''}"]
    lines += [f"  {_CHANGES[choice.candidate.precision]}"] if choice.candidate.precision in _CHANGES else []
    return [*lines, " \\\n      ".join([f"  {command}", *flags])]
