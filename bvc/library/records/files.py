"""Files that records name: read whole, and only from below a folder."""

from __future__ import annotations

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


def located(path: str, root: str) -> Path:
    """A path of a spec: relative ones lie below the data directory."""
    return Path(root, Path(path).expanduser())
