"""In a process that is alone, meeting and agreeing are plain calls."""

from __future__ import annotations

import jax
import pytest

from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import processes as catalog
from bvc.runtime.processes import peers
from bvc.runtime.processes.lost import is_loss, watched


@pytest.mark.parametrize("agree", [peers.together, peers.of_first, peers.in_turn])
def test_alone(agree) -> None:
    value = object()
    assert agree(lambda: value) is value

    def fail() -> None:
        raise Failed(catalog.workdir_not_shared("gs://x", 1))

    with pytest.raises(Failed, match="B0564"):
        agree(fail)


def test_alone_nobody_else_says_anything() -> None:
    value = object()
    assert peers.gathered(value) == [value]


def test_who_is_alone_writes_and_speaks() -> None:
    assert not peers.several()
    assert peers.is_first()
    assert peers.tells("twice") and peers.tells("twice")


def test_devices_of_others_without_a_coordinator(monkeypatch: pytest.MonkeyPatch) -> None:
    peers.check_met()
    monkeypatch.setattr(jax, "process_count", lambda: 4)
    with pytest.raises(Failed, match="B0561.*devices of 4"):
        peers.check_met()


@pytest.mark.parametrize(
    ("error", "loss"),
    [
        (ValueError("UNKNOWN: Gloo all-reduce failed: Connection reset by peer"), True),
        (jax.errors.JaxRuntimeError("INTERNAL: NCCL operation failed: remote process exited"), True),
        (ValueError("shapes do not match"), False),
        (OSError("NCCL"), False),
    ],
)
def test_which_errors_tell_of_a_loss(error: Exception, loss: bool) -> None:
    assert is_loss(error) == loss


def test_other_errors_pass() -> None:
    with pytest.raises(ValueError, match="shapes"), watched():
        raise ValueError("shapes do not match")
