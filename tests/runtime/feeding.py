"""Records and pipelines for tests of the feed; workers import this file."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, SupportsIndex

import numpy as np

from bvc.compile.pipeline.run import Pipeline, Step
from bvc.component.error import DataError
from bvc.component.feature import Feature


@dataclass(frozen=True)
class Numbers:
    """Example i holds i; what happens at some numbers can be told."""

    size: int
    bad: int | None = None
    long: int | None = None
    deadly: int | None = None
    slow: int | None = None
    huge: int | None = None

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: SupportsIndex) -> Mapping[str, Any]:
        number = index.__index__()
        if number == self.bad:
            raise DataError("a damaged record")
        if number == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        if number == self.slow:
            time.sleep(3600)
        value = 2**40 if number == self.huge else number
        return {
            "number": np.asarray(value, np.int64),
            "values": np.zeros(3 if number == self.long else 2, np.float32),
            "words": [f"{number}-{i}" for i in range(number % 3)],
        }

    def describe(self, index: int) -> str:
        return f"number {index}"


def _draw(number: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.random(2, np.float32)


NUMBER = Feature("int64")
NUMBERS = Pipeline(
    (Step("draw", _draw, {"number": "number"}, {"": "drawn"}, frozenset({"rng"}), 0),),
    {"number": NUMBER, "drawn": Feature("float32", (2,))},
)
VALUES = Pipeline((), {"values": Feature("float32", (2,))})
LOOSE = Pipeline((), {"values": Feature("float32", ("n",))})
WORDS = Pipeline((), {"words": Feature("str"), "number": NUMBER})
