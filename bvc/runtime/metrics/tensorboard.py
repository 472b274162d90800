"""Rows as TensorBoard events, in `tensorboard/` of the work directory."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from bvc.runtime.folder import Folder

FOLDER = "tensorboard"


class TensorBoard:
    """Writes scalars by tensorboardX, which needs no TensorFlow."""

    MODULE = "tensorboardX"

    def __init__(self, folder: Folder, newest: int | None) -> None:
        """Continue after step `newest`: TensorBoard hides what earlier event files say of later steps."""
        module: Any = importlib.import_module(self.MODULE)
        after = None if newest is None else newest + 1
        self._events = module.SummaryWriter(logdir=str(folder / FOLDER), purge_step=after)

    @staticmethod
    def refusals() -> tuple[type[Exception], ...]:
        """Nothing but `OSError`."""
        return ()

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """The row, brought to the file at once: a run that is killed loses none of its steps."""
        for name, value in metrics.items():
            self._events.add_scalar(name, value, step)
        self._events.flush()

    def close(self) -> None:
        """Close the event file."""
        self._events.close()
