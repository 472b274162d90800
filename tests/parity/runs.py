"""What was recorded of big_vision's log, clock and loop.

The layouts of checkpoints that the file describes in words are tested in `tests/library/checkpoints`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bvc.runtime.metrics.clock import Clock
from tests.parity.reference import Comparison, Reference, compares
from tests.runtime.recorded import FakeClock, happens, rows, timed


@compares("metric file, chronometer")
def runs(reference: Reference) -> Iterator[Comparison]:
    """Lines of the metrics file, times and speeds, and which steps log, save, keep and evaluate."""
    meta = reference.meta
    lines = meta["metrics_file"]["text"].splitlines()
    yield Comparison("metrics_file", float(rows() != lines), 0.0)
    chrono, fake = meta["chrono"], FakeClock()
    clock = Clock(batch=32, devices=chrono["device_count"], kind="cpu", now=fake)
    for number, (found, recorded) in enumerate(timed(chrono, clock, fake)):
        same = found.keys() == recorded.keys() and np.allclose(
            list(found.values()), [recorded[k] for k in found]
        )
        yield Comparison(f"chrono {number}", float(not same), 0.0)
    for number, loop in enumerate(meta["train_loop"]["rows"]):
        ours, theirs = happens(loop)
        for what, steps in theirs.items():
            yield Comparison(f"train_loop {number} {what}", float(ours[what] != steps), 0.0)
