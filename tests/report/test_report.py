"""`bvc report`: what runs recorded, told without jax, whatever state their files are in."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bvc.diagnostics import Failed
from bvc.report.beside import beside
from bvc.report.curves import sections
from bvc.report.recorded import differences, read_runs
from bvc.report.report import render, report
from tests.test_layers import HEAVY, command, loaded

PLAN = {
    "target": {"devices": 2},
    "parameters": [{"name": "kernel", "shape": [3, 4]}, {"name": "frozen/teacher/kernel", "shape": [9]}],
    "examples": 8,
    "memory": {"total": 2**20},
    "roofline": {"computation": 0.5, "collectives": 0.1},
    "steps": 4,
    "epochs": 2.0,
}


def workdir(folder: Path, *, scale: float = 1.0, lr: float = 0.1) -> Path:
    folder.mkdir()
    (folder / "spec.toml").write_text(f"[optimizer]\nlr = {lr}\n[run]\nseed = 0\n")
    rows = [{"step": 0, "num_params": 12.0, "val/accuracy": 0.1}]
    rows += [
        {"step": n, "training_loss": scale / n, "epoch": n / 2, "l2_grads": float("nan")} for n in range(1, 5)
    ]
    rows[-1] |= {"val/accuracy": 0.5, "val/per_class": [3, 2]}
    write(folder / "big_vision_metrics.txt", rows)
    clock = [{"step": n, "uptime": float(n), "img/sec/core": 4.0} for n in (2, 4)]
    write(folder / "big_vision_clock.txt", clock)
    (folder / "plan.json").write_text(json.dumps(PLAN))
    return folder


def write(file: Path, rows: list[dict[str, object]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_run_becomes_a_page_and_pictures(tmp_path: Path) -> None:
    written, told = report([str(workdir(tmp_path / "a"))], str(tmp_path / "out"))
    assert not told
    names = {Path(file).name for file in written}
    assert {
        "report.html",
        "training_loss.png",
        "val_accuracy.png",
        "l2_grads.png",
        "img_sec_core.png",
    } <= names
    page = Path(written[0]).read_text()
    assert "resolved spec of a" in page and "step 4 of 4" in page and "http" not in page
    with Image.open(tmp_path / "out" / "training_loss.png") as image:
        assert image.size == (1280, 680)


def test_runs_are_compared_with_what_differs(tmp_path: Path) -> None:
    runs, _ = read_runs([str(workdir(tmp_path / "a")), str(workdir(tmp_path / "b", scale=2.0, lr=0.2))])
    assert differences(runs) == [("optimizer.lr", "0.1", "0.2")]
    training = sections(runs)[0]
    assert (training.title, [name for name, _ in training.charts]) == (
        "training",
        ["training_loss", "l2_grads"],
    )
    assert [(each.name, each.colour) for each in training.charts[0][1].series] == [("a", 0), ("b", 1)]
    assert ("num_params", "12", "12") in training.single


def test_the_plan_stands_beside_what_was_measured(tmp_path: Path) -> None:
    (run,), _ = read_runs([str(workdir(tmp_path / "a"))])
    rows = {row[1]: row[2:] for row in beside(run)}
    assert rows["time of a step"] == ("0.5 s", "1 s", "2")
    assert rows["images per second and device"] == ("8/s", "4/s", "0.5")
    assert rows["parameters"] == ("12", "12", "1")
    assert rows["memory of a device at the peak"] == ("1.0 MiB", "not known", "")
    (speed,) = [chart for name, chart in sections([run])[2].charts if name == "img/sec/core"]
    assert [(level.name, level.y) for level in speed.levels] == [("planned", 8.0)]


def test_samples_of_the_newest_step_are_shown(tmp_path: Path) -> None:
    folder = workdir(tmp_path / "a")
    for step in (2, 4):
        kept = folder / "evals" / "val" / f"{step:09d}"
        kept.mkdir(parents=True)
        np.savez(
            kept / "predictions.npz",
            prediction=np.full((2, 4, 4, 3), step, np.uint8),
            labels=np.zeros(2),
            depth=np.linspace(-1, 1, 32).reshape(2, 4, 4, 1),
        )
        (kept / "captions.json").write_text(f'["<b> at step {step}"]')
        Image.new("RGB", (2, 2)).save(kept / "one.png")
    (kept / "broken.npz").write_bytes(b"PK nothing")
    runs, _ = read_runs([str(folder)])
    page = render(runs, sections(runs))
    assert page.count("data:image/png;base64,") == 5
    assert "&lt;b&gt; at step 4" in page and "at step 2" not in page and "val, step 4" in page
    assert "labels: float64 [2]" in page and "depth 1, -1 to 1" in page and "can&#x27;t be read" in page


def test_half_a_line_and_a_damaged_one_are_told_and_left_out(tmp_path: Path) -> None:
    folder = workdir(tmp_path / "a")
    metrics = folder / "big_vision_metrics.txt"
    lines = metrics.read_text().splitlines()
    metrics.write_text("\n".join([lines[0], "damaged", '{"step": "two"}', *lines[1:], '{"step": 5, "train']))
    (run,), told = read_runs([str(folder)])
    assert run.last_step == 4
    assert [(each.code, each.severity) for each in told] == [
        ("B0552", "warning"),
        ("B0552", "warning"),
        ("B0552", "note"),
    ]


def test_what_is_no_work_directory_is_told_all_at_once(tmp_path: Path) -> None:
    other, empty, damaged = tmp_path / "other", workdir(tmp_path / "empty"), workdir(tmp_path / "damaged")
    other.mkdir()
    (other / "notes.txt").touch()
    (empty / "big_vision_metrics.txt").write_text("")
    (damaged / "spec.toml").write_text("[[[")
    with pytest.raises(Failed) as failed:
        read_runs([str(other), str(empty), str(tmp_path / "none"), str(damaged)])
    assert [each.code for each in failed.value.diagnostics] == ["B0550", "B0551", "B0550", "B0515"]


def test_a_damaged_plan_says_nothing(tmp_path: Path) -> None:
    folder = workdir(tmp_path / "a")
    (folder / "plan.json").write_text('{"steps": 3}')
    (run,), _ = read_runs([str(folder)])
    assert beside(run) == []


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(Failed) as failed:
        report([str(workdir(tmp_path / "a"))], str(tmp_path / "out"))
    assert failed.value.diagnostics[0].code == "B0553"


def test_metrics_whose_files_would_have_one_name_have_two(tmp_path: Path) -> None:
    folder = workdir(tmp_path / "a")
    rows = [{"step": n, "a/b": 1.0, "a b": 2.0, "../x": 3.0} for n in (1, 2)]
    write(folder / "big_vision_metrics.txt", rows)
    written, _ = report([str(folder)], str(tmp_path / "out"))
    names = sorted(Path(file).name for file in written)
    assert {"a_b.png", "a_b_2.png", "x.png"} <= set(names)
    assert all(Path(file).parent == tmp_path / "out" for file in written)


def test_a_report_loads_no_jax(tmp_path: Path) -> None:
    arguments = ("report", str(workdir(tmp_path / "a")), "--out", str(tmp_path / "out"))
    assert loaded(command(*arguments), *HEAVY) == set()
    assert (tmp_path / "out" / "report.html").is_file()
