"""The metrics file: one JSON object for each step that measured something, as big_vision writes it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import run as catalog
from bvc.runtime.folder import Folder

METRICS = "big_vision_metrics.txt"
"""Metrics that are the same whenever the run is repeated."""
CLOCK = "big_vision_clock.txt"
"""Metrics of the same steps that depend on the clock."""


class Rows:
    """A file of rows, appended to; rows are written in the order of their steps, each once."""

    def __init__(self, folder: Folder, name: str) -> None:
        self._folder = folder
        self._name = name
        self._file: IO[bytes] | None = None
        self._lines: list[bytes] = []

    def resume(self, last: int) -> int | None:
        """Cut off the rows after step `last` and a line that was not finished; the step of the last row left.

        Raises `Failed` if the file cannot be read (B0515) or written (B0514).
        """
        try:
            data = self._folder.read(self._name) or b""
        except OSError as error:
            raise Failed(
                catalog.cannot_read("the metrics", f"{self._folder}/{self._name}", _reason(error))
            ) from error
        kept: list[bytes] = []
        newest: int | None = None
        for line in data.split(b"\n")[:-1]:
            step = _step(line)
            if step is not None and step > last:
                break
            kept.append(line)
            newest = newest if step is None else step
        try:
            if b"".join(line + b"\n" for line in kept) != data:
                self._folder.write(self._name, b"".join(line + b"\n" for line in kept))
            if self._folder.local:
                self._file = open(self._folder.local / self._name, "ab", buffering=0)
        except OSError as error:
            raise self._not_written(error) from error
        self._lines = kept if not self._folder.local else []
        return newest

    def append(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Write the row of a step. Raises `Failed` (B0514)."""
        line = row(step, metrics).encode()
        try:
            if self._file:
                self._file.write(line + b"\n")
            else:  # stores cannot append
                self._lines.append(line)
                self._folder.write(self._name, b"\n".join(self._lines) + b"\n")
        except OSError as error:
            raise self._not_written(error) from error

    def sync(self) -> None:
        """Bring the rows to the disk, before a checkpoint relies on them. Raises `Failed` (B0514)."""
        try:
            if self._file:
                os.fsync(self._file.fileno())
        except OSError as error:
            raise self._not_written(error) from error

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()

    def _not_written(self, error: OSError) -> Failed:
        return Failed(catalog.cannot_write("the metrics", f"{self._folder}/{self._name}", _reason(error)))


def row(step: int, metrics: Mapping[str, Any]) -> str:
    """The line of a step: `step` first, every scalar a float, an array as its shape, NaN as the bare token.

    >>> row(5, {"training_loss": np.float32(0.5), "per_class": np.zeros((2, 3))})
    '{"step": 5, "training_loss": 0.5, "per_class": [2, 3]}'
    """
    values = {
        name: float(value) if np.ndim(value) == 0 else np.shape(value) for name, value in metrics.items()
    }
    return json.dumps({"step": step, **values})


def _step(line: bytes) -> int | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None  # not ours to judge: a line that someone damaged stays where it is
    step = found.get("step") if isinstance(found, dict) else None
    return step if isinstance(step, int) else None


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
