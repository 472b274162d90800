"""Reading checkpoints: the newest one that verifies. Changes nothing where they lie."""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
from jaxtyping import PyTree
from orbax.checkpoint import v1 as ocp

from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import run as catalog
from bvc.runtime import manifest as manifests
from bvc.runtime.folder import Folder
from bvc.runtime.leaves import described, differences, named
from bvc.runtime.manifest import Manifest

TROUBLE = (OSError, ValueError, RuntimeError, KeyError)
"""What orbax and tensorstore raise when they cannot write or read; a full disk is a ValueError."""

_STEP = re.compile(r"\d{9}")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checkpoint that verified: `extra` is what was saved with it."""

    step: int
    state: PyTree
    extra: Mapping[str, Any]


def folder_name(step: int) -> str:
    """The folder of a complete checkpoint."""
    return f"{step:09d}"


def steps(folder: Folder) -> list[int]:
    """The steps of the checkpoints that look complete, oldest first."""
    return [int(name) for name in folder.names() if _STEP.fullmatch(name)]


def newest(folder: Folder, wanted: PyTree, *, part: bool = False) -> tuple[Loaded | None, dict[int, str]]:
    """The newest checkpoint that verifies, and what is wrong with each newer one (step -> reason).

    Args:
        folder: where the checkpoints lie.
        wanted: the state as ShapeDtypeStructs; their shardings say where the arrays go.
        part: `wanted` may be a part of what was saved, such as the parameters alone.

    Raises:
        Failed: there are checkpoints and none verifies (B0521), the arrays are not those wanted (B0522), or
            they cannot be read (B0523).
    """
    reasons: dict[int, str] = {}
    for step in reversed(steps(folder)):
        with tempfile.TemporaryDirectory(prefix="bvc-") as scratch:
            found = _verified(folder / folder_name(step), step, Path(scratch))
            if isinstance(found, tuple):
                state = _read(*found, wanted, part)
                return Loaded(step, state, found[1].extra), reasons
        if found is not None:
            reasons[step] = found
    if reasons:
        raise Failed(catalog.no_checkpoint_verifies(str(folder), reasons))
    return None, reasons


def at(folder: Folder, step: int, wanted: PyTree, *, part: bool = False) -> Loaded:
    """The checkpoint of one step. Raises `Failed`: not there, damaged (B0523), or as `newest` does."""
    name = folder_name(step)
    if step not in steps(folder):
        known = ", ".join(str(each) for each in steps(folder)) or "none"
        raise Failed(catalog.checkpoint_unreadable(str(folder / name), f"there is none (there are: {known})"))
    with tempfile.TemporaryDirectory(prefix="bvc-") as scratch:
        found = _verified(folder / name, step, Path(scratch))
        if not isinstance(found, tuple):
            wrong = found or "its upload did not end"
            raise Failed(catalog.checkpoint_unreadable(str(folder / name), wrong))
        return Loaded(step, _read(*found, wanted, part), found[1].extra)


def judge(folder: Folder, step: int) -> Manifest | str:
    """What the checkpoint of a step says of itself, or what is wrong with it."""
    with tempfile.TemporaryDirectory(prefix="bvc-") as scratch:
        found = _verified(folder / folder_name(step), step, Path(scratch))
    return found[1] if isinstance(found, tuple) else found or "its upload did not end"


def reason(error: BaseException) -> str:
    """Why writing or reading failed, without the paths and codes that tensorstore puts around it."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    text = str(error).split("\n", 1)[0]
    named_by_system = re.search(r"(?:: |^)([A-Z][A-Za-z ]+?) \[os_error_code", text)
    return named_by_system[1].lower() if named_by_system else text


def quiet_orbax() -> None:
    """Keep orbax's tracebacks out of the log.

    It writes one for every layer through which the error of a full disk passes; bvc tells it once.
    """
    logging.getLogger("absl").addFilter(_not_of_orbax)


def _not_of_orbax(record: logging.LogRecord) -> bool:
    return "orbax" not in record.pathname


def _verified(folder: Folder, step: int, scratch: Path) -> tuple[Folder, Manifest] | str | None:
    """A folder on this machine with its manifest, or what is wrong; None for an upload that never ended."""
    try:
        data = folder.read(manifests.NAME)
        if data is None:
            return "it has no manifest" if folder.local else None
        manifest = manifests.decode(data)
        if manifest.step != step:
            return f"its manifest is that of step {manifest.step}"
        if not folder.local:
            for path in manifest.files:
                folder.get(path, scratch / path)
            folder = Folder(scratch)
    except FileNotFoundError as error:
        return f"its file `{error.filename or error}` is missing"
    except OSError as error:
        return f"it cannot be read ({reason(error)})"
    except ValueError as error:
        return str(error)
    return manifests.damage(folder, manifest) or (folder, manifest)


def _read(folder: Folder, manifest: Manifest, wanted: PyTree, part: bool) -> PyTree:
    leaves = named(wanted)
    saved = {name: text for name, text in manifest.arrays.items() if name in leaves or not part}
    other = differences(saved, described(leaves))
    if other:
        raise Failed(catalog.checkpoint_differs(str(folder), other))
    context = ocp.Context()
    context.pytree.loading.partial_load = part
    try:
        with context:
            found = ocp.load(str(folder.local), leaves)
    except TROUBLE as error:
        raise Failed(catalog.checkpoint_unreadable(str(folder), reason(error))) from error
    return jax.tree.unflatten(jax.tree.structure(wanted), [found[name] for name in leaves])
