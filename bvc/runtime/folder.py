"""A folder on this machine or in a store (`gs://`, `s3://`, `memory://`): whole files, written at once or not
at all.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import fsspec

from bvc.runtime.refusals import as_os_errors


class Folder:
    """A folder by path or URL. Methods raise `OSError`; a missing file reads as None.

    On this machine a file is replaced by rename; stores replace an object in one request. `local` is the path
    on this machine, or None.
    """

    @as_os_errors()
    def __init__(self, url: str | Path) -> None:
        """Raises `ValueError` for an unknown protocol, `ImportError` where its fsspec driver is missing, `OSError`
        where the driver finds nothing to sign in with.
        """
        self.url = str(url).rstrip("/") if "://" in str(url) else str(url)
        self.local: Path | None = None
        if "://" not in self.url or self.url.startswith("file://"):
            self.local = Path(self.url.removeprefix("file://")).absolute()
            self._root = str(self.local)
            return
        self._fs, self._root = fsspec.core.url_to_fs(self.url)

    def __truediv__(self, name: str) -> Folder:
        return Folder(f"{self.url}/{name}")

    def __str__(self) -> str:
        return self.url

    @as_os_errors()
    def make(self) -> None:
        """Make the folder and those above it."""
        if self.local:
            self.local.mkdir(parents=True, exist_ok=True)
        else:
            self._fs.makedirs(self._root, exist_ok=True)

    @as_os_errors()
    def names(self) -> list[str]:
        """Names of the files and folders in it, sorted; none where it does not exist."""
        if self.local:
            return sorted(os.listdir(self.local)) if self.local.is_dir() else []
        if not self._fs.isdir(self._root):
            return []
        self._fs.invalidate_cache(self._root)
        return sorted(path.rstrip("/").rsplit("/", 1)[-1] for path in self._fs.ls(self._root, detail=False))

    @as_os_errors()
    def read(self, name: str) -> bytes | None:
        """The content of a file, or None if there is none."""
        try:
            if self.local:
                return (self.local / name).read_bytes()
            return self._fs.cat_file(f"{self._root}/{name}")
        except FileNotFoundError:
            return None

    @as_os_errors()
    def read_range(self, name: str, start: int, stop: int) -> bytes:
        """The bytes of a file from `start` to `stop`, fewer where it ends before. Raises `FileNotFoundError`."""
        if not self.local:
            return self._fs.cat_file(f"{self._root}/{name}", start=start, end=stop)
        with open(self.local / name, "rb") as file:
            file.seek(start)
            return file.read(stop - start)

    @as_os_errors()
    def write(self, name: str, data: bytes) -> None:
        """Replace a file; a reader sees the old content or the new, never a part."""
        if not self.local:
            self._fs.pipe_file(f"{self._root}/{name}", data)
            return
        draft = self.local / f".{name}.{os.getpid()}"
        try:
            with open(draft, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self.local / name)
        finally:
            draft.unlink(missing_ok=True)

    @as_os_errors()
    def remove(self, name: str) -> None:
        """Remove a file or a folder with what is in it; nothing happens if it is not there."""
        if self.local:
            path = self.local / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        elif self._fs.exists(f"{self._root}/{name}"):
            self._fs.rm(f"{self._root}/{name}", recursive=True)

    @as_os_errors()
    def rename(self, name: str, new: str) -> None:
        """Rename a folder; atomic on this machine. Stores copy what is in it, file by file."""
        if self.local:
            os.replace(self.local / name, self.local / new)
            return
        for path in (self / name).files():  # fsspec's own `mv` asks S3 for the folder itself
            self._fs.cp_file(f"{self._root}/{name}/{path}", f"{self._root}/{new}/{path}")
        self.remove(name)

    @as_os_errors()
    def files(self) -> dict[str, int]:
        """Every file below it, by its path from here, with its size in bytes; sorted."""
        if self.local:
            found = {
                str(path.relative_to(self.local)): path.stat().st_size
                for path in self.local.rglob("*")
                if path.is_file()
            }
        else:
            listed = self._fs.find(self._root, detail=True)
            found = {path[len(self._root) :].lstrip("/"): info["size"] for path, info in listed.items()}
        return dict(sorted(found.items()))

    @as_os_errors()
    def put(self, name: str, source: Path) -> None:
        """Copy a file of this machine into it, with the folders that `name` has."""
        if self.local:
            target = self.local / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            return
        self._fs.makedirs(os.path.dirname(f"{self._root}/{name}"), exist_ok=True)
        self._fs.put_file(str(source), f"{self._root}/{name}")

    @as_os_errors()
    def stream(self, name: str, chunks: Iterable[bytes | memoryview]) -> None:
        """Write a file of a store piece by piece; it is whole when this has returned."""
        with self._fs.open(f"{self._root}/{name}", "wb") as file:
            for chunk in chunks:
                file.write(chunk)

    @as_os_errors()
    def get(self, name: str, target: Path) -> None:
        """Copy a file of a store to this machine."""
        target.parent.mkdir(parents=True, exist_ok=True)
        self._fs.get_file(f"{self._root}/{name}", str(target))
