"""`bvc launch --print slurm|tpu-vm|gke SPEC --workdir DIR`: the script that starts a run on several machines, as text.

Nothing is submitted. Every script starts the same `bvc run` once on each machine; the processes find each other by what
the scheduler puts into their environment (`bvc/runtime/processes/cluster.py`), and on TPU VMs by the metadata server.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePosixPath

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
_PORT = 8476
_RESTARTS = 10
"""After so many a lost process is taken for an error that comes again."""
_TPU = "google.com/tpu"
_TPU_LABELS = ("cloud.google.com/gke-tpu-accelerator", "cloud.google.com/gke-tpu-topology")
"""GKE places no pod with TPUs that does not say which."""
_ONE_POOL_EACH = {"alpha.jobset.sigs.k8s.io/exclusive-topology": "cloud.google.com/gke-nodepool"}
"""A slice is a pool of nodes: its pods belong on one, and those of another slice on another."""
_AMONG_SLICES = {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"}
"""Gradients between slices go over the network of the hosts, without the detour of pods."""
_GRACE_SECONDS = 180
"""Between the signal and the end: the step in which it comes, and its checkpoint."""


class Place(str, Enum):  # noqa: UP042 - StrEnum shows its members differently in `--help`
    """Where a run is to be started."""

    slurm = "slurm"
    tpu_vm = "tpu-vm"
    gke = "gke"


@dataclass(frozen=True, slots=True)
class Launch:
    """What a script is written from.

    Attributes:
        command: `bvc run` with its arguments, unquoted.
        name: of the job, the TPU, or the JobSet.
        nodes: machines, of each slice; each runs one process.
        devices: devices of a machine.
        zone: of the TPU.
        image: with bvc in it, for GKE.
        resource: what GKE calls the devices.
        select: `KEY=VALUE` labels of the nodes to run on.
        volumes: `CLAIM:/PATH`: file systems that all machines share, such as that of the work directory.
        slices: of TPUs, on GKE.
    """

    command: tuple[str, ...]
    name: str
    nodes: int = 1
    devices: int = 8
    zone: str | None = None
    image: str | None = None
    resource: str = "nvidia.com/gpu"
    select: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    slices: int = 1


def command_of(spec: str, workdir: str, sets: Sequence[str], data_dir: str | None) -> tuple[str, ...]:
    """The words of the command that every machine runs."""
    given = [word for each in sets for word in ("--set", each)]
    data = ["--data-dir", data_dir] if data_dir else []
    return ("bvc", "run", spec, "--workdir", workdir, *given, *data)


def name_of(spec: str) -> str:
    """A name that all schedulers accept, from the file of a spec.

    >>> name_of("specs/SigLIP_coco.toml:local")
    'siglip-coco'
    """
    stem = PurePosixPath(spec.split(".toml")[0]).name.lower()
    return (
        re.sub(r"[^a-z0-9]+", "-", f"bvc-{stem}" if not stem[:1].isalpha() else stem)
        .strip("-")[:40]
        .rstrip("-")
    )


def script(place: Place, launch: Launch) -> str:
    """The script.

    Raises:
        ValueError: something that the place needs was not given, or cannot be used; says what.
    """
    if not _NAME.fullmatch(launch.name):
        raise ValueError(f"`{launch.name}` is no name: small letters, digits and `-`, at most 40")
    if launch.slices > 1 and place is not Place.gke:
        raise ValueError("`--slices` is for gke: elsewhere nothing tells a process of which slice it is")
    return {Place.slurm: _slurm, Place.tpu_vm: _tpu_vm, Place.gke: _gke}[place](launch)


def _slurm(launch: Launch) -> str:
    return f"""#!/bin/bash
# Submit with `sbatch FILE`; partition, account and time limit as your cluster wants them: `sbatch --time=24:00:00 FILE`
#SBATCH --job-name={launch.name}
#SBATCH --nodes={launch.nodes}
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node={launch.devices}
#SBATCH --exclusive
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=TERM@{_GRACE_SECONDS}
set -uo pipefail

