"""What an evaluator tells the runtime: which examples pass through which view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Shaped


@dataclass(frozen=True, slots=True)
class Stream:
    """Examples that an evaluator needs to see.

    For every stream NAME an evaluator has a method NAME, the measure: its ports are wired to the outputs of the
    view and to the batch, it runs on the devices, and it returns per-example arrays (dim `b` first). The
    runtime removes padding, brings the arrays to the host in dataset order, and passes them to `update`.

    Attributes:
        data: the evaluator's own `Data` setting, handed back.
        pipeline: its `Pipeline` setting, handed back.
        view: its `View` setting handed back: a view, or several that follow one another; or the name of a view.
        expand: a feature holding several values (captions of an image): every example becomes one example per
            value, in order; the number of the original example is added as feature `_parent` (i64).
    """

    data: Any
    pipeline: Any
    view: Any
    expand: str | None = None


@runtime_checkable
class Preparing(Protocol):
    """What an evaluator besides has that reads files of its own."""

    def prepare(self) -> None:
        """Read and verify them; called once at the start of a run.

        Raises:
            DataError: one of them cannot be used.
        """
        ...


@runtime_checkable
class Keeping(Protocol):
    """What an evaluator besides has that leaves files in the work directory."""

    def files(self, state: Any) -> Mapping[str, bytes]:
        """Name below the evaluation's folder -> content, from the state of which `result` told the metrics."""
        ...


@runtime_checkable
class Evaluator(Protocol):
    """The methods of an evaluator besides its measures. State lives between `start` and `result`."""

    def streams(self) -> Mapping[str, Stream]:
        """The streams, in the order in which they are to be run."""
        ...

    def start(self) -> Any:
        """A fresh state."""
        ...

    def update(self, state: Any, stream: str, arrays: Mapping[str, Shaped[np.ndarray, "b *dims"]]) -> Any:
        """The state after a batch of measured examples (host arrays without padding)."""
        ...

    def result(self, state: Any) -> Mapping[str, float]:
        """Metric name -> value; the runtime puts the evaluator's prefix before the name."""
        ...
