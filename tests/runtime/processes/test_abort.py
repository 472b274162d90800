"""A process that a library aborts says why, and ends with a status of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import os, threading
from bvc.diagnostics.catalog import processes
from bvc.runtime.processes.abort import on_abort

def abort():
    os.abort()

with on_abort(processes.process_lost(3, "gone"), 76):
    pass
with on_abort(processes.process_lost(4, "gone"), 77):
    {inside}
{after}
"""


@pytest.mark.parametrize(
    ("inside", "after", "status", "told"),
    [
        ("abort()", "", 77, "process 4 ends too"),
        (
            "thread = threading.Thread(target=abort); thread.start(); thread.join()",
            "",
            77,
            "process 4 ends too",
        ),
        ("pass", "abort()", -6, ""),
    ],
)
def test_abort(inside: str, after: str, status: int, told: str) -> None:
    program = PROGRAM.format(inside=inside, after=after)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == status
    assert told in ended.stderr if told else ended.stderr == ""
