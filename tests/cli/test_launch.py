"""The scripts of `bvc launch`: they parse, and hand on every argument as it was given."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from bvc.cli.app import app
from bvc.cli.launch import Launch, Place, command_of, name_of, script

NASTY = """run.doc="it's $HOME `id` \\"quoted\\" ; rm -rf / \n#JOBSET" """
COMMAND = command_of(
    "a spec.toml:size='B', local", "/mnt/my runs/$x", [NASTY, "optimizer.lr=3e-4"], "/data dir"
)
LAUNCH = Launch(
    COMMAND,
    "siglip",
    nodes=4,
    zone="europe-west4-b",
    image="registry/bvc:1",
    select=("cloud.google.com/gke-tpu-topology=4x4",),
    volumes=("runs-claim:/mnt",),
)


def read_by_bash(text: str) -> tuple[int, str]:
    """Exit status and errors of bash, which reads a script and runs nothing of it."""
    found = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=False)
    return found.returncode, found.stderr


def run_in_bash(text: str, stubs: str) -> list[str]:
    """The words that the last command of a script is called with; `stubs` are functions in place of programs."""
    found = subprocess.run(["bash"], input=f"{stubs}\n{text}", text=True, capture_output=True, check=True)
    return found.stdout.removesuffix("\0").split("\0")


@pytest.mark.parametrize("place", Place)
def test_scripts_parse(place: Place) -> None:
    assert read_by_bash(script(place, LAUNCH)) == (0, "")


def test_slurm_passes_every_argument_on() -> None:
    words = run_in_bash(script(Place.slurm, LAUNCH), "srun() { printf '%s\\0' \"$@\"; }")
    assert words == ["--cpu-bind=none", *COMMAND]
    assert "#SBATCH --nodes=4\n" in script(Place.slurm, LAUNCH)


@pytest.mark.parametrize(
    ("status", "restarts", "continues"),
    [(0, "", False), (1, "", False), (75, "", True), (75, "20", True), (76, "", True), (76, "10", False)],
)
def test_slurm_continues_what_can_be_continued(status: int, restarts: str, continues: bool) -> None:
    stubs = f'srun() {{ return {status}; }}\nscontrol() {{ echo "$@"; }}\nSLURM_JOB_ID=77'
    stubs += f"\nSLURM_RESTART_COUNT={restarts}" if restarts else ""
    found = subprocess.run(
        ["bash"], input=f"{stubs}\n{script(Place.slurm, LAUNCH)}", text=True, capture_output=True, check=False
    )
    assert (found.returncode, found.stdout) == (status, "requeue 77\n" if continues else "")


def test_every_tpu_host_runs_the_same_command() -> None:
    called = run_in_bash(script(Place.tpu_vm, LAUNCH), "gcloud() { printf '%s\\0' \"$@\"; }")
    *before, last = called
    assert before[-2:] == ["--zone=europe-west4-b", "--worker=all"]
    on_host = last.removeprefix("--command=")
    assert read_by_bash(on_host) == (0, "")
    assert run_in_bash(on_host.replace("exec bvc", "bvc"), "bvc() { printf '%s\\0' bvc \"$@\"; }") == list(
        COMMAND
    )


def test_a_jobset_tells_its_pods_where_the_first_is() -> None:
    applied = run_in_bash(script(Place.gke, LAUNCH), "kubectl() { cat; }")[0]
    jobset = json.loads(applied)
    [workers] = jobset["spec"]["replicatedJobs"]
    job = workers["template"]["spec"]
    assert (job["completionMode"], job["parallelism"], job["completions"]) == ("Indexed", 4, 4)
    pod = job["template"]["spec"]
    [container] = pod["containers"]
    assert container["command"] == list(COMMAND)
    environ = {each["name"]: each["value"] for each in container["env"]}
    assert environ == {
        "JAX_COORDINATOR_ADDRESS": "siglip-workers-0-0.siglip:8476",
        "JAX_NUM_PROCESSES": "4",
    }
    assert pod["nodeSelector"] == {"cloud.google.com/gke-tpu-topology": "4x4"}
    mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    assert mounts == {"memory": "/dev/shm", "volume-0": "/mnt"}
    assert [each["name"] for each in pod["volumes"]] == list(mounts)


def test_pods_of_several_slices_are_told_by_gke() -> None:
    with pytest.raises(ValueError, match="--slices"):
        script(Place.slurm, replace(LAUNCH, slices=2))
    with pytest.raises(ValueError, match="--resource google.com/tpu"):
        script(Place.gke, replace(LAUNCH, slices=2))
    with pytest.raises(ValueError, match="--select cloud.google.com/gke-tpu-accelerator"):
        script(Place.gke, replace(LAUNCH, slices=2, resource="google.com/tpu"))
    which = (*LAUNCH.select, "cloud.google.com/gke-tpu-accelerator=tpu-v6e-slice")
    launch = replace(LAUNCH, slices=2, resource="google.com/tpu", select=which)
    applied = run_in_bash(script(Place.gke, launch), "kubectl() { cat; }")[0]
    jobset = json.loads(applied)
    assert "exclusive-topology" in str(jobset["metadata"]["annotations"])
    [workers] = jobset["spec"]["replicatedJobs"]
    assert (workers["replicas"], workers["template"]["spec"]["parallelism"]) == (2, 4)
    pod = workers["template"]["spec"]["template"]["spec"]
    assert pod["hostNetwork"] and pod["nodeSelector"]["cloud.google.com/gke-tpu-topology"] == "4x4"
    assert pod["containers"][0]["env"] == []


def test_the_command_prints_and_asks_for_what_it_needs() -> None:
    arguments = ["launch", "--print", "slurm", "specs/siglip_coco.toml:local", "--workdir", "runs/a b"]
    found = CliRunner().invoke(app, [*arguments, "--nodes", "2"])
    assert found.exit_code == 0
    assert "srun --cpu-bind=none bvc run specs/siglip_coco.toml:local --workdir 'runs/a b'\n" in found.output
    assert "--job-name=siglip-coco\n" in found.output
    arguments[2] = "gke"
    found = CliRunner().invoke(app, arguments)
    assert found.exit_code == 2
    assert "--image" in found.output


@pytest.mark.parametrize(
    ("spec", "name"),
    [("specs/big_vision.toml:x=1", "big-vision"), ("4096.toml", "bvc-4096"), ("a" * 60 + ".toml", "a" * 40)],
)
def test_names(spec: str, name: str) -> None:
    assert name_of(spec) == name
