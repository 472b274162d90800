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

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(2**24)  # 128 MB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def work():
    found.extend(faults() for _ in range(3))

found = []
thread = threading.Thread(target=work)
thread.start()
thread.join()
print(found[-1])
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc alone")
def test_an_array_lies_where_the_one_before_did() -> None:
    """Else each is mapped anew, in a thread too."""
    faults = {
        how: int(subprocess.run([sys.executable, "-c", FAULTS, how], check=True, capture_output=True).stdout)
        for how in ("kept", "given back")
    }
    assert faults["kept"] < faults["given back"] / 8
