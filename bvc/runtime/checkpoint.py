"""Checkpoints: written beside the training, whole or not at all, verified before they are trusted.

`checkpoints/000001000/` holds what orbax wrote and a manifest. It is written under another name and renamed
when complete, so a folder with a plain number is complete unless someone changed it. In a store without
renaming the manifest is uploaded last, and a folder without one does not count.
"""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
from jaxtyping import PyTree
from orbax.checkpoint import v1 as ocp

from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import run as catalog
from bvc.runtime import manifest as manifests
from bvc.runtime.folder import Folder
from bvc.runtime.leaves import described, differences, named
from bvc.runtime.manifest import Manifest

ALWAYS_KEPT = 2
"""The newest checkpoints that rotation leaves: the second is there for the day when the first does not
verify.
"""

_STEP = re.compile(r"\d{9}")
_PARTIAL = ".partial"
# what orbax and tensorstore raise when they cannot write or read (a full disk is a ValueError)
_TROUBLE = (OSError, ValueError, RuntimeError, KeyError)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checkpoint that verified: `extra` is what was saved with it, `skipped` tells of newer ones that did
    not.
    """

    step: int
    state: PyTree
    extra: Mapping[str, Any]
    skipped: tuple[Diagnostic, ...]


class Checkpoints:
    """The checkpoints of a work directory. One save runs at a time, in a thread; not for use by several
    threads.
    """

    def __init__(self, folder: Folder, keep: Callable[[int], bool]) -> None:
        """`keep` says which steps rotation leaves, besides the newest two."""
        _quiet()
        self._folder = folder
        self._keep = keep
        self._thread = ThreadPoolExecutor(1, "checkpoint")
        self._running: Future[None] | None = None
        self._running_step = -1
        self.last: int | None = None
        """The step of the newest complete checkpoint that was loaded or saved."""

    def save(self, step: int, state: PyTree, extra: Mapping[str, Any]) -> None:
        """Begin to save; waits for the save before it. The arrays may be donated as soon as this returns.

        Raises `Failed` (B0514) if this save or the one before could not be written.
        """
        self.wait()
        if step == self.last:
            return
        leaves = named(state)
        scratch = None if self._folder.local else tempfile.TemporaryDirectory(prefix="bvc-")
        partial = Path(scratch.name if scratch else str(self._folder.local)) / f"{step:09d}{_PARTIAL}"
        try:
            self._folder.make()
            response = ocp.save_async(str(partial), leaves, overwrite=True)
        except _TROUBLE as error:
            raise self._not_written(step, error) from error

        def finish() -> None:
            response.result()
            manifest = Manifest(step, described(leaves_seen), manifests.checksums(Folder(partial)), extra)
            self._commit(partial, manifest)
            if scratch:
                scratch.cleanup()
            self._rotate(step)

        # only shapes and dtypes pass to the thread: the arrays themselves may be donated meanwhile
        leaves_seen = {name: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for name, leaf in leaves.items()}
        self._running_step = step
        self._running = self._thread.submit(finish)

    def wait(self) -> None:
        """Until no save is running. Raises `Failed` (B0514) if it could not be written."""
        running, self._running = self._running, None
        if running is None:
            return
        try:
            running.result()
        except _TROUBLE as error:
            raise self._not_written(self._running_step, error) from error
        self.last = self._running_step

    def poll(self) -> None:
        """As `wait`, but only if the save has ended: to hear of a failure soon."""
        if self._running is not None and self._running.done():
            self.wait()

    def close(self) -> None:
        """Wait for the running save and end the thread. Raises as `wait` does."""
        try:
            self.wait()
        finally:
            self._thread.shutdown()

    def steps(self) -> list[int]:
        """The steps of the complete checkpoints, oldest first."""
        return [int(name) for name in self._folder.names() if _STEP.fullmatch(name)]

    def load(self, wanted: PyTree) -> Loaded | None:
        """The newest checkpoint that verifies, or None if nothing was ever saved.

        Newer ones that do not verify are set aside under another name (a warning B0520 each).

        Args:
            wanted: the state as ShapeDtypeStructs; their shardings say where the arrays go.

        Raises:
            Failed: none of them verifies (B0521); its arrays are not those wanted (B0522).
        """
        self._sweep()
        reasons: dict[int, str] = {}
        for step in reversed(self.steps()):
            with tempfile.TemporaryDirectory(prefix="bvc-") as scratch:
                found = self._verified(step, Path(scratch))
                if isinstance(found, str):
                    reasons[step] = found
                    continue
                folder, manifest = found
                state = read(folder, manifest, wanted)
            self.last = step
            return Loaded(step, state, manifest.extra, tuple(self._set_aside(reasons)))
        if reasons:
            raise Failed(catalog.no_checkpoint_verifies(str(self._folder), reasons))
        return None

    def _verified(self, step: int, scratch: Path) -> tuple[Folder, Manifest] | str:
        folder = self._folder / f"{step:09d}"
        try:
            data = folder.read(manifests.NAME)
            if data is None:
                return "it has no manifest"
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
            return f"it cannot be read ({error.strerror or error})"
        except ValueError as error:
            return str(error)
        return manifests.damage(folder, manifest) or (folder, manifest)

    def _commit(self, partial: Path, manifest: Manifest) -> None:
        name = f"{manifest.step:09d}"
        if self._folder.local:
            Folder(partial).write(manifests.NAME, manifests.encode(manifest))
            self._folder.rename(partial.name, name)
            return
        target = self._folder / name
        self._folder.remove(name)
        target.make()
        for path in manifest.files:
            target.put(path, partial / path)
        target.write(manifests.NAME, manifests.encode(manifest))

    def _rotate(self, newest: int) -> None:
        old = [step for step in self.steps() if step <= newest][:-ALWAYS_KEPT]
        for step in old:
            if not self._keep(step):
                self._discard(f"{step:09d}")

    def _discard(self, name: str) -> None:
        # a kill in the middle must not leave a folder that looks complete
        if self._folder.local:
            self._folder.rename(name, name + _PARTIAL)
            self._folder.remove(name + _PARTIAL)
        else:
            (self._folder / name).remove(manifests.NAME)
            self._folder.remove(name)

    def _sweep(self) -> None:
        """Remove what a killed save left: never complete, so nothing is lost."""
        for name in self._folder.names():
            if _PARTIAL in name:
                self._folder.remove(name)
            elif not self._folder.local and _STEP.fullmatch(name):
                if (self._folder / name).read(manifests.NAME) is None:
                    self._folder.remove(name)

    def _set_aside(self, reasons: Mapping[int, str]) -> list[Diagnostic]:
        told: list[Diagnostic] = []
        for step, reason in reasons.items():
            name, number = f"{step:09d}.damaged", 1
            while name in self._folder.names():
                number += 1
                name = f"{step:09d}.damaged-{number}"
            self._folder.rename(f"{step:09d}", name)
            told.append(catalog.checkpoint_skipped(step, f"{self._folder}/{name}", reason))
        return told

    def _not_written(self, step: int, error: BaseException) -> Failed:
        return Failed(
            catalog.cannot_write(f"the checkpoint of step {step}", str(self._folder), _short(error))
        )


def read(folder: Folder, manifest: Manifest, wanted: PyTree) -> PyTree:
    """The arrays of a verified checkpoint in the structure of `wanted`, placed as its shardings say.

    Raises `Failed`: other arrays than those wanted (B0522), or unreadable (B0523).
    """
    leaves = named(wanted)
    other = differences(manifest.arrays, described(leaves))
    if other:
        raise Failed(catalog.checkpoint_differs(str(folder), other))
    try:
        found = ocp.load(str(folder.local), leaves)
    except _TROUBLE as error:
        raise Failed(catalog.checkpoint_unreadable(str(folder), _short(error))) from error
    return jax.tree.unflatten(jax.tree.structure(wanted), [found[name] for name in leaves])


def _short(error: BaseException) -> str:
    """The reason without the paths and codes around it, which tensorstore puts in."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    text = str(error).split("\n", 1)[0]
    named_by_system = re.search(r"(?:: |^)([A-Z][A-Za-z ]+?) \[os_error_code", text)
    return named_by_system[1].lower() if named_by_system else text


def _from_orbax(record: logging.LogRecord) -> bool:
    return "orbax" not in record.pathname


def _quiet() -> None:
    # orbax logs a traceback for every layer through which an error of a full disk passes; bvc tells it once
    logging.getLogger("absl").addFilter(_from_orbax)
