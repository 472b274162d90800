"""The work directory: what is needed to continue a run, and to tell later what it was.

spec.toml               the resolved spec; says whose directory this is
plan.txt, plan.json     what the run was expected to cost
big_vision_metrics.txt  metrics (bvc/runtime/metrics/rows.py)
big_vision_clock.txt    those that depend on the clock
evals/NAME/STEP/        files that evaluators leave (bvc/runtime/predictions.py)
checkpoints/            bvc/runtime/checkpoints/checkpoint.py
lock                    the process that runs here; in a store it is called `lease`
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import processes
from bvc.diagnostics.catalog import run as catalog
from bvc.runtime.contents import SPEC
from bvc.runtime.folder import Folder
from bvc.runtime.lease import Lease
from bvc.runtime.lock import Lock, Taken
from bvc.runtime.metrics.rows import CLOCK, METRICS
from bvc.runtime.processes.peers import index, is_first

CHECKPOINTS = "checkpoints"

MAY_CHANGE = re.compile(
    r"doc|import.*|mesh(\..*)?|layout(\[.*)?|evals(\..*)?|data\.train\.skip_bad"
    r"|run\.(log|save|keep|workers|accumulate|writers(\[.*)?)"
)
"""Keys that may differ when a run is continued: they don't change what is trained, only where, how fast and
what is written of it. `run.length` may not: schedules are fractions of it, so the steps done would have been
others."""


class Workdir:
    """An opened work directory, locked until `close`.

    Of several processes the first one opens it, locks it and writes; the others see it through the file system that
    they share.
    """

    def __init__(self, url: str, spec: str, tell: Callable[[str], None] = lambda text: None) -> None:
        """Open or make it; called `in_turn`.

        Args:
            url: a path, or a URL that fsspec knows.
            spec: the resolved spec as TOML.
            tell: is given a sentence for the user while there is something to wait for.

        Raises:
            Failed: in use (B0510), of another experiment (B0511), of a foreign program (B0512), not usable
            (B0513); not one that the processes share (B0564).
        """
        self.changed: tuple[str, ...] = ()
        """Keys that differ from the spec with which the run began, and may."""
        self._lock: Lock | Lease | None = None
        try:
            self.folder = Folder(url)
            if not is_first():
                if self.folder.read(SPEC) != spec.encode():
                    raise Failed(processes.workdir_not_shared(url, index()))
                return
            self.folder.make()
            self._lock = Lock(self.folder.local) if self.folder.local else Lease(self.folder, tell)
            before = self.folder.read(SPEC)
            names = self.folder.names()
        except Taken as error:
            raise Failed(catalog.workdir_in_use(url, str(error))) from error
        except (OSError, ValueError, ImportError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise Failed(catalog.workdir_unusable(url, reason.lower())) from error
        refused = self._refused(url, spec, before, names)
        if refused:
            self.close()
            raise Failed(refused)
        if before != spec.encode():
            self.write(SPEC, spec)

    @property
    def checkpoints(self) -> Folder:
        """Where checkpoints are kept."""
        return self.folder / CHECKPOINTS

    def write(self, name: str, text: str) -> None:
        """Replace a text file, in the first process. Raises `Failed` (B0514)."""
        if not is_first():
            return
        try:
            self.folder.write(name, text.encode())
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise Failed(catalog.cannot_write(f"`{name}`", str(self.folder), reason)) from error

    def check_held(self) -> None:
        """See that no other run has taken this one's place, as can happen in a store.

        Raises:
            Failed: one has (B0510), or the store cannot be read (B0515).
        """
        if not isinstance(self._lock, Lease):
            return
        try:
            self._lock.check()
        except Taken as error:
            raise Failed(catalog.workdir_in_use(str(self.folder), str(error))) from error
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise Failed(catalog.cannot_read("the lock", str(self.folder), reason)) from error

    def close(self) -> None:
        """Let another run in."""
        if self._lock:
            self._lock.release()

    def _refused(self, url: str, spec: str, before: bytes | None, names: list[str]) -> Diagnostic | None:
        if before is None:
            found = [name for name in names if name in (CHECKPOINTS, METRICS, CLOCK)]
            return catalog.workdir_foreign(url, found) if found else None
        try:
            there = tomllib.loads(before.decode())
        except (ValueError, RecursionError):
            return catalog.workdir_unusable(url, f"its `{SPEC}` is damaged")
        found = _differences(there, tomllib.loads(spec))
        other = [difference for difference in found if not MAY_CHANGE.fullmatch(difference[0])]
        self.changed = tuple(difference[0] for difference in found)
        return catalog.workdir_of_another(url, other) if other else None


def _differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    old, new = dict(_leaves(there, "")), dict(_leaves(here, ""))
    return [
        (key, _shown(old, key), _shown(new, key))
        for key in dict.fromkeys((*old, *new))
        if key not in old or key not in new or old[key] != new[key] or type(old[key]) is not type(new[key])
    ]


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from _leaves(child, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for index, child in enumerate(value):
            yield from _leaves(child, f"{path}[{index}]")
    else:
        yield path, value


def _shown(leaves: Mapping[str, Any], key: str) -> str:
    if key not in leaves:
        return "absent"
    text = json.dumps(leaves[key], ensure_ascii=False, default=str)
    return f"`{text if len(text) <= 60 else text[:57] + '...'}`"
