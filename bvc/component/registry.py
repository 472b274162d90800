"""Finding components by kind and name: bvc's own by their file, others by declaration.

The file `bvc/library/<kind>s/<name>.py` holds the component `<name>`; so names are known without importing
anything, and one component is imported without the others. Packages outside register through the entry point
group `bvc.components` (a module to import), or a spec imports them by `import = [...]`.
"""

from __future__ import annotations

import functools
import importlib
import traceback
from importlib.metadata import entry_points
from pathlib import Path

from bvc.component import optax_transforms
from bvc.component.annotation import Kind
from bvc.component.declare import Component, declared, declared_names, shown

_LIBRARY = Path(__file__).parent.parent / "library"


def find(kind: Kind, name: str) -> Component | None:
    """The component of this kind and name, or None; `optax.NAME` is a transform of optax."""
    if kind == "optimizer" and name.startswith(optax_transforms.PREFIX):
        return optax_transforms.transform(name)
    found = declared(kind, name)
    if found is not None:
        return found
    if name in _builtin_names(kind):
        importlib.import_module(f"bvc.library.{folder(kind)}.{name}")
    else:
        _load_entry_points()
    return declared(kind, name)


def names(kind: Kind) -> list[str]:
    """All names of a kind, sorted; imports no component of bvc's own."""
    _load_entry_points()
    return sorted({*_builtin_names(kind), *declared_names(kind)})


def near(kind: Kind, name: str) -> list[str]:
    """The names among which one that is unknown is looked for."""
    if kind == "optimizer" and name.startswith(optax_transforms.PREFIX):
        return optax_transforms.near(name)
    return names(kind)


def folder(kind: Kind) -> str:
    """The folder of `bvc/library` that holds this kind."""
    return f"{kind}s"


@functools.cache
def _builtin_names(kind: Kind) -> frozenset[str]:
    files = (_LIBRARY / folder(kind)).glob("*.py")
    return frozenset(file.stem for file in files if not file.stem.startswith("_"))


class LoadError(Exception):
    """A module of a user's components cannot be imported; says why, and at which line."""


def load(module: str) -> None:
    """Import a module that declares components.

    Raises:
        LoadError: it does not exist, or fails when it is run.
    """
    try:
        importlib.import_module(module)
    except Exception as error:  # whatever a user's file raises is the user's to hear of
        raise LoadError(_told(error)) from error


def broken() -> dict[str, str]:
    """Modules that installed packages name and that cannot be imported, with the reason."""
    return dict(_load_entry_points())


@functools.cache
def _load_entry_points() -> dict[str, str]:
    failed: dict[str, str] = {}
    for point in entry_points(group="bvc.components"):
        try:
            load(point.module)
        except LoadError as error:
            failed[point.module] = str(error)
    return failed


def _told(error: Exception) -> str:
    """The error in one line, with the line of the file that raised it."""
    first = str(error).split("\n", 1)[0]
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.msg} ({shown(error.filename)}:{error.lineno})"
    told = first if isinstance(error, ImportError | ValueError) else f"{type(error).__name__}: {first}"
    own = [f for f in traceback.extract_tb(error.__traceback__) if not _of_import(f.filename)]
    return f"{told} ({shown(own[-1].filename)}:{own[-1].lineno})" if own else told


def _of_import(file: str) -> bool:
    return file.startswith("<frozen ") or file in (__file__, importlib.__file__)
