"""`run.writers`: every row reaches TensorBoard and W&B once, over restarts; what is missing is told before the run."""

import dataclasses
import json
import sys
import types
from pathlib import Path

import pytest
from rich.console import Console

from bvc.bind import bind
from bvc.diagnostics import Failed
from bvc.runtime.loop import train
from bvc.runtime.metrics.progress import Progress
from bvc.runtime.metrics.writers import missing_writers
from bvc.runtime.run import locate
from bvc.runtime.workdir import Workdir
from bvc.spec import load
from tests.runtime import toy

SPEC = Path(__file__).parent.parent.parent / "specs" / "tiny_siglip.toml"


class Events:
    """What TensorBoard would show of the event files: a later file hides the steps from its `purge_step` on."""

    def __init__(self, logdir: str, purge_step: int | None = None) -> None:
        self.shown = _SHOWN.setdefault(logdir, [])
        if purge_step is not None:
            self.shown[:] = [event for event in self.shown if event[1] < purge_step]
        self.waiting: list[tuple[str, int, float]] = []

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.waiting.append((name, step, value))

    def flush(self) -> None:
        self.shown += self.waiting
        self.waiting = []

    def close(self) -> None:
        self.flush()


_SHOWN: dict[str, list[tuple[str, int, float]]] = {}


class Service:
    """W&B: keeps runs by their id; a step that is not later than the last is an error here, a warning there."""

    class Error(Exception):
        pass

    def __init__(self) -> None:
        self.runs: dict[str, list[tuple[int, dict[str, float]]]] = {}
        self.refuse = ""
        self.config: object = None

    def init(
        self, *, id: str, resume: str, name: str, dir: str | None, config: object
    ) -> types.SimpleNamespace:
        if self.refuse:
            raise self.Error(self.refuse)
        self.config = config
        rows = self.runs.setdefault(id, [])
        assert resume == "allow" and dir is not None and name

        def log(metrics: dict[str, float], step: int) -> None:
            assert not rows or step > rows[-1][0]
            rows.append((step, metrics))

        return types.SimpleNamespace(log=log, finish=lambda: None, step=rows[-1][0] + 1 if rows else 0)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    _SHOWN.clear()
    found = Service()
    tensorboard = types.ModuleType("tensorboardX")
    tensorboard.SummaryWriter = Events  # type: ignore[attr-defined]
    wandb = types.ModuleType("wandb")
    wandb.init, wandb.Error = found.init, found.Error  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tensorboardX", tensorboard)
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    return found


class Killed(Exception):
    pass


class Dying(toy.ToyFeed):
    """Batches until the process dies."""

    def __iter__(self):
        for batch in super().__iter__():
            if self.step == 18:
                raise Killed
            yield batch


def run(workdir: Path, feed: type[toy.ToyFeed] = toy.ToyFeed) -> None:
    training = dataclasses.replace(
        toy.training(), writers=("tensorboard", "wandb"), feed=lambda start: feed(start, 0.0, 0)
    )
    opened = Workdir(str(workdir), "doc = 'toy'\n")
    try:
        with Progress(Console(quiet=True), total=training.times.total, batch=toy.BATCH) as progress:
            train(training, opened, progress)
    finally:
        opened.close()


def rows(workdir: Path) -> dict[int, dict[str, float]]:
    lines = (workdir / "big_vision_metrics.txt").read_text().splitlines()
    return {row.pop("step"): row for row in map(json.loads, lines)}


def test_every_row_is_written_once_over_a_restart(tmp_path: Path, service: Service) -> None:
    with pytest.raises(Killed):
        run(tmp_path / "w", Dying)
    assert 15 in rows(tmp_path / "w"), "a row after the checkpoint of step 10 is measured again"
    run(tmp_path / "w")
    written = rows(tmp_path / "w")
    events = _SHOWN[str(tmp_path / "w" / "tensorboard")]
    losses = {step: value for name, step, value in events if name == "training_loss"}
    assert len({(name, step) for name, step, _ in events}) == len(events)
    assert losses == {step: row["training_loss"] for step, row in written.items() if "training_loss" in row}
    assert {"uptime", "val/norm"} <= {name for name, _, _ in events}
    (seen,) = service.runs.values()
    assert [step for step, _ in seen] == sorted(written)
    assert all(metrics.items() >= written[step].items() for step, metrics in seen)
    assert service.config == {"doc": "toy"}


def test_a_service_that_refuses_ends_the_run_with_its_reason(tmp_path: Path, service: Service) -> None:
    service.refuse = "no account\nread more"
    with pytest.raises(Failed) as failed:
        run(tmp_path / "w")
    (told,) = failed.value.diagnostics
    assert (told.code, told.notes) == ("B0555", ("no account",))


def test_what_is_not_installed_is_told_before_anything_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    first, second = missing_writers(["tensorboard", "wandb"])
    assert first.code == second.code == "B0554"
    assert first.help is not None and "pip install 'bvc[tensorboard]'" in first.help


def test_a_run_verifies_its_writers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bvc.runtime.run.missing_data", lambda experiment, root: [])
    experiment = bind(load(str(SPEC), "", (("run.writers", '["wandb"]'),)))
    assert experiment.run.writers == ("wandb",)
    with pytest.raises(Failed) as failed:
        locate(experiment, str(tmp_path))
    assert "B0554" in [each.code for each in failed.value.diagnostics]


def test_an_unknown_writer_is_an_error_of_the_spec() -> None:
    with pytest.raises(Failed) as failed:
        bind(load(str(SPEC), "", (("run.writers", '["tensorbord"]'),)))
    assert "tensorboard" in str(failed.value.diagnostics[0])