srun --cpu-bind=none {shlex.join(launch.command)}
status=$?
# 75: stopped by a signal, state saved; 76: a process was lost, which may happen again. The job continues from the last
# checkpoint.
if [ "$status" -eq 75 ] || {{ [ "$status" -eq 76 ] && [ "${{SLURM_RESTART_COUNT:-0}}" -lt {_RESTARTS} ]; }}; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
"""


def _tpu_vm(launch: Launch) -> str:
    if not launch.zone:
        raise ValueError("a TPU VM has a zone: give `--zone`")
    # a shell that is not interactive does not look where pip puts the programs of a user
    on_host = f'export PATH="$HOME/.local/bin:$PATH"; exec {shlex.join(launch.command)}'
    at = f"{launch.name} --zone={shlex.quote(launch.zone)} --worker=all"
    return f"""#!/bin/bash
# Run where gcloud is signed in and stays so, such as in tmux: the run ends with the connections. The hosts of the TPU
# need bvc, and the work directory in a bucket (gs://, with gcsfs) or a file system that they share. They find each
# other by themselves.
set -euo pipefail

gcloud compute tpus tpu-vm ssh {at} --command={shlex.quote(on_host)}
"""


def _gke(launch: Launch) -> str:
    if not launch.image:
        raise ValueError("pods need a container image with bvc in it: give `--image`")
    several, tpu = launch.slices > 1, launch.resource == _TPU
    if several and not tpu:
        raise ValueError(f"slices are of TPUs: give `--resource {_TPU}`")
    labels = dict(_pair(each, "=") for each in launch.select)
    lacking = [name for name in _TPU_LABELS if name not in labels]
    if tpu and lacking:
        wanted = " and ".join(f"`--select {name}=...`" for name in lacking)
        raise ValueError(f"GKE wants to know which TPU: give {wanted}")
    host = f"{launch.name}-workers-0-0.{launch.name}:{_PORT}"
    # of several slices GKE tells each pod by variables of its own
    environ = {} if several else {"JAX_COORDINATOR_ADDRESS": host, "JAX_NUM_PROCESSES": str(launch.nodes)}
    pod = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": _GRACE_SECONDS,
        **(_AMONG_SLICES if several else {}),
        **({"nodeSelector": labels} if labels else {}),
        "containers": [
            {
                "name": "bvc",
                "image": launch.image,
                # `$(NAME)` would be replaced
                "command": [word.replace("$(", "$$(") for word in launch.command],
                "env": [{"name": name, "value": value} for name, value in environ.items()],
                "ports": [{"containerPort": _PORT}],
                "resources": {"limits": {launch.resource: str(launch.devices)}},
                "volumeMounts": [
                    # what NCCL and the workers of the data share; 64 MB unless asked for
                    {"name": "memory", "mountPath": "/dev/shm"},
                    *(
                        {"name": f"volume-{number}", "mountPath": _pair(each, ":")[1]}
                        for number, each in enumerate(launch.volumes)
                    ),
                ],
            }
        ],
        "volumes": [
            {"name": "memory", "emptyDir": {"medium": "Memory"}},
            *(
                {"name": f"volume-{number}", "persistentVolumeClaim": {"claimName": _pair(each, ":")[0]}}
                for number, each in enumerate(launch.volumes)
            ),
        ],
    }
    job = {
        "parallelism": launch.nodes,
        "completions": launch.nodes,
        "completionMode": "Indexed",
        "backoffLimit": 0,
        "template": {"spec": pod},
    }
    jobset = {
        "apiVersion": "jobset.x-k8s.io/v1alpha2",
        "kind": "JobSet",
        "metadata": {"name": launch.name, **({"annotations": _ONE_POOL_EACH} if tpu else {})},
        "spec": {
            "failurePolicy": {"maxRestarts": _RESTARTS},
            "network": {"enableDNSHostnames": True, "subdomain": launch.name},
            "replicatedJobs": [{"name": "workers", "replicas": launch.slices, "template": {"spec": job}}],
        },
    }
    # JSON is YAML; a quoted here-document leaves every character as it is
    return f"""#!/bin/bash
# Run where kubectl is signed in to a cluster with JobSet (https://jobset.sigs.k8s.io). When a pod fails, all are
# started again, and the run continues from its last checkpoint.
set -euo pipefail

kubectl apply -f - <<'JOBSET'
{json.dumps(jobset, indent=2)}
JOBSET
"""


def _pair(text: str, between: str) -> tuple[str, str]:
    first, found, second = text.partition(between)
    if not (first and found and second):
        raise ValueError(f"`{text}` has no `{between}` between two parts")
    return first, second
