"""bvc from Python, for notebooks: the same stages as on the command line.

>>> import bvc
>>> experiment = bvc.load("specs/siglip_coco.toml", local=True)
>>> print(experiment.check())
ok
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bvc.diagnostics import Diagnostic, Failed, Sources
from bvc.diagnostics.render import render

if TYPE_CHECKING:
    from bvc.check import Checked
    from bvc.compile.program import Program
    from bvc.plan.plan import Plan
    from bvc.runtime.saved import Trained


@dataclass(frozen=True)
class Report:
    """What is wrong with a spec; prints as `bvc check` does."""

    diagnostics: tuple[Diagnostic, ...]
    sources: Sources

    @property
    def ok(self) -> bool:
        """No errors; there may be warnings."""
        return all(diagnostic.severity != "error" for diagnostic in self.diagnostics)

    def __str__(self) -> str:
        return render(self.diagnostics, self.sources) or "ok"


@dataclass(frozen=True)
class Loaded:
    """A spec with values for its params.

    Attributes:
        path: the file.
        params: values of params.
        settings: leaves set beside them: path -> value as TOML text.
    """

    path: str
    params: Mapping[str, object]
    settings: Mapping[str, str]

    def check(self) -> Report:
        """Everything that is wrong with it; needs no data and no accelerator."""
        return Report(tuple(self._checked.diagnostics), self._checked.sources)

    def plan(self, target: str | None = None) -> Plan:
        """What it costs on this machine, or on a target such as `"tpu-v5e:2x4"`.

        Raises:
            Failed: the spec has errors, or does not suit the target.
        """
        from bvc.plan.plan import plan
        from bvc.plan.target import find_target

        return plan(self.program, find_target(target) if target else None)

    def run(self, workdir: str, *, data_dir: str | None = None, anyway: bool = False) -> Trained:
        """Train, or continue where the work directory stopped; the trained model.

        Args:
            workdir: path or URL of the work directory.
            data_dir: where data lies; by default `$TFDS_DATA_DIR`.
            anyway: run even if the plan does not fit.

        Raises:
            Failed: the spec has errors, something is missing, or the run could not go on.
        """
        from rich.console import Console

        from bvc.runtime.run import locate, run, trained
        from bvc.spec.show import show

        program = self.program  # errors of the spec before anything that the place lacks
        assert self._checked.spec is not None
        root = data_root(data_dir)
        program = locate(program.experiment, root)
        run(program, show(self._checked.spec), workdir, root, Console(), anyway=anyway)
        return trained(program, workdir)

    def open(self, workdir: str, *, data_dir: str | None = None, step: int | None = None) -> Trained:
        """The model that was trained in a work directory.

        Raises:
            Failed: the spec has errors, or there is no checkpoint that can be used.
        """
        from bvc.runtime.run import locate, trained

        return trained(locate(self.program.experiment, data_root(data_dir)), workdir, step)

    @property
    def program(self) -> Program:
        """The compiled program.

        Raises:
            Failed: the spec has errors.
        """
        if not self._checked.ok or self._checked.program is None:
            raise Failed(self._checked.diagnostics)
        return self._checked.program

    @functools.cached_property
    def _checked(self) -> Checked:
        from bvc.check import check

        return check(self.path, self.params, list(self.settings.items()))


def load(path: str, settings: Mapping[str, str] | None = None, /, **params: object) -> Loaded:
    """A spec with values for its params; nothing is read before it is needed.

    Args:
        path: the file.
        settings: leaves to set: path -> value as TOML text, such as `{"optimizer.lr": "3e-4"}`.
        params: values of the spec's params.
    """
    return Loaded(path, params, dict(settings or {}))


def data_root(data_dir: str | None) -> str:
    """Where data lies: as told, else `$TFDS_DATA_DIR`, else TFDS' own default."""
    return data_dir or os.environ.get("TFDS_DATA_DIR") or os.path.expanduser("~/tensorflow_datasets")
