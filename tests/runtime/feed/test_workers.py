"""Worker processes of machines of all sizes."""

from __future__ import annotations

import os

import jax
import pytest

from bvc.runtime.feed.workers import suggested_workers


@pytest.mark.parametrize(
    ("cores", "platform", "workers"),
    [
        (1, "cpu", 0),
        (1, "gpu", 0),
        (2, "cpu", 0),
        (2, "gpu", 2),
        (8, "cpu", 7),
        (8, "tpu", 7),
        (99, "tpu", 16),
    ],
)
def test_cores_that_compute_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, cores: int, platform: str, workers: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(cores))
    monkeypatch.setattr(jax, "default_backend", lambda: platform)
    assert suggested_workers() == workers
