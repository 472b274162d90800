"""A store of objects for tests, in a folder that several processes share: `objects:///FOLDER/KEY`.

As in real stores an object is there whole or not at all, folders are but names, and nothing can be renamed.
"""

from __future__ import annotations

import contextlib
import io
import os
import uuid
from pathlib import Path
from typing import Any, ClassVar

import fsspec
from fsspec.spec import AbstractFileSystem


class Killed(BaseException):
    """The end of a process."""


class Objects(AbstractFileSystem):
    """Keys are paths of this machine; a name that begins with `.` is that of an upload that has not ended."""

    protocol = "objects"
    cachable = False
    left: ClassVar[int | None] = None
    """Changes that succeed before this process is killed, as it seems."""

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.removeprefix("objects://").rstrip("/")

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        path = self._strip_protocol(path)
        if os.path.isfile(path):
            return {"name": path, "size": os.path.getsize(path), "type": "file"}
        if any(not name.startswith(".") for _, _, files in os.walk(path) for name in files):
            return {"name": path, "size": 0, "type": "directory"}
        raise FileNotFoundError(path)

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        path = self._strip_protocol(path)
        listed: list[dict[str, Any]] = []
        for name in sorted(os.listdir(path)):
            with contextlib.suppress(FileNotFoundError):  # no name of any object
                if not name.startswith("."):
                    listed.append(self.info(f"{path}/{name}"))
        return listed if detail else [each["name"] for each in listed]

    def _open(self, path: str, mode: str = "rb", **_: Any) -> Any:
        return open(path, "rb") if mode == "rb" else _Upload(self, Path(path))

    def pipe_file(self, path: str, value: bytes, **_: Any) -> None:
        self.place(Path(self._strip_protocol(path)), value)

    def cp_file(self, path1: str, path2: str, **_: Any) -> None:
        self.place(Path(path2), Path(path1).read_bytes())

    def rm(self, path: str, recursive: bool = False, maxdepth: int | None = None) -> None:
        for each in self.find(self._strip_protocol(path)):
            self._change()
            os.unlink(each)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        pass

    def place(self, path: Path, data: bytes) -> None:
        """Make the object visible."""
        self._change()
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{uuid.uuid4().hex}")
        draft.write_bytes(data)
        os.replace(draft, path)

    @classmethod
    def _change(cls) -> None:
        if cls.left == 0:
            raise Killed
        if cls.left is not None:
            cls.left -= 1


class _Upload(io.BytesIO):
    def __init__(self, store: Objects, path: Path) -> None:
        super().__init__()
        self._store, self._path = store, path

    def close(self) -> None:
        if not self.closed:
            self._store.place(self._path, self.getvalue())
        super().close()


fsspec.register_implementation("objects", Objects, clobber=True)
