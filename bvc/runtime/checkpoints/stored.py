"""Reading checkpoints: the newest one that verifies. Changes nothing where they lie."""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import jax
from jaxtyping import PyTree
from orbax.checkpoint import v1 as ocp

from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import run as catalog
from bvc.runtime.checkpoints import manifest as manifests
from bvc.runtime.checkpoints.leaves import described, differences, named
from bvc.runtime.checkpoints.manifest import Manifest
from bvc.runtime.checkpoints.uploaded import check_parts, read_parts
from bvc.runtime.folder import Folder
from bvc.runtime.processes.peers import gathered, of_first

TROUBLE = (OSError, ValueError, RuntimeError, KeyError)
"""What orbax and tensorstore raise when they cannot write or read; a full disk is a ValueError."""

T = TypeVar("T")

_STEP = re.compile(r"\d{9}")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checkpoint that verified: `extra` is what was saved with it."""

    step: int
    state: PyTree
    extra: Mapping[str, Any]


_Picked = tuple[int | None, tuple[Folder, Manifest] | None]
"""The step of a checkpoint, with the folder that holds its files: what of them lies on a disk has verified."""


class _Damaged(Exception):  # noqa: N818 - reads as what happened
    """Parts of a checkpoint are not what was saved, which shows while they are read; its text says what is wrong."""

    def __init__(self, step: int, wrong: str) -> None:
        super().__init__(wrong)
        self.step = step


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

    def pick(scratch: Path) -> _Picked:
        for step in reversed(steps(folder)):
            if step in reasons:
                continue
            name = folder_name(step)
            found = _tried(partial(_opened, folder / name, step, scratch / name))
            if isinstance(found, tuple):
                return step, found
            if found is not None:
                reasons[step] = found
        if reasons:
            raise Failed(catalog.no_checkpoint_verifies(str(folder), reasons))
        return None, None

    while True:
        try:
            return _load(folder, pick, reasons, wanted, part), reasons
        except _Damaged as damaged:
            reasons[damaged.step] = str(damaged)


def at(folder: Folder, step: int, wanted: PyTree, *, part: bool = False) -> Loaded:
    """The checkpoint of one step. Raises `Failed`: not there, damaged (B0523), or as `newest` does."""
    place = str(folder / folder_name(step))

    def pick(scratch: Path) -> _Picked:
        there = steps(folder)
        known = ", ".join(str(each) for each in there) or "none"
        found = f"there is none (there are: {known})"
        if step in there:
            found = _tried(lambda: _opened(folder / folder_name(step), step, scratch))
        if not isinstance(found, tuple):
            raise Failed(catalog.checkpoint_unreadable(place, found or "its upload did not end"))
        return step, found

    try:
        loaded = _load(folder, pick, {}, wanted, part)
    except _Damaged as damaged:
        raise Failed(catalog.checkpoint_unreadable(place, str(damaged))) from damaged
    assert loaded is not None
    return loaded


def judge(folder: Folder, step: int) -> Manifest | str:
    """What the checkpoint of a step says of itself, or what is wrong with it."""

    def whole() -> Manifest:
        with tempfile.TemporaryDirectory(prefix="bvc-") as scratch:
            found = _opened(folder / folder_name(step), step, Path(scratch))
            if found is None:
                raise ValueError("its upload did not end")
            check_parts(found[0], found[1].parts)
            return found[1]

    return _tried(whole)


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


def _opened(folder: Folder, step: int, scratch: Path) -> tuple[Folder, Manifest] | None:
    """A folder with its manifest; None for an upload that never ended.

    What orbax wrote is brought to this machine and compared; parts are compared where they are read.

    Raises:
        OSError: something cannot be read.
        ValueError: something is not what was written.
    """
    data = folder.read(manifests.NAME)
    if data is None and not folder.local:
        return None
    if data is None:
        raise ValueError("it has no manifest")
    manifest = manifests.decode(data)
    if manifest.step != step:
        raise ValueError(f"its manifest is that of step {manifest.step}")
    place = _at_hand(folder, manifest, scratch)
    wrong = None if manifest.parts else manifests.damage(place, manifest)
    if wrong:
        raise ValueError(wrong)
    return place, manifest


def _tried(read: Callable[[], T]) -> T | str:
    """What was read, or why a checkpoint cannot be used."""
    try:
        return read()
    except FileNotFoundError as error:
        return f"its file `{error.filename or error}` is missing"
    except OSError as error:
        return f"it cannot be read ({reason(error)})"
    except ValueError as error:
        return str(error)


def _load(
    folder: Folder, pick: Callable[[Path], _Picked], reasons: dict[int, str], wanted: PyTree, part: bool
) -> Loaded | None:
    """What the first process picks; all processes read their parts of it.

    `reasons`, what is wrong with others, becomes the first process's in all of them. Raises `_Damaged` in all of them.
    """
    verified: list[tuple[Folder, Manifest] | None] = []

    with tempfile.TemporaryDirectory(prefix="bvc-") as scratch:

        def first() -> tuple[int | None, dict[int, str]]:
            step, found = pick(Path(scratch))
            verified.append(found)
            return step, reasons

        step, told = of_first(first)
        reasons |= {int(damaged): wrong for damaged, wrong in told.items()}  # JSON made them texts
        if step is None:
            return None
        place = folder / folder_name(step)
        found = verified[0] if verified else _seen(place, Path(scratch))
        if found is None:
            raise Failed(catalog.checkpoint_unreadable(str(place), "this process does not see it"))
        return Loaded(step, _read(*found, wanted, part), found[1].extra)


def _seen(folder: Folder, scratch: Path) -> tuple[Folder, Manifest] | None:
    """A folder with its manifest, which another process has verified."""
    try:
        data = folder.read(manifests.NAME)
        manifest = manifests.decode(data or b"")
        return _at_hand(folder, manifest, scratch), manifest
    except (OSError, ValueError):
        return None


def _at_hand(folder: Folder, manifest: Manifest, scratch: Path) -> Folder:
    if folder.local or manifest.parts:
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
    found = _of_parts(folder, manifest, leaves) if manifest.parts else _of_orbax(folder, leaves, part)
    return jax.tree.unflatten(jax.tree.structure(wanted), [found[name] for name in leaves])


def _of_parts(folder: Folder, manifest: Manifest, leaves: Mapping[str, Any]) -> dict[str, Any]:
    found = _tried(lambda: read_parts(folder, manifest.parts, leaves))
    wrong = [said for said in gathered(found if isinstance(found, str) else None) if said is not None]
    if isinstance(found, str) or wrong:
        raise _Damaged(manifest.step, wrong[0])
    return found


def _of_orbax(folder: Folder, leaves: Mapping[str, Any], part: bool) -> dict[str, Any]:
    context = ocp.Context()
    context.pytree.loading.partial_load = part
    try:
        with context:
            return ocp.load(str(folder.local), leaves)
    except TROUBLE as error:
        raise Failed(catalog.checkpoint_unreadable(str(folder), reason(error))) from error
