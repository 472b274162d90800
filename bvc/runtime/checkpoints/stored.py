"""Reading checkpoints: the newest one that verifies. Changes nothing where they lie."""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
from jaxtyping import PyTree
from orbax.checkpoint import v1 as ocp

from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import run as catalog
from bvc.runtime.checkpoints import manifest as manifests
from bvc.runtime.checkpoints.leaves import described, differences, named
from bvc.runtime.checkpoints.manifest import Manifest
from bvc.runtime.folder import Folder
from bvc.runtime.processes.peers import of_first

TROUBLE = (OSError, ValueError, RuntimeError, KeyError)
"""What orbax and tensorstore raise when they cannot write or read; a full disk is a ValueError."""

_STEP = re.compile(r"\d{9}")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checkpoint that verified: `extra` is what was saved with it."""

    step: int
    state: PyTree
    extra: Mapping[str, Any]


_Picked = tuple[int | None, tuple[Folder, Manifest] | None, dict[int, str]]
"""The step of a checkpoint that verified, with its folder on this machine; what is wrong with newer ones."""


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

    def pick(scratch: Path) -> _Picked:
        reasons: dict[int, str] = {}
        for step in reversed(steps(folder)):
            found = _verified(folder / folder_name(step), step, scratch / folder_name(step))
            if isinstance(found, tuple):
                return step, found, reasons
            if found is not None:
                reasons[step] = found
        if reasons:
            raise Failed(catalog.no_checkpoint_verifies(str(folder), reasons))
        return None, None, reasons

    return _load(folder, pick, wanted, part)


def at(folder: Folder, step: int, wanted: PyTree, *, part: bool = False) -> Loaded:
    """The checkpoint of one step. Raises `Failed`: not there, damaged (B0523), or as `newest` does."""
    name = folder_name(step)

    def pick(scratch: Path) -> _Picked:
        there = steps(folder)
        known = ", ".join(str(each) for each in there) or "none"
        found = f"there is none (there are: {known})"
        if step in there:
            found = _verified(folder / name, step, scratch)
        if not isinstance(found, tuple):
            raise Failed(catalog.checkpoint_unreadable(str(folder / name), found or "its upload did not end"))
        return step, found, {}

    loaded, _ = _load(folder, pick, wanted, part)
    assert loaded is not None
    return loaded


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
        folder = _at_hand(folder, manifest, scratch)
    except FileNotFoundError as error:
        return f"its file `{error.filename or error}` is missing"
    except OSError as error:
        return f"it cannot be read ({reason(error)})"
    except ValueError as error:
        return str(error)
    return manifests.damage(folder, manifest) or (folder, manifest)


def _load(
    folder: Folder, pick: Callable[[Path], _Picked], wanted: PyTree, part: bool
) -> tuple[Loaded | None, dict[int, str]]:
    """What the first process picks, which verifies it; all processes read their parts of it."""
    verified: list[tuple[Folder, Manifest] | None] = []

    with tempfile.TemporaryDirectory(prefix="bvc-") as scratch:

        def first() -> tuple[int | None, dict[int, str]]:
            step, found, reasons = pick(Path(scratch))
            verified.append(found)
            return step, reasons

        step, reasons = of_first(first)
        reasons = {int(damaged): wrong for damaged, wrong in reasons.items()}  # JSON made them texts
        if step is None:
            return None, reasons
        place = folder / folder_name(step)
        found = verified[0] if verified else _seen(place, Path(scratch))
        if found is None:
            raise Failed(catalog.checkpoint_unreadable(str(place), "this process does not see it"))
        return Loaded(step, _read(*found, wanted, part), found[1].extra), reasons


def _seen(folder: Folder, scratch: Path) -> tuple[Folder, Manifest] | None:
    """A folder on this machine with its manifest, which another process has verified."""
    try:
        data = folder.read(manifests.NAME)
        manifest = manifests.decode(data or b"")
        return _at_hand(folder, manifest, scratch), manifest
    except (OSError, ValueError):
        return None


def _at_hand(folder: Folder, manifest: Manifest, scratch: Path) -> Folder:
    if folder.local:
        return folder
    for path in manifest.files:
        folder.get(path, scratch / path)
    return Folder(scratch)


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
