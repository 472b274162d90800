"""Memory that is freed stays with the process."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys, threading
import numpy as np
from bvc.runtime.allocation import keep_freed_memory

if sys.argv[1] == "kept":
    keep_freed_memory()

def faults(size):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(size)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def work(size):
    found.append([faults(size) for _ in range(3)][-1])

found = []
work(2**24)  # 128 MB
thread = threading.Thread(target=work, args=[2**22])
thread.start()
thread.join()
print(*found)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc alone")
def test_an_array_lies_where_the_one_before_did() -> None:
    """Else each is mapped anew, in a thread too."""
    faults = {
        how: [int(number) for number in run([sys.executable, "-c", FAULTS, how]).split()]
        for how in ("kept", "given back")
    }
    assert all(kept < back / 8 for kept, back in zip(faults["kept"], faults["given back"], strict=True)), (
        faults
    )


def run(command: list[str]) -> str:
    """What a command prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
