"""Finding components by kind and name: bvc's own by their file, others by declaration.

The file `bvc/library/<kind>s/<name>.py` holds the component `<name>`; so names are known without importing
anything, and one component is imported without the others. Packages outside register through the entry point
group `bvc.components` (a module to import), or a spec imports them by `import = [...]`.
"""

from __future__ import annotations

import functools
import importlib
from importlib.metadata import entry_points
from pathlib import Path

from bvc.component.annotation import Kind
from bvc.component.declare import Component, declared, declared_names

_LIBRARY = Path(__file__).parent.parent / "library"


def find(kind: Kind, name: str) -> Component | None:
    """The component of this kind and name, or None."""
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


def folder(kind: Kind) -> str:
    """The folder of `bvc/library` that holds this kind."""
    return f"{kind}s"


@functools.cache
def _builtin_names(kind: Kind) -> frozenset[str]:
    files = (_LIBRARY / folder(kind)).glob("*.py")
    return frozenset(file.stem for file in files if not file.stem.startswith("_"))


@functools.cache
def _load_entry_points() -> None:
    for point in entry_points(group="bvc.components"):
        point.load()
