"""Rows as a run of Weights & Biases; project, account and mode are those of its own environment variables."""

from __future__ import annotations

import importlib
import tomllib
import uuid
from collections.abc import Mapping
from typing import Any

from bvc.runtime.contents import SPEC
from bvc.runtime.folder import Folder

IDENTITY = "wandb_id.txt"


class WeightsAndBiases:
    """One run there for one work directory, whose id it keeps in `wandb_id.txt`.

    What was sent stays: a row of a run that diverged is not replaced when the run goes on from before it.
    """

    MODULE = "wandb"

    def __init__(self, folder: Folder, newest: int | None) -> None:
        """Begin the run of this work directory, or continue it after the steps that are already there."""
        module: Any = importlib.import_module(self.MODULE)
        identity = (folder.read(IDENTITY) or uuid.uuid4().hex.encode()).decode()
        folder.write(IDENTITY, identity.encode())
        self._run = module.init(
            id=identity,
            resume="allow",
            name=str(folder).rstrip("/").rsplit("/", 1)[-1],
            dir=None if folder.local is None else str(folder.local),
            config=tomllib.loads((folder.read(SPEC) or b"").decode()),
        )
        # the first step that it has not seen; a row that is measured again is the same row
        self._first = int(self._run.step)

    @classmethod
    def refusals(cls) -> tuple[type[Exception], ...]:
        """What it raises when it has no account, or no connection."""
        return (importlib.import_module(cls.MODULE).Error,)

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """The row of a step."""
        if step >= self._first:
            self._run.log(dict(metrics), step=step)

    def close(self) -> None:
        """Wait until everything is sent."""
        self._run.finish()
