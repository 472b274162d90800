"""How long `bvc check` and `bvc plan` take from the start of the process to its end, in turns with another checkout.

    python bench/start.py [--beside CHECKOUT] [--turns 7] [SPEC...]

Prints medians, by the clock and of processors. Bytecode is kept, as an installation keeps it, whatever the environment
says: without it Python compiles bvc's sources at each start.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
TARGET = "h100:8"


def seconds(checkout: Path, arguments: list[str], bytecode: str) -> tuple[float, float]:
    """Of the clock and of processors."""
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPATH": str(checkout), "PYTHONPYCACHEPREFIX": bytecode}
    command = [sys.executable, "-m", "bvc", *arguments]
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True)
    clock, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    # 1: the plan does not fit
    assert done.returncode in (0, 1) and "Traceback" not in done.stderr, done.stderr
    return clock, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def compare(checkouts: list[Path], arguments: list[str], turns: int, bytecode: str) -> None:
    """Print the medians of a command in each checkout."""
    taken: dict[Path, list[tuple[float, float]]] = {checkout: [] for checkout in checkouts}
    for checkout in checkouts:
        seconds(checkout, arguments, bytecode)  # writes bytecode
    for _ in range(turns):
        for checkout, runs in taken.items():
            runs.append(seconds(checkout, arguments, bytecode))
    for checkout, runs in taken.items():
        clock, processors = (statistics.median(column) for column in zip(*runs, strict=True))
        print(f"{clock:.2f} s, of processors {processors:.2f} s: bvc {' '.join(arguments)} ({checkout.name})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("specs", nargs="*", default=["specs/siglip_coco.toml"], metavar="SPEC")
    parser.add_argument("--beside", type=Path, metavar="CHECKOUT")
    parser.add_argument("--turns", type=int, default=7)
    given = parser.parse_args()
    checkouts = [ROOT, *([given.beside.resolve()] if given.beside else [])]
    with tempfile.TemporaryDirectory() as bytecode:
        for spec in given.specs:
            compare(checkouts, ["check", spec], given.turns, bytecode)
            compare(checkouts, ["plan", spec, "--target", TARGET], given.turns, bytecode)


if __name__ == "__main__":
    main()
