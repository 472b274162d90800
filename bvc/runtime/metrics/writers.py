"""Writers of metrics besides bvc's own files, switched on by `run.writers`: TensorBoard, and Weights & Biases.

Their packages are extras, imported only when they are asked for. A row reaches them before it stands in the metrics
file: a run that was killed between the two measures the same row again, and what a writer has of it already is hidden
or left out, so that every step is there once.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import report as catalog
from bvc.runtime.folder import Folder
from bvc.runtime.metrics.tensorboard import TensorBoard
from bvc.runtime.metrics.weights_and_biases import WeightsAndBiases


class Writer(Protocol):
    """Where rows go. Methods may raise `OSError`, or the `Refused` of the writer's own."""

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """The row of a step; steps rise."""
        ...

    def close(self) -> None:
        """Bring everything to its place."""
        ...


WRITERS: Mapping[str, type[TensorBoard] | type[WeightsAndBiases]] = {
    "tensorboard": TensorBoard,
    "wandb": WeightsAndBiases,
}
"""By their names in `run.writers`, which are those of bvc's extras, too."""


def missing_writers(names: Sequence[str]) -> list[Diagnostic]:
    """What is to be installed for the writers of a run (B0554)."""
    return [
        catalog.writer_missing(name, WRITERS[name].MODULE, name)
        for name in names
        if importlib.util.find_spec(WRITERS[name].MODULE) is None
    ]


class Writers:
    """The writers of a run; none of them is opened before `open`."""

    def __init__(self, names: Sequence[str], folder: Folder) -> None:
        self._names, self._folder = names, folder
        self._open: dict[str, Writer] = {}

    def open(self, newest: int | None) -> None:
        """Open them; `newest` is the step of the last row that is kept. Raises `Failed` (B0555)."""
        for name in self._names:
            try:
                self._open[name] = WRITERS[name](self._folder, newest)
            except (OSError, *WRITERS[name].refusals()) as error:
                raise self._failed(name, error) from error

    def write(self, step: int, metrics: Mapping[str, Any]) -> None:
        """The row of a step; of arrays a file holds the shape, and a writer nothing. Raises `Failed` (B0555)."""
        scalars = {name: float(value) for name, value in metrics.items() if np.ndim(value) == 0}
        for name, writer in self._open.items():
            try:
                writer.write(step, scalars)
            except (OSError, *WRITERS[name].refusals()) as error:
                raise self._failed(name, error) from error

    def close(self) -> None:
        """Close them."""
        for writer in self._open.values():
            writer.close()

    def _failed(self, name: str, error: Exception) -> Failed:
        return Failed(catalog.writer_failed(name, getattr(error, "strerror", None) or str(error)))
