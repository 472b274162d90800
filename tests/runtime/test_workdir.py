import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from bvc.diagnostics import Failed
from bvc.runtime.workdir import SPEC, Workdir

TEXT = """doc = "a"
[mesh]
axes = { data = "rest" }
[data.train]
batch = 8
pipeline = ["decode", "resize(8)"]
[optimizer]
lr = 0.001
[run]
length = "10 steps"
log = "5 steps"
[evals.a]
every = "5 steps"
"""


def refused(workdir: object, spec: str = TEXT):
    with pytest.raises(Failed) as failed:
        Workdir(str(workdir), spec)
    (told,) = failed.value.diagnostics
    return told


@pytest.fixture(params=["local", "memory"])
def url(request, tmp_path) -> str:
    return str(tmp_path / "w") if request.param == "local" else f"memory://{tmp_path.name}-{os.getpid()}"


def test_the_same_experiment_may_continue(url):
    opened = Workdir(url, TEXT)
    opened.write("plan.txt", "plan\n")
    opened.close()
    again = Workdir(url, TEXT)
    assert again.folder.read("plan.txt") == b"plan\n" and again.changed == ()
    again.close()


def test_another_experiment_is_refused_with_what_differs(url):
    Workdir(url, TEXT).close()
    other = TEXT.replace("0.001", "0.01").replace('"resize(8)"', '"resize(9)", "flip"')
    told = refused(url, other)
    assert told.code == "B0511"
    assert told.notes == (
        '`data.train.pipeline[1]`: there `"resize(8)"`, here `"resize(9)"`',
        "`optimizer.lr`: there `0.001`, here `0.01`",
        '`data.train.pipeline[2]`: there absent, here `"flip"`',
    )
    Workdir(url, TEXT).close()


def test_what_changes_no_training_may_change(url):
    Workdir(url, TEXT).close()
    other = (
        TEXT.replace('log = "5', 'log = "7')
        .replace('doc = "a"', 'doc = "b"')
        .replace("[evals.a]", "[evals.b]")
        .replace("batch = 8", "batch = 8\nskip_bad = 3")
    )
    opened = Workdir(url, other.replace('"rest"', "1"))
    assert set(opened.changed) == {
        "doc",
        "mesh.axes.data",
        "run.log",
        "evals.a.every",
        "evals.b.every",
        "data.train.skip_bad",
    }
    assert (opened.folder.read(SPEC) or b"").decode() == other.replace('"rest"', "1")
    opened.close()


def test_the_length_may_not_change(tmp_path):
    Workdir(str(tmp_path), TEXT).close()
    assert refused(tmp_path, TEXT.replace("10 steps", "20 steps")).code == "B0511"


def test_a_foreign_run_is_left_alone(tmp_path):
    (tmp_path / "big_vision_metrics.txt").write_text('{"step": 1}\n')
    assert refused(tmp_path).code == "B0512"
    assert os.path.getsize(tmp_path / "big_vision_metrics.txt") == 12


def test_a_folder_with_other_files_may_be_used(tmp_path):
    (tmp_path / "slurm-1.out").write_text("")
    Workdir(str(tmp_path), TEXT).close()
    assert (tmp_path / SPEC).read_text() == TEXT
    assert (tmp_path / "slurm-1.out").read_text() == ""


def test_a_damaged_spec_is_told(tmp_path):
    (tmp_path / SPEC).write_bytes(b"\xff = [")
    assert refused(tmp_path).code == "B0513"


def test_what_is_no_folder_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    assert refused(tmp_path / "file").code == "B0513"
    assert refused("nothing-like://this").code == "B0513"


def test_a_store_that_refuses_is_told(tmp_path, monkeypatch):
    class HttpError(Exception):
        pass

    def refuse(*_: object) -> None:
        raise HttpError("no credentials\nand a page of advice")

    monkeypatch.setitem(sys.modules, "gcsfs.retry", SimpleNamespace(HttpError=HttpError))
    monkeypatch.setattr(MemoryFileSystem, "cat_file", refuse)
    told = refused(f"memory://{tmp_path.name}")
    assert told.code == "B0513" and told.message.endswith(": no credentials")


HOLD = """
import sys, time
from bvc.runtime.workdir import Workdir
held = Workdir(sys.argv[1], sys.argv[2])
print("held", flush=True)
time.sleep(60)
"""


def test_two_runs_do_not_share_it_and_a_killed_one_leaves_no_lock(tmp_path):
    root = Path(__file__).parent.parent.parent
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path), TEXT], cwd=root, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    told = refused(tmp_path)
    assert told.code == "B0510" and f"process {process.pid} on " in told.notes[0]
    process.kill()
    process.communicate()
    Workdir(str(tmp_path), TEXT).close()
