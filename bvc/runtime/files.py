"""Files that an experiment names: found in one place, before anything is built.

A relative path is looked for in the current directory, then in the directories of `$BVC_FILES` (separated as in
`$PATH`); `std:` is the standard library.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bvc.compile.nodes import is_file, map_nodes
from bvc.component.error import DataError
from bvc.diagnostics import Diagnostic, Failed, Origin
from bvc.diagnostics.catalog import missing as catalog
from bvc.ir import ModelNode, Node
from bvc.library.checkpoints.archive import address, there
from bvc.spec.stdlib import stdlib_root

T = TypeVar("T")

VARIABLE = "BVC_FILES"


def candidates(path: str) -> list[Path]:
    """Where a path of a spec is looked for, in order."""
    if path.startswith("std:"):
        return [stdlib_root() / path.removeprefix("std:")]
    wanted = Path(path).expanduser()
    if wanted.is_absolute():
        return [wanted]
    roots = [Path.cwd(), *(Path(root) for root in os.environ.get(VARIABLE, "").split(os.pathsep) if root)]
    return [root / wanted for root in roots]


def find_files(part: T) -> T:
    """A part of an experiment, or all of it, with every file that it names found, as an absolute path.

    Raises:
        Failed: with every file that is missing, and where it was looked for (B0502, B0503).
    """
    missing: list[Diagnostic] = []

    def found(
        path: str,
        origin: Origin,
        tell: Callable[..., Diagnostic],
        there: Callable[[Path], bool] = Path.exists,
    ) -> str:
        tried = candidates(path)
        for candidate in tried:
            if there(candidate):
                return str(candidate)
        missing.append(tell(path, origin, [str(each) for each in tried], VARIABLE))
        return path

    def found_checkpoint(path: str, origin: Origin) -> str:
        try:
            where = address(path)
        except DataError:  # of no kind that is known: what reads it says so
            return found(path, origin, catalog.checkpoint_missing)
        file = found(str(where.file), origin, catalog.checkpoint_missing, there)
        return f"{file}:{where.subtree}" if where.subtree else file

    def replaced(node: Node) -> Node:
        files = {
            name: found(value, node.origins.get(name, node.origin), catalog.file_missing)
            for name, value in node.settings.items()
            if isinstance(value, str) and is_file(node, name)
        }
        node = dataclasses.replace(node, settings={**node.settings, **files})
        if isinstance(node, ModelNode) and node.init is not None:
            origin = node.origins.get("init", node.origin)
            return dataclasses.replace(node, init=found_checkpoint(node.init, origin))
        return node

    located = map_nodes(part, replaced)
    if missing:
        raise Failed(missing)
    return located
