"""Running an evaluator: its streams through the measures on the devices, the results to its state on the
host.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jaxtyping import Array, Bool, PyTree, Shaped

from bvc.component.error import DataError
from bvc.component.evaluation import Evaluator, Keeping, Preparing
from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import missing
from bvc.diagnostics.catalog import run as catalog
from bvc.runtime.feed.padding import MASK
from bvc.runtime.processes.peers import several
from bvc.runtime.training import Feed, HostBatch

Measured = Mapping[str, Shaped[Array, "b *dims"]]
Mask = Bool[np.ndarray, "b"] | Bool[Array, "b"]


@dataclass(frozen=True, slots=True)
class MeasuredStream:
    """A stream made ready to run.

    Attributes:
        name: the evaluator's name for it.
        batches: opens it: host batches of equal size in dataset order, padded, with `_mask`.
        place: a host batch (this process's part) to the devices.
        measure: compiled; the view's outputs and the batch through the evaluator's measure of this name.
    """

    name: str
    batches: Callable[[], Feed]
    place: Callable[[HostBatch], Any]
    measure: Callable[[PyTree, Any], Measured]


def evaluate(
    name: str,
    evaluator: Evaluator,
    streams: Sequence[MeasuredStream],
    params: PyTree,
    check: Callable[[], None] = lambda: None,
    keep: Callable[[Mapping[str, bytes]], None] | None = None,
) -> dict[str, float]:
    """Metric name -> value, without prefix.

    Args:
        name: that of the evaluation, for errors.
        evaluator: keeps the state on the host.
        streams: in the order in which they are to be run.
        params: of the model.
        check: called before every batch; raises when the evaluation must end.
        keep: takes the files of an evaluator that has some.

    Raises:
        Failed: a stream holds no example (B0532), the evaluator cannot use what was measured (B0534), what was
            measured is NaN (B0535), or data cannot be read (B0505).
    """
    with _using(name):
        state = evaluator.start()
    for stream in streams:
        examples = 0
        with _reading(), closing(_measured(stream, params, check)) as batches:
            for arrays in batches:
                _check_numbers(name, stream.name, arrays)
                examples += len(next(iter(arrays.values())))
                with _using(name):
                    state = evaluator.update(state, stream.name, arrays)
        if not examples:
            raise Failed(catalog.evaluation_empty(name, stream.name))
    with _using(name):
        found = {metric: float(value) for metric, value in evaluator.result(state).items()}
    if keep is not None and isinstance(evaluator, Keeping):
        keep(evaluator.files(state))
    return found


def prepare(name: str, evaluator: Evaluator) -> None:
    """Let an evaluator look at its files, before anything is computed.

    Raises:
        Failed: one of them cannot be used (B0534).
    """
    if isinstance(evaluator, Preparing):
        with _using(name):
            evaluator.prepare()


@contextmanager
def _using(name: str) -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise Failed(catalog.evaluation_unfit(name, error.what, error.looked, error.help)) from error


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise Failed(missing.data_unreadable(error.what, error.looked, None, error.help)) from error


def _check_numbers(name: str, stream: str, arrays: Mapping[str, Shaped[np.ndarray, "b *dims"]]) -> None:
    """NaN would pass through `argmax` and comparisons as if it were an answer."""
    for array, values in arrays.items():
        if jnp.issubdtype(values.dtype, jnp.floating):  # bfloat16 is none of numpy's own
            wrong = np.asarray(np.isnan(values).any(axis=tuple(range(1, values.ndim))))
            if wrong.any():
                raise Failed(catalog.evaluation_nan(name, stream, array, int(wrong.sum()), len(wrong)))


def _measured(
    stream: MeasuredStream, params: PyTree, check: Callable[[], None]
) -> Generator[dict[str, Shaped[np.ndarray, "b *dims"]]]:
    """Measured examples without padding; one batch behind the devices, which so need not wait."""
    waiting: tuple[Measured, Mask] | None = None
    with closing(stream.batches()) as feed:
        for host in feed:
            check()
            batch = stream.place(host)
            dispatched = stream.measure(params, batch), batch[MASK] if several() else np.asarray(host[MASK])
            if waiting:
                yield _on_host(*waiting)
            waiting = dispatched
    if waiting:
        yield _on_host(*waiting)


def _on_host(measured: Measured, mask: Mask) -> dict[str, np.ndarray]:
    """Every process gets the examples of all, in their order, so that evaluators come to the same result in each."""
    arrays = dict(measured)
    if several():
        arrays, mask = multihost_utils.process_allgather((arrays, mask), tiled=True)
    # a selection, not a product: padding may give inf and nan
    return {name: np.asarray(array)[mask] for name, array in jax.device_get(arrays).items()}
