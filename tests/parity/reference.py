"""Recorded files, and who compares them.

A module `tests/parity/<family>.py` that calls `@compares(...)` is found by itself: the function gets a
`Reference` and yields `Comparison`s.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

import tests.parity


class UnknownFamily(Exception):
    """No module of this package compares files of that family."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One array of ours against the recorded one, or a count of wrong entries for integers and booleans."""

    name: str
    error: float
    tolerance: float

    @property
    def ok(self) -> bool:
        """False for NaN too."""
        return self.error <= self.tolerance

    def __str__(self) -> str:
        return f"{'ok  ' if self.ok else 'FAIL'}  {self.name}  {self.error:.1e}  {self.tolerance:.0e}"


@dataclass(frozen=True, slots=True)
class Reference:
    """A recorded file: what it says of itself, and its arrays by their first word (`params`, `outputs`, ...)."""

    file: Path
    meta: Mapping[str, Any]
    arrays: Mapping[str, Mapping[str, np.ndarray]]

    def group(self, name: str) -> Mapping[str, np.ndarray]:
        """All arrays below `name/`, without it."""
        return self.arrays.get(name, {})


Handler = Callable[[Reference], Iterator[Comparison]]
_HANDLERS: dict[str, Handler] = {}


def compares(*families: str) -> Callable[[Handler], Handler]:
    """Register a function for the files whose `meta.family` is one of these, or starts with one of them."""

    def register(handler: Handler) -> Handler:
        _HANDLERS.update(dict.fromkeys(families, handler))
        return handler

    return register


def read_reference(file: Path) -> Reference:
    """Open a recorded file."""
    arrays: dict[str, dict[str, np.ndarray]] = {}
    with np.load(file, allow_pickle=False) as archive:
        meta = json.loads(str(archive["meta"]))
        for name in archive.files:
            group, _, rest = name.partition("/")
            leaf = archive[name]
            low = leaf.dtype == np.dtype("V2")  # how numpy writes bfloat16
            arrays.setdefault(group, {})[rest] = leaf.view(ml_dtypes.bfloat16) if low else leaf
    return Reference(file, meta, arrays)


def compare_file(file: Path) -> list[Comparison]:
    """Every comparison that a recorded file asks for.

    Raises:
        UnknownFamily: nobody compares files of this kind.
    """
    for module in pkgutil.iter_modules(tests.parity.__path__):
        if not module.name.startswith("_") and not module.name.startswith("test_"):
            importlib.import_module(f"tests.parity.{module.name}")
    reference = read_reference(file)
    family = "trajectory" if "steps" in reference.arrays else str(reference.meta["family"])
    found = _HANDLERS.get(family)
    if found is None:
        found = next((handler for name, handler in _HANDLERS.items() if family.startswith(name)), None)
    if found is None:
        raise UnknownFamily(f'nothing compares files of the family "{family}"')
    return list(found(reference))


def close(
    name: str, ours: Any, theirs: np.ndarray, tolerance: float, scale: float | None = None
) -> Comparison:
    """Largest difference over the largest recorded magnitude (or `scale`); exact for integers and booleans."""
    ours = np.asarray(ours)
    if ours.shape != theirs.shape:
        return Comparison(f"{name} (shape {ours.shape}, recorded {theirs.shape})", float("inf"), tolerance)
    if theirs.dtype.kind in "iub":
        return Comparison(name, float(np.sum(ours != theirs)), 0.0)
    largest = float(np.max(np.abs(theirs), initial=0.0)) if scale is None else scale
    error = np.max(np.abs(ours.astype(np.float64) - theirs.astype(np.float64)), initial=0.0)
    return Comparison(name, float(error) / (largest or 1.0), tolerance)


def absent(name: str, tolerance: float) -> Comparison:
    """Something recorded that we do not compute."""
    return Comparison(f"{name} (not computed)", float("inf"), tolerance)
