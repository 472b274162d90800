"""Files that records name: read whole, and only from below a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from bvc.component import DataError


def read_below(folder: Path, name: str) -> bytes:
    """The bytes of the file `name` below `folder`.

    Raises:
        DataError: the name leads out of the folder, or the file cannot be read.
    """
    path = Path(name)
    if path.is_absolute() or ".." in path.parts:
        raise DataError(f"a file name that leads out of its folder: `{name}`", str(folder))
    try:
        return (folder / path).read_bytes()
    except OSError as error:
        raise DataError(f"a file that cannot be read: {error.strerror}", str(folder / path)) from error


def identified(*parts: object, files: Iterable[str | Path]) -> str:
    """A text that changes with `parts` and with names, sizes and times of change of files.

    Raises:
        DataError: a file is not there.
    """
    found: list[object] = [*parts]
    for file in map(Path, files):
        try:
            stat = file.stat()
        except OSError as error:
            raise DataError(f"a file that cannot be read: {error.strerror}", str(file)) from error
        found.append((file.name, stat.st_size, stat.st_mtime_ns))
    return hashlib.sha256(repr(found).encode()).hexdigest()


def located(path: str, root: str) -> Path:
    """A path of a spec: relative ones lie below the data directory."""
    return Path(root, Path(path).expanduser())
