"""A profiler trace of some steps, for TensorBoard, XProf or Perfetto: `profile/` in the work directory."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import jax

from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import run as catalog
from bvc.runtime.folder import Folder
from bvc.runtime.processes.peers import is_first

FOLDER = "profile"


class Trace:
    """Records what host and devices of the first process do in the steps from `first` to `last`."""

    def __init__(self, workdir: Folder, first: int, last: int) -> None:
        self._folder = workdir / FOLDER
        self._first, self._last = first, last
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    def before(self, step: int) -> None:
        """A step is about to be dispatched. Raises `Failed` (B0514)."""
        if self._scratch or not self._first <= step <= self._last or not is_first():
            return
        try:
            self._folder.make()
        except OSError as error:
            raise self._not_written(error) from error
        self._scratch = tempfile.TemporaryDirectory(prefix="bvc-")
        jax.profiler.start_trace(self._scratch.name)

    def after(self, step: int, results: Any) -> bool:
        """A step was dispatched; whether the trace is complete and written. Raises `Failed` (B0514)."""
        if self._scratch is None or step < self._last:
            return False
        jax.block_until_ready(results)
        self.close()
        return True

    def close(self) -> None:
        """Write what was recorded, if anything was. Raises `Failed` (B0514)."""
        scratch, self._scratch = self._scratch, None
        if scratch is None:
            return
        with scratch:
            jax.profiler.stop_trace()
            written = Folder(scratch.name)
            try:
                for name in written.files():
                    self._folder.put(name, Path(scratch.name) / name)
            except OSError as error:
                raise self._not_written(error) from error

    def __str__(self) -> str:
        return f"a trace of steps {self._first} to {self._last} lies in {self._folder}"

    def _not_written(self, error: OSError) -> Failed:
        reason = (error.strerror or str(error)).lower()
        return Failed(catalog.cannot_write("the trace", str(self._folder), reason))
