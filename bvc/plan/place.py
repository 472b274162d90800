"""Where in a component an op comes from, in words for a report."""

from __future__ import annotations

import sysconfig
from pathlib import Path
from typing import Any, Literal

import jax

from bvc.compile.step.gradient import FORWARD
from bvc.plan.ops import Op

Pass = Literal["forward", "backward", "recomputed", "update"]

_PACKAGE = Path(__file__).parent.parent
_INSTALLED = (
    *(sysconfig.get_path(kind) for kind in ("purelib", "platlib", "stdlib")),
    str(Path(jax.__file__).parents[1]),  # not always where packages of this interpreter are
)
# The machinery between a component and the primitive: the line that a reader wants is the component's.
_MACHINERY = tuple(str(_PACKAGE / part) for part in ("component", "compile", "check", "plan"))


def pass_of(op: Op) -> Pass:
    """In which part of the step an op runs."""
    if "rematted" in op.scope:
        return "recomputed"
    if "transpose" in op.scope:
        return "backward"
    return "forward" if "jvp" in op.scope or FORWARD in op.scope else "update"


def place_of(op: Op) -> str:
    """`backward of vit.py:45 (attention)`, or only the pass if no line of a component is known."""
    line = component_line(op.source)
    name = pass_of(op)
    if not line:
        return name
    return f"{name} {line}" if name in ("forward", "update") else f"{name}, from {line}"


def component_line(source: Any) -> str:
    """`FILE:LINE (FUNCTION)` of the innermost frame in a component, or an empty text."""
    traceback = getattr(source, "traceback", None)
    for frame in traceback.frames if traceback is not None else ():
        file = frame.file_name
        own = file.startswith(str(_PACKAGE))
        if file.startswith(_MACHINERY) or (file.startswith(_INSTALLED) and not own) or file.startswith("<"):
            continue
        shown = Path(file).relative_to(_PACKAGE.parent) if own else Path(file).name
        return f"{shown}:{frame.line_num} ({frame.function_name})"
    return ""
