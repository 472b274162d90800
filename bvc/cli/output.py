"""Files that a command was asked to write."""

from __future__ import annotations

from pathlib import Path

from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import report as catalog


def write(path: str, data: bytes) -> None:
    """Replace a file. Raises `Failed` (B0553)."""
    try:
        Path(path).write_bytes(data)
    except OSError as error:
        raise Failed(catalog.not_drawn(path, (error.strerror or str(error)).lower())) from error
