"""One run as its work directory tells it: metrics, clock, plan, spec."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import report as catalog
from bvc.diagnostics.catalog import run as run_catalog
from bvc.runtime.contents import PLAN, SPEC
from bvc.runtime.folder import Folder
from bvc.runtime.metrics.rows import CLOCK, METRICS


@dataclass(frozen=True, slots=True)
class Curve:
    """A metric over the run: the steps at which it was measured, rising, and its values."""

    steps: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A run.

    Attributes:
        name: tells it from the others of a report.
        folder: its work directory.
        metrics: from the metrics file.
        clock: from the file of what depends on the clock.
        plan: `plan.json`; empty if there is none.
        spec: the resolved spec as TOML.
    """

    name: str
    folder: Folder
    metrics: Mapping[str, Curve]
    clock: Mapping[str, Curve]
    spec: str
    plan: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def last_step(self) -> int:
        """The newest step that was measured."""
        return max(curve.steps[-1] for curve in self.metrics.values())

    def last(self, metric: str) -> float | None:
        """The newest value of a metric, of either file."""
        curve = self.metrics.get(metric) or self.clock.get(metric)
        return curve.values[-1] if curve else None


def read_runs(urls: Sequence[str]) -> tuple[list[Recorded], list[Diagnostic]]:
    """The runs of these work directories (paths or URLs), and what was left out of them.

    Raises:
        Failed: one is no work directory (B0550), has measured nothing (B0551) or can't be read (B0515); all are told.
    """
    runs: list[Recorded] = []
    told: list[Diagnostic] = []
    wrong: list[Diagnostic] = []
    for url, name in zip(urls, names(urls), strict=True):
        try:
            run, notes = _read(url, name)
        except Failed as failure:
            wrong += failure.diagnostics
            continue
        runs.append(run)
        told += notes
    if wrong:
        raise Failed(wrong)
    return runs, told


def names(urls: Sequence[str]) -> list[str]:
    """A short name for each path: its last folders, as many as tell them apart; the same path is numbered.

    >>> names(["runs/a/w", "runs/b/w"]), names(["w/", "w"])
    (['a/w', 'b/w'], ['w', 'w (2)'])
    """
    parts = [[part for part in url.split("/") if part not in ("", ".")] or [url] for url in urls]
    depth = 1
    while depth < max(map(len, parts), default=1) and len({tuple(p[-depth:]) for p in parts}) < len(
        {tuple(p) for p in parts}
    ):
        depth += 1
    found: list[str] = []
    for part in parts:
        name = "/".join(part[-depth:])
        again = sum(1 for other in found if other == name or other.startswith(f"{name} ("))
        found.append(f"{name} ({again + 1})" if again else name)
    return found


def _read(url: str, name: str) -> tuple[Recorded, list[Diagnostic]]:
    try:
        folder = Folder(url)
        spec, held = folder.read(SPEC), folder.names()
    except (OSError, ValueError, ImportError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Failed(run_catalog.cannot_read("the work directory", url, reason.lower())) from error
    if spec is None:
        raise Failed(catalog.not_a_workdir(url, held))
    try:
        tomllib.loads(spec.decode())
    except (ValueError, RecursionError) as error:
        raise Failed(run_catalog.cannot_read(f"`{SPEC}`", url, "it is damaged")) from error
    told: list[Diagnostic] = []
    metrics = _curves(_rows(folder, METRICS, told))
    if not metrics:
        raise Failed(catalog.no_metrics(url))
    clock = _curves(_rows(folder, CLOCK, told))
    return Recorded(name, folder, metrics, clock, spec.decode(), _plan(folder)), told


def _bytes(folder: Folder, name: str) -> bytes:
    try:
        return folder.read(name) or b""
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Failed(run_catalog.cannot_read(f"`{name}`", str(folder), reason)) from error


def _rows(folder: Folder, name: str, told: list[Diagnostic]) -> Iterator[Mapping[str, Any]]:
    """The rows of a file; lines that are none are told. A step that stands twice counts as it was last written."""
    lines = _bytes(folder, name).split(b"\n")
    by_step: dict[int, Mapping[str, Any]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        step = row.get("step") if isinstance(row, dict) else None
        if not isinstance(row, dict) or not isinstance(step, int) or isinstance(step, bool):
            told.append(catalog.row_unreadable(f"{folder}/{name}", number, number == len(lines)))
            continue
        by_step[step] = row
    for step in sorted(by_step):
        yield by_step[step]


def _curves(rows: Iterator[Mapping[str, Any]]) -> dict[str, Curve]:
    """Every metric that is a number; arrays, of which a row holds the shape only, are none."""
    points: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        for name, value in row.items():
            if name != "step" and isinstance(value, int | float) and not isinstance(value, bool):
                points.setdefault(name, []).append((row["step"], float(value)))
    return {
        name: Curve(tuple(step for step, _ in found), tuple(value for _, value in found))
        for name, found in points.items()
    }


def _plan(folder: Folder) -> Mapping[str, Any]:
    """The plan; one that is missing, damaged or of another kind says nothing."""
    try:
        plan = json.loads(_bytes(folder, PLAN) or b"{}")
    except (ValueError, RecursionError):
        return {}
    return plan if isinstance(plan, dict) and plan.keys() >= _PLANNED else {}


_PLANNED = {"target", "parameters", "examples", "memory", "steps", "epochs", "roofline"}


def differences(runs: Sequence[Recorded]) -> list[tuple[str, ...]]:
    """Keys of the specs in which the runs differ: (key, the value in each run); sorted."""
    trees = [dict(_leaves(tomllib.loads(run.spec), "")) for run in runs]
    keys = sorted({key for tree in trees for key in tree})
    rows = [(key, *(tree.get(key, "absent") for tree in trees)) for key in keys]
    return [row for row in rows if len(set(row[1:])) > 1]


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _leaves(child, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        for index, child in enumerate(value):
            yield from _leaves(child, f"{path}[{index}]")
    else:
        yield path, json.dumps(value, ensure_ascii=False, default=str)
