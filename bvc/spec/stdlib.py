"""Where the standard library of specs lies."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def stdlib_root() -> Path:
    """The folder behind `std:`: package data in an installed wheel, `stdlib/` in a checkout."""
    package = Path(__file__).resolve().parent.parent
    packed = package / "_stdlib"
    return packed if packed.is_dir() else package.parent / "stdlib"
