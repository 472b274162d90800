"""Which processes make up a run: from what a cluster's scheduler puts into the environment, or from flags.

A function of environment variables; nothing is started, and only hosts of TPUs outside of GKE, where no variable tells,
ask (`tpu_vm.py`). Names and ports are those of jax's own detection (`jax._src.clusters`). That is not used, because it
asks the Kubernetes API, takes the number of tasks of SLURM's job instead of the step, and gives a process one device
even where it has the node for itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import processes as catalog
from bvc.runtime.processes import tpu_vm

TPU_PORT = 8482
_PORTS = 4096
"""Ports for coordinators: the last of the ephemeral range, chosen by the job's number so that two jobs seldom meet."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The processes of a run, as one of them sees them.

    Attributes:
        coordinator: `HOST:PORT` where process 0 can be reached; None if the environment does not tell.
        processes: how many there are.
        process: the number of this one.
        device: the only device of this machine that this process is to use; None: all.
        found: what told so, for messages.
    """

    coordinator: str | None
    processes: int
    process: int
    device: int | None = None
    found: str = "flags"


def detect(environ: Mapping[str, str]) -> Cluster | None:
    """The processes that a scheduler started beside this one; None if this one is alone.

    Raises:
        ValueError: a variable that should be a number is none.
    """
    for look in (_told_jax, _tpu, _slurm, _open_mpi):
        found = look(environ)
        if found is not None:
            told = environ.get("JAX_COORDINATOR_ADDRESS")
            return replace(found, coordinator=told or found.coordinator) if found.processes > 1 else None
    return None


def resolve(
    coordinator: str | None,
    processes: int | None,
    process: int | None,
    environ: Mapping[str, str] = os.environ,
    metadata: Callable[[Mapping[str, str]], Mapping[str, str]] = tpu_vm.variables,
) -> Cluster | None:
    """The processes of this run: what flags say, completed by what the environment says.

    Args:
        coordinator: of `--coordinator`.
        processes: of `--processes`.
        process: of `--process`.
        environ: environment variables.
        metadata: what else the machine knows, as variables; asked unless flags say everything.

    Raises:
        Failed: something is missing or does not fit together (B0561).
    """
    told = None not in (coordinator, processes, process) or processes == 1
    try:
        found = detect(environ if told else {**metadata(environ), **environ})
    except ValueError as error:
        raise Failed([catalog.cluster_unclear(f"the environment cannot be understood: {error}")]) from error
    if found is None and coordinator is None and processes is None and process is None:
        return None
    if processes == 1 and process in (None, 0):
        return None
    wanted = {
        "--coordinator": coordinator or (found and found.coordinator),
        "--processes": processes if processes is not None else found and found.processes,
        "--process": process if process is not None else found and found.process,
    }
    lacking = [flag for flag, value in wanted.items() if value is None]
    if lacking:
        where = (
            f"{found.found} tells of {found.processes} processes"
            if found
            else "flags tell of several processes"
        )
        raise Failed([catalog.cluster_unclear(f"{where}, but not all of it", lacking)])
    at, count, index = wanted.values()
    assert isinstance(at, str) and isinstance(count, int) and isinstance(index, int)
    if not 0 <= index < count:
        raise Failed(
            [catalog.cluster_unclear(f"there is no process {index} of {count}: they are counted from 0")]
        )
    if not re.fullmatch(r".+:\d{1,5}", at):
        raise Failed([catalog.cluster_unclear(f"`{at}` is not HOST:PORT")])
    return Cluster(at, count, index, found.device if found else None, found.found if found else "flags")


def _told_jax(environ: Mapping[str, str]) -> Cluster | None:
    """What jax's variables say; in a Kubernetes Job or JobSet the number of a process is that of its pod."""
    index = environ.get("JAX_PROCESS_ID") or environ.get("JOB_COMPLETION_INDEX")
    at, count = environ.get("JAX_COORDINATOR_ADDRESS"), environ.get("JAX_NUM_PROCESSES")
    if not (at and count and index):
        return None
    return Cluster(at, int(count), int(index), found="the JAX_* variables")


def _tpu(environ: Mapping[str, str]) -> Cluster | None:
    """Hosts of a TPU slice; several slices by the MEGASCALE variables."""
    hosts = environ.get("TPU_PROCESS_ADDRESSES") or environ.get("TPU_WORKER_HOSTNAMES")
    worker = environ.get("TPU_WORKER_ID")
    if not hosts or not worker:
        return None
    names = [host.strip().split(":")[0] for host in hosts.split(",")]
    slices, number = (
        int(environ.get("MEGASCALE_NUM_SLICES") or 1),
        int(environ.get("MEGASCALE_SLICE_ID") or 0),
    )
    first = (environ.get("MEGASCALE_COORDINATOR_ADDRESS") or names[0]).split(":")[0]
    return Cluster(
        f"{first}:{TPU_PORT}",
        len(names) * slices,
        number * len(names) + int(worker),
        found="the TPU slice",
    )


def _slurm(environ: Mapping[str, str]) -> Cluster | None:
    """The tasks of a step; outside of `srun` a process is alone."""
    needed = ("SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_PROCID", "SLURM_LOCALID")
    count = environ.get("SLURM_STEP_NUM_TASKS") or environ.get("SLURM_NTASKS")
    if not count or any(name not in environ for name in needed):
        return None
    per_node = environ.get("SLURM_STEP_TASKS_PER_NODE") or environ.get("SLURM_TASKS_PER_NODE") or "1"
    shared = any(int(tasks) > 1 for tasks in re.sub(r"\(x\d+\)", "", per_node).split(","))
    return Cluster(
        f"{_first_host(environ['SLURM_STEP_NODELIST'])}:{_port(int(environ['SLURM_JOB_ID']))}",
        int(count),
        int(environ["SLURM_PROCID"]),
        _own_device(environ, shared, environ["SLURM_LOCALID"]),
        "SLURM",
    )


def _open_mpi(environ: Mapping[str, str]) -> Cluster | None:
    """What `mpirun` starts; from version 5 on it does not say where process 0 is."""
    count, index = environ.get("OMPI_COMM_WORLD_SIZE"), environ.get("OMPI_COMM_WORLD_RANK")
    if not count or not index:
        return None
    at = re.match(
        r"(\d+)\.\d+;.*?(?:tcp://([^,:]+)|tcp6://\[([^,\]]+))", environ.get("OMPI_MCA_orte_hnp_uri", "")
    )
    shared = int(environ.get("OMPI_COMM_WORLD_LOCAL_SIZE") or 1) > 1
    return Cluster(
        f"{at[2] or f'[{at[3]}]'}:{_port(int(at[1]) // 4096)}" if at else None,
        int(count),
        int(index),
        _own_device(environ, shared, environ.get("OMPI_COMM_WORLD_LOCAL_RANK", "0")),
        "Open MPI",
    )


def _own_device(environ: Mapping[str, str], shared: bool, number: str) -> int | None:
    """The device of a process that shares its machine with others, unless the scheduler already gave it one."""
    visible = environ.get("CUDA_VISIBLE_DEVICES", "")
    return int(number) if shared and not (visible and "," not in visible) else None


def _first_host(nodes: str) -> str:
    """The first of `node001`, `node001,host2` or `node[001,007-015],host2`."""
    name, bracket, numbers = nodes.partition(",")[0].partition("[")
    return name + re.split(r"[,\-\]]", numbers)[0] if bracket else name


def _port(number: int) -> int:
    return 65536 - _PORTS + number % _PORTS
