"""The loop with a toy program; where a process must die, in a process of its own."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest
from jax.tree_util import tree_leaves

from bvc.component import DataError
from bvc.diagnostics import Failed
from bvc.runtime.checkpoints.stored import newest
from bvc.runtime.folder import Folder
from bvc.runtime.interruption import EXIT
from bvc.runtime.metrics.rows import CLOCK, METRICS
from tests.runtime import toy

ROOT = Path(__file__).parent.parent.parent


def start(workdir: Path, **settings) -> subprocess.Popen:
    words = [f"{name}={value}" for name, value in settings.items()]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.runtime.toy", str(workdir), *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def rows(workdir: Path, name: str = METRICS) -> list[dict]:
    return [json.loads(line) for line in (workdir / name).read_text().splitlines()]


def final(workdir: Path | str, **settings) -> list[np.ndarray]:
    loaded, _ = newest(Folder(workdir) / "checkpoints", toy.training(**settings).abstract)
    assert loaded is not None
    return [np.asarray(leaf) for leaf in tree_leaves(loaded.state)]


def same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return all(x.tobytes() == y.tobytes() and x.dtype == y.dtype for x, y in zip(a, b, strict=True))


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A run that nothing interrupted."""
    workdir = tmp_path_factory.mktemp("whole")
    assert toy.run(str(workdir)).signal is None
    return workdir


def test_rows_at_their_steps_under_the_names_of_big_vision(whole):
    found = rows(whole)
    assert [row["step"] for row in found] == [0, 1, 2, 5, 10, 15, 20, 25, 30]
    assert found[0] == {"step": 0, "num_params": 4160.0, "val/norm": 1.0}
    measured = ["training_loss", "global_schedule", "l2_grads", "examples_seen", "progress", "epoch"]
    assert list(found[4]) == ["step", *measured, "val/norm"]
    assert (found[4]["examples_seen"], found[4]["epoch"], found[4]["progress"]) == (80.0, 2.0, 10 / 30)
    clock = rows(whole, CLOCK)
    assert [row["step"] for row in clock] == [row["step"] for row in found]
    assert "z/secs/eval/norms" in clock[0] and "z/secs/update0" in clock[1] and "core_hours" in clock[-1]


def test_a_finished_run_is_left_alone(whole):
    before = (whole / METRICS).read_bytes(), (whole / CLOCK).read_bytes()
    assert toy.run(str(whole)).step == 30
    assert ((whole / METRICS).read_bytes(), (whole / CLOCK).read_bytes()) == before


def die_after(step: int, workdir: Path) -> None:
    """A run that ends after a step by an error that nobody catches."""
    real = toy.ToyFeed.__iter__

    def dying(self):
        for batch in real(self):
            if self.step == step + 1:
                raise ZeroDivisionError
            yield batch

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(toy.ToyFeed, "__iter__", dying)
        with pytest.raises(ZeroDivisionError):
            toy.run(str(workdir))


@pytest.mark.parametrize("stop", [3, 10, 17])
def test_a_continued_run_equals_an_uninterrupted_one(whole, tmp_path, stop):
    die_after(stop, tmp_path)
    with open(tmp_path / METRICS, "a") as file:
        file.write('{"step": 30, "training_l')  # half a line
    toy.run(str(tmp_path))
    assert (tmp_path / METRICS).read_bytes() == (whole / METRICS).read_bytes()
    assert [row["step"] for row in rows(tmp_path, CLOCK)] == [row["step"] for row in rows(whole)]
    assert same(final(tmp_path), final(whole))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_exits_with_its_own_code(tmp_path, whole, number):
    process = start(tmp_path, pause=0.05)
    assert process.stdout is not None
    while "step 2/" not in process.stdout.readline():
        pass
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == EXIT, out + err
    ended = int(out.rsplit(" ", 1)[1])
    assert 2 <= ended < 30 and f"{ended:09d}" in os.listdir(tmp_path / "checkpoints")
    toy.run(str(tmp_path))
    assert (tmp_path / METRICS).read_bytes() == (whole / METRICS).read_bytes()
    assert same(final(tmp_path), final(whole))


