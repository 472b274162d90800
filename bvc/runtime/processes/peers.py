"""The other processes of a run: meeting them, agreeing with them, leaving together.

Every function is called by all processes in the same order, from their main threads where it does not say otherwise.
In a process that is alone, each is a plain call: no coordinator, no waiting.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import jax
from jax._src import distributed

from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import processes as catalog
from bvc.runtime.processes.abort import on_abort
from bvc.runtime.processes.cluster import Cluster

MEET_SECONDS = 300
HEARTBEAT_SECONDS = 30
"""A process that is silent for so long counts as dead."""

_LEAVE_SECONDS = 10
"""A process that failed gives the others so long to fail likewise, before it goes alone."""
_PATIENCE_MS = 24 * 3600 * 1000
"""Waits are ended by the death of a process, not by the clock."""
_calls = itertools.count()

T = TypeVar("T")


class Elsewhere(Exception):  # noqa: N818 - reads as what happened
    """Another process failed and says why; this one ends without a word."""


def join(cluster: Cluster) -> None:
    """Meet the other processes; before anything touches a device.

    Raises:
        Failed: they did not come (B0562).
    """
    # on CPUs two programs at a time could take each other's messages
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    try:
        # where nobody answers jax does not raise, it aborts
        with on_abort(_not_met(cluster, "nothing was heard from the others"), 1):
            jax.distributed.initialize(
                cluster.coordinator,
                cluster.processes,
                cluster.process,
                local_device_ids=None if cluster.device is None else [cluster.device],
                cluster_detection_method="deactivate",
                initialization_timeout=MEET_SECONDS,
                heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
                shutdown_timeout_seconds=_LEAVE_SECONDS,
            )
    except RuntimeError as error:
        raise Failed([_not_met(cluster, str(error).split("\n", 1)[0])]) from error


def _not_met(cluster: Cluster, reason: str) -> Diagnostic:
    at = cluster.coordinator or ""
    return catalog.cannot_join(at, cluster.process, cluster.processes, MEET_SECONDS, reason)


def several() -> bool:
    """Whether other processes take part."""
    return jax.distributed.is_initialized()


def index() -> int:
    """The number of this process."""
    return distributed.global_state.process_id


def is_first() -> bool:
    """Whether this process is the one that writes and speaks."""
    return index() == 0


def check_met() -> None:
    """Make sure that this process has met all whose devices it sees; hosts of a TPU slice see each other's in any case.

    Raises:
        Failed: there are others (B0561).
    """
    if not several() and jax.process_count() > 1:
        reason = f"jax sees the devices of {jax.process_count()}, and nothing tells where the first one is"
        raise Failed([catalog.cluster_unclear(reason, ["--coordinator", "--processes", "--process"])])


def together(work: Callable[[], T]) -> T:
    """What `work` returns here, once all processes are through with theirs.

    Raises:
        Failed: what `work` raised here.
        Elsewhere: it failed in another process.
    """
    if not several():
        return work()
    client, key = _client(), f"bvc/together/{next(_calls)}"
    failure: Failed | None = None
    result: Any = None
    try:
        result = work()
    except Failed as error:
        failure = error
        client.key_value_set(f"{key}/{index()}", "failed")
    client.wait_at_barrier(key, _PATIENCE_MS)
    if failure is not None:
        raise failure
    if client.key_value_dir_get(key):
        raise Elsewhere
    return result


def of_first(work: Callable[[], T]) -> T:
    """What `work` returns in the first process, which alone does it; a value that JSON can hold.

    Raises:
        Failed: in the first process, what `work` raised.
        Elsewhere: in the others, if it failed.
    """
    if not several():
        return work()
    result = together(lambda: work() if is_first() else None)
    key = f"bvc/of_first/{next(_calls)}"
    if is_first():
        _client().key_value_set(key, json.dumps(result))
    return json.loads(_client().blocking_key_value_get(key, _PATIENCE_MS))


def gathered(said: T, name: str | None = None) -> list[T]:
    """What every process says, in the order of their numbers; values that JSON can hold.

    Args:
        said: by this process.
        name: of what they speak of, the first and only time; with one, a thread beside the main one may call this.
    """
    if not several():
        return [said]
    client, key = _client(), f"bvc/gathered/{name or next(_calls)}"
    client.key_value_set(f"{key}/{index()}", json.dumps(said))
    client.wait_at_barrier(key, _PATIENCE_MS)
    answers = {int(at.rpartition("/")[2]): text for at, text in client.key_value_dir_get(key)}
    return [json.loads(answers[number]) for number in sorted(answers)]


def in_turn(work: Callable[[], T]) -> T:
    """`work` in the first process, then in the others. Raises as `together` does."""
    if not several():
        return work()
    done = together(lambda: work() if is_first() else None)
    others = together(lambda: None if is_first() else work())
    return done if is_first() else others  # type: ignore[return-value]


def tells(text: str) -> bool:
    """Whether this process is to print a text: the first that asks is, so that nothing is told by each of them."""
    if not several():
        return True
    try:
        _client().key_value_set(f"bvc/told/{hashlib.sha256(text.encode()).hexdigest()}", "")
    except jax.errors.JaxRuntimeError as error:
        return "ALREADY_EXISTS" not in str(error)
    return True


def leave(status: int, *, well: bool) -> None:
    """End together with the others; returns to let this process exit with `status`.

    A process that failed alone does not return: the others wait for what never comes, and an orderly end would wait for
    them.
    """
    try:
        _client().wait_at_barrier("bvc/leave", _PATIENCE_MS if well else _LEAVE_SECONDS * 1000)
        jax.distributed.shutdown()
    except jax.errors.JaxRuntimeError:
        end(status)


def end(status: int) -> None:
    """End this process at once, whatever its threads wait for."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _client() -> Any:
    return distributed.global_state.client
