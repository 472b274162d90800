"""Finding and reading files: each one is read once per load."""

from __future__ import annotations

import difflib
import posixpath
from pathlib import Path

from bvc.diagnostics import Diagnostic, Failed, Place, Sources
from bvc.diagnostics.catalog import fragments, syntax
from bvc.spec.document import Document, document
from bvc.spec.read import read
from bvc.spec.report import Report
from bvc.spec.stdlib import stdlib_root

STD = "std:"


class Files:
    """The files of one load, by name."""

    def __init__(self, sources: Sources, report: Report) -> None:
        self.sources = sources
        self.report = report
        self.known: dict[str, Document | tuple[Diagnostic, ...]] = {}

    def main(self, name: str) -> Document:
        """The spec's own file. Raises `Failed`."""
        if not _is_name(name):
            raise Failed(syntax.unreadable(None, name, "not the name of a file"))
        path = Path(name)
        try:
            return self._read(path, name)
        except OSError as error:
            self.sources.setdefault(name, "")
            raise Failed(syntax.unreadable(None, name, _reason(error), _close(path))) from None

    def used(self, name: str, place: Place, user: str) -> Document:
        """The file that `use = "name"` at `place` of the file `user` means. Raises `Failed`."""
        file = resolved(name, user)
        path = _path(file)
        if path is None:
            raise Failed(self._missing(place, name, file))
        try:
            return self._read(path, file)
        except FileNotFoundError:
            raise Failed(self._missing(place, name, file)) from None
        except OSError as error:
            raise Failed(syntax.unreadable(place, file, _reason(error))) from None

    def _read(self, path: Path, file: str) -> Document:
        known = self.known.get(file)
        if known is None:
            try:
                made = document(read(path, file, self.sources), file)
            except Failed as failed:
                self.sources.setdefault(file, "")
                known = failed.diagnostics
            else:
                known = made
                self.report.add(made.wrong)
            self.known[file] = known
        if isinstance(known, tuple):
            raise Failed(known)
        return known

    def _missing(self, place: Place, name: str, file: str) -> Diagnostic:
        std = file.startswith(STD)
        if std:
            root = stdlib_root()
            names = sorted(f"{STD}{path.relative_to(root).as_posix()[:-5]}" for path in root.rglob("*.toml"))
        else:
            folder = Path(file).parent
            names = sorted(path.name for path in folder.glob("*.toml")) if folder.is_dir() else []
        return fragments.missing_fragment(place, name, file, names, std=std)


def resolved(name: str, user: str) -> str:
    """The name of the file that `use = "name"` in the file `user` means, as it stands in a `Place`."""
    if name.startswith(STD):
        inside = name.removeprefix(STD)
    elif user.startswith(STD):
        inside = posixpath.join(posixpath.dirname(user.removeprefix(STD)), name)
    else:
        return posixpath.normpath(posixpath.join(posixpath.dirname(user), name))
    inside = posixpath.normpath(inside)
    return f"{STD}{inside}" if inside.endswith(".toml") else f"{STD}{inside}.toml"


def _is_name(name: str) -> bool:
    """Whether the system can look for a file of this name at all."""
    return "\0" not in name and not any(0xD800 <= ord(character) <= 0xDFFF for character in name)


def _path(file: str) -> Path | None:
    if not _is_name(file):
        return None
    if not file.startswith(STD):
        return Path(file)
    inside = file.removeprefix(STD)
    if inside.startswith(("/", "..")):
        return None
    return stdlib_root() / inside


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return "it is a folder"
    if isinstance(error, PermissionError):
        return "permission denied"
    return (error.strerror or str(error)).lower()


def _close(path: Path) -> list[str]:
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix == ".toml"]
    except OSError:
        return []
    return [str(path.parent / name) for name in difflib.get_close_matches(path.name, names, n=1)]
