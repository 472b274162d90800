"""Checkpoints: written beside the training, whole or not at all, verified before they are trusted.

Every process writes its part of the arrays; all else is done by the first one.

On a disk `checkpoints/000001000/` holds what orbax wrote and a manifest. It is written under another name and renamed
when complete, so a folder with a plain number is complete unless someone changed it. In a store, which cannot rename,
it holds a part from each process, and the manifest is uploaded when all of them are there; a folder without one does
not count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from jaxtyping import PyTree
from orbax.checkpoint import v1 as ocp

from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import run as catalog
from bvc.runtime.checkpoints import manifest as manifests
from bvc.runtime.checkpoints.leaves import described, named
from bvc.runtime.checkpoints.manifest import Manifest
from bvc.runtime.checkpoints.pieces import own_pieces
from bvc.runtime.checkpoints.stored import TROUBLE, Loaded, folder_name, newest, quiet_orbax, reason, steps
from bvc.runtime.checkpoints.uploaded import upload
from bvc.runtime.folder import Folder
from bvc.runtime.processes.lost import is_loss
from bvc.runtime.processes.peers import is_first, of_first

ALWAYS_KEPT = 2
"""The newest checkpoints that rotation leaves: the second for the day when the first does not verify."""

_PARTIAL = ".partial"


class Checkpoints:
    """The checkpoints of a work directory. One save runs at a time, in a thread of its own."""

    def __init__(
        self,
        folder: Folder,
        keep: Callable[[int], bool],
        before_commit: Callable[[], None] = lambda: None,
    ) -> None:
        """Nothing is read or written yet.

        Args:
            folder: where the checkpoints lie.
            keep: which steps rotation leaves, besides the newest two.
            before_commit: called, in the thread that saves, before a checkpoint counts: brings to the disk
                what must not be older than the checkpoint, and may raise what keeps it from counting.
        """
        quiet_orbax()
        self._folder = folder
        self._keep = keep
        self._before_commit = before_commit
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
        # described before the thread begins: it must not touch the arrays, which may be donated by then
        content = Manifest(step, described(leaves), extra)
        write = self._to_disk if self._folder.local else self._to_store
        try:
            self._folder.make()
            finish = write(content, leaves)
        except TROUBLE as error:
            raise self._not_written(step, error) from error
        self._running_step = step
        self._running = self._thread.submit(finish)

    def wait(self) -> None:
        """Until no save is running. Raises `Failed` (B0514) if it could not be written."""
        running, self._running = self._running, None
        if running is None:
            return
        try:
            running.result()
        except TROUBLE as error:
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

    def load(self, wanted: PyTree) -> tuple[Loaded | None, list[Diagnostic]]:
        """The newest checkpoint that verifies (None if nothing was ever saved), and warnings.

        Newer ones that do not verify are set aside under another name (a warning B0520 each).

        Args:
            wanted: the state as ShapeDtypeStructs; their shardings say where the arrays go.

        Raises:
            Failed: none of them verifies (B0521), or its arrays are not those wanted (B0522).
        """
        try:
            of_first(self._sweep)
            loaded, reasons = newest(self._folder, wanted)
            warnings = self._set_aside(reasons) if is_first() else []
        except OSError as error:
            raise Failed(catalog.cannot_read("the checkpoints", str(self._folder), reason(error))) from error
        if loaded:
            self.last = loaded.step
        return loaded, warnings

    def _to_disk(self, content: Manifest, leaves: Mapping[str, Any]) -> Callable[[], None]:
        name = folder_name(content.step)
        partial = self._folder / (name + _PARTIAL)
        # meets the other processes, so that none writes before the folder is there
        response = ocp.save_async(str(partial.local), leaves, overwrite=True)

        def finish() -> None:
            response.result()
            if not is_first():
                return
            manifest = replace(content, files=manifests.checksums(partial))
            self._before_commit()
            partial.write(manifests.NAME, manifests.encode(manifest))
            self._folder.rename(name + _PARTIAL, name)
            self._rotate(content.step)

        return finish

    def _to_store(self, content: Manifest, leaves: Mapping[str, Any]) -> Callable[[], None]:
        place = self._folder / folder_name(content.step)
        uploaded = upload(place, own_pieces(leaves))

        def finish() -> None:
            manifest = replace(content, parts=uploaded())
            if not is_first():
                return
            self._before_commit()
            place.write(manifests.NAME, manifests.encode(manifest))
            self._rotate(content.step)

        return finish

    def _rotate(self, last: int) -> None:
        old = [step for step in steps(self._folder) if step <= last][:-ALWAYS_KEPT]
        for step in old:
            if not self._keep(step):
                self._discard(folder_name(step))

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
        if not self._folder.local:
            for step in steps(self._folder):
                name = folder_name(step)
                if (self._folder / name).read(manifests.NAME) is None:
                    self._folder.remove(name)

    def _set_aside(self, reasons: Mapping[int, str]) -> list[Diagnostic]:
        told: list[Diagnostic] = []
        for step, wrong in reasons.items():
            name, number = f"{folder_name(step)}.damaged", 1
            while name in self._folder.names():
                number += 1
                name = f"{folder_name(step)}.damaged-{number}"
            self._folder.rename(folder_name(step), name)
            told.append(catalog.checkpoint_skipped(step, f"{self._folder}/{name}", wrong))
        return told

    def _not_written(self, step: int, error: Exception) -> Exception:
        if is_loss(error):
            return error
        return Failed(
            catalog.cannot_write(f"the checkpoint of step {step}", str(self._folder), reason(error))
        )
