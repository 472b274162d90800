"""Files that evaluators leave: `evals/NAME/STEP/` in the work directory, written by the first process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

import jax

from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import run as catalog
from bvc.runtime.contents import EVALS
from bvc.runtime.folder import Folder


def keep_files(workdir: Folder, evaluation: str, step: int, files: Mapping[str, bytes]) -> None:
    """Write the files of one evaluation; those of the same step are replaced.

    Raises:
        Failed: they cannot be written (B0514).
    """
    if jax.process_index() != 0:
        return
    folder = workdir / f"{EVALS}/{evaluation}/{step:09d}"
    try:
        for name, data in files.items():
            path = PurePosixPath(name)
            inner = folder / str(path.parent) if path.parent.name else folder
            inner.make()
            inner.write(path.name, data)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Failed(catalog.cannot_write(f"what `evals.{evaluation}` saves", str(folder), reason)) from error
