"""Have the step compiled, in a process of its own (`worker.py`)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import plan as catalog
from bvc.plan.plan import Plan
from bvc.plan.xla.compiled import Compiled
from bvc.plan.xla.installed import Compiler, find_compiler


def with_compiled(plan: Plan, spec: str, params: str, settings: Sequence[tuple[str, str]] = ()) -> Plan:
    """A plan with what the compiler of its target says of the step.

    Args:
        plan: of the spec that follows.
        spec: the file.
        params: the text of its params.
        settings: leaves to set: path and text of the value.

    Raises:
        Failed: the compiler is not installed, does not know the target, or gave up for another reason than memory.
    """
    target, compiler = plan.target, find_compiler(plan.target)
    question = {
        "spec": spec,
        "params": params,
        "settings": list(settings),
        "target": None if target.is_here else target.name,
        "drawn": dict(plan.drawn),
    }
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "bvc.plan.xla.worker"],
        input=json.dumps(question),
        env=_environment(compiler),
        text=True,
        capture_output=True,
    )
    seconds = time.perf_counter() - started
    answer: dict[str, Any] = json.loads(done.stdout) if done.stdout else {"failed": _last_words(done)}
    if "failed" in answer:
        raise Failed(catalog.not_compiled(target.name, compiler.name, answer["failed"]))
    compiled = Compiled(compiler.name, answer["peak"], answer["refused"], seconds)
    return replace(plan, compiled=compiled)


def _environment(compiler: Compiler) -> dict[str, str]:
    own = {**os.environ, **compiler.environment}
    if compiler.flags:
        own["XLA_FLAGS"] = " ".join(filter(None, [os.environ.get("XLA_FLAGS"), *compiler.flags]))
    return own


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    """What a process that ended without an answer printed last."""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    ending = f"signal {-done.returncode}" if done.returncode < 0 else f"exit status {done.returncode}"
    return f"{lines[-1].strip()} ({ending})" if lines else f"it ended without a word ({ending})"