def test_a_signal_during_an_evaluation_repeats_only_that(tmp_path, whole, monkeypatch):
    def run(evaluate):
        program = toy.training

        def changed(**settings):
            made = program(**settings)
            (evaluation,) = made.evaluations
            return made.__class__(
                **{name: getattr(made, name) for name in made.__slots__ if name != "evaluations"},
                evaluations=(evaluation.__class__("norms", 10, False, "val/", evaluate(evaluation.run)),),
            )

        with monkeypatch.context() as patched:
            patched.setattr(toy, "training", changed)
            return toy.run(str(tmp_path))

    def stopping(real):
        def evaluate(state, check):
            if int(state["step"]) == 20:
                os.kill(os.getpid(), signal.SIGTERM)
            return real(state, check)

        return evaluate

    outcome = run(stopping)
    assert (outcome.step, outcome.signal) == (20, "SIGTERM")
    assert rows(tmp_path)[-1]["step"] == 15
    evaluated = []

    def noting(real):
        def evaluate(state, check):
            evaluated.append(int(state["step"]))
            return real(state, check)

        return evaluate

    run(noting)
    assert evaluated == [20, 30]
    assert (tmp_path / METRICS).read_bytes() == (whole / METRICS).read_bytes()


def test_training_that_diverged_stops_and_keeps_the_last_good_checkpoint(tmp_path):
    with pytest.raises(Failed) as failed:
        toy.run(str(tmp_path), poison=12)
    (told,) = failed.value.diagnostics
    assert told.code == "B0530" and "at step 15" in told.message
    assert "the checkpoint of step 10 is kept" in told.notes
    assert any("params/kernel" in note for note in told.notes)
    last = rows(tmp_path)[-1]
    assert last["step"] == 15 and math.isnan(last["training_loss"])
    assert sorted(os.listdir(tmp_path / "checkpoints")) == ["000000001", "000000010"]


def test_a_state_that_is_not_finite_is_never_saved(tmp_path):
    """In big_vision a checkpoint may hold NaN before anyone looks."""
    with pytest.raises(Failed) as failed:
        toy.run(str(tmp_path), poison=12, log=100, save=4)
    (told,) = failed.value.diagnostics
    assert told.code == "B0530" and "step 12" in told.message
    assert sorted(os.listdir(tmp_path / "checkpoints")) == ["000000004", "000000008"]


@pytest.mark.parametrize("before", [0, 12])
def test_a_full_disk_is_told_and_nothing_saved_is_lost(tmp_path, whole, before):
    if before:
        die_after(before, tmp_path)
    process = start(tmp_path, limit=9000)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    step = 20 if before else 1
    assert err.startswith(f"error[B0514]: cannot write the checkpoint of step {step}: file too large\n"), err
    assert "Traceback" not in out + err
    kept = sorted(name for name in os.listdir(tmp_path / "checkpoints") if name.isdigit())
    assert kept == (["000000001", "000000010"] if before else [])
    toy.run(str(tmp_path))
    assert (tmp_path / METRICS).read_bytes() == (whole / METRICS).read_bytes()
    assert same(final(tmp_path), final(whole))


def test_metrics_that_do_not_fit_are_told(tmp_path):
    process = start(tmp_path, total=300, log=1, save=0, limit=4000)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "error[B0514]: cannot write the metrics: file too large" in err and "Traceback" not in out + err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DataError("a JPEG that ends early", "scene 7 of `shapes`"), "B0505"),
        (jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes."), "B0533"),
    ],
)
def test_data_and_memory_that_fail_are_told(tmp_path, monkeypatch, error, code):
    def failing(self):
        raise error

    monkeypatch.setattr(toy.ToyFeed, "__iter__", failing)
    with pytest.raises(Failed) as failed:
        toy.run(str(tmp_path))
    (told,) = failed.value.diagnostics
    assert told.code == code


@pytest.mark.slow
def test_a_second_interrupt_ends_it_at_once(tmp_path):
    process = start(tmp_path, every=1, slow_eval=5.0)
    while not (tmp_path / METRICS).exists():  # it is opened before the first evaluation
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert process.returncode == -signal.SIGINT and "Traceback" not in err


def test_a_store_holds_a_whole_run(whole):
    url = f"memory://toy-{os.getpid()}"
    toy.run(url)
    assert Folder(url).read(METRICS) == (whole / METRICS).read_bytes()
    assert same(final(url), final(whole))
