"""Which processes make up a run, from fake environments of schedulers; nothing is started."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bvc.diagnostics import Failed
from bvc.runtime.processes.cluster import Cluster, detect, resolve

SLURM = {
    "SLURM_JOB_ID": "5432",
    "SLURM_STEP_NODELIST": "node[007-010]",
    "SLURM_NTASKS": "4",
    "SLURM_PROCID": "2",
    "SLURM_LOCALID": "0",
    "SLURM_STEP_TASKS_PER_NODE": "1(x4)",
}
SLURM_PER_GPU = {
    **SLURM,
    "SLURM_STEP_NODELIST": "gpu-a,gpu-b",
    "SLURM_STEP_TASKS_PER_NODE": "2(x2)",
    "SLURM_PROCID": "3",
    "SLURM_LOCALID": "1",
}
OPEN_MPI = {
    "OMPI_COMM_WORLD_SIZE": "8",
    "OMPI_COMM_WORLD_RANK": "5",
    "OMPI_COMM_WORLD_LOCAL_RANK": "1",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "4",
    "OMPI_MCA_orte_hnp_uri": "1531576320.0;tcp://10.96.0.1,10.148.0.1:34911",
}
TPU = {"TPU_WORKER_HOSTNAMES": "t-0.svc,t-1.svc,t-2.svc,t-3.svc", "TPU_WORKER_ID": "1"}
JOB = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "JOB_COMPLETION_INDEX": "3"}
JAX = {"JAX_COORDINATOR_ADDRESS": "train-workers-0-0.train:8476", "JAX_NUM_PROCESSES": "4"}

TABLE: dict[str, tuple[Mapping[str, str], Cluster | None]] = {
    "nothing": ({"PATH": "/bin"}, None),
    "SLURM, a process for each node": (SLURM, Cluster("node007:62776", 4, 2, None, "SLURM")),
    "SLURM, a process for each device": (SLURM_PER_GPU, Cluster("gpu-a:62776", 4, 3, 1, "SLURM")),
    "SLURM gave the task its device": (
        {**SLURM_PER_GPU, "CUDA_VISIBLE_DEVICES": "1"},
        Cluster("gpu-a:62776", 4, 3, None, "SLURM"),
    ),
    "SLURM, lists of ranges": (
        {**SLURM, "SLURM_STEP_NODELIST": "rack[1,4-6],other"},
        Cluster("rack1:62776", 4, 2, None, "SLURM"),
    ),
    "SLURM, a shell of a job of four": ({**SLURM, "SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0"}, None),
    "SLURM, a batch script outside of srun": (
        {name: value for name, value in SLURM.items() if "STEP" not in name},
        None,
    ),
    "Open MPI 4": (OPEN_MPI, Cluster("10.96.0.1:62624", 8, 5, 1, "Open MPI")),
    "Open MPI 4 over IPv6": (
        {**OPEN_MPI, "OMPI_MCA_orte_hnp_uri": "1314521088.0;tcp6://[fe80::1,2620::2]:43370"},
        Cluster("[fe80::1]:62880", 8, 5, 1, "Open MPI"),
    ),
    "Open MPI 5": (
        {name: value for name, value in OPEN_MPI.items() if "MCA" not in name},
        Cluster(None, 8, 5, 1, "Open MPI"),
    ),
    "TPU slice on GKE": (TPU, Cluster("t-0.svc:8482", 4, 1, None, "the TPU slice")),
    "two TPU slices": (
        {
            **TPU,
            "MEGASCALE_NUM_SLICES": "2",
            "MEGASCALE_SLICE_ID": "1",
            "MEGASCALE_COORDINATOR_ADDRESS": "t-slice0.svc:8080",
        },
        Cluster("t-slice0.svc:8482", 8, 5, None, "the TPU slice"),
    ),
    "one TPU host": ({"TPU_WORKER_HOSTNAMES": "localhost", "TPU_WORKER_ID": "0"}, None),
    "an indexed Job or JobSet on GKE": (
        {**JOB, **JAX},
        Cluster("train-workers-0-0.train:8476", 4, 3, None, "the JAX_* variables"),
    ),
    "a pod that is alone": (JOB, None),
    "jax's variables come before SLURM's": (
        {**SLURM, **JAX, "JAX_PROCESS_ID": "0"},
        Cluster("train-workers-0-0.train:8476", 4, 0, None, "the JAX_* variables"),
    ),
    "the coordinator's address is given": (
        {**SLURM, "JAX_COORDINATOR_ADDRESS": "10.1.2.3:4444"},
        Cluster("10.1.2.3:4444", 4, 2, None, "SLURM"),
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_environments(name: str) -> None:
    environ, expected = TABLE[name]
    assert detect(environ) == expected


@pytest.mark.parametrize("name", ["SLURM, a process for each device", "Open MPI 4", "Open MPI 4 over IPv6"])
def test_jax_would_answer_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from jax._src.clusters import OmpiCluster, SlurmCluster

    environ, expected = TABLE[name]
    assert expected is not None
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)
    theirs = SlurmCluster if expected.found == "SLURM" else OmpiCluster
    assert theirs.is_env_present()
    at = theirs.get_coordinator_address(timeout_secs=None, override_coordinator_port=None)
    found = (at, theirs.get_process_count(), theirs.get_process_id(), theirs.get_local_process_id())
    assert found == (
        (expected.coordinator or "").replace("[", "").replace("]", ""),  # which no URL would allow
        expected.processes,
        expected.process,
        expected.device,
    )


def test_flags_come_before_the_environment() -> None:
    assert resolve(None, None, None, {}) is None
    assert resolve("host:1", 2, 1, {}) == Cluster("host:1", 2, 1)
    assert resolve("host:1", None, None, SLURM) == Cluster("host:1", 4, 2, None, "SLURM")
    assert resolve(None, 1, None, SLURM) is None


@pytest.mark.parametrize(
    ("flags", "environ", "told"),
    [
        (("host:1", 2, None), {}, "`--process`"),
        (("host:1", 2, 2), {}, "no process 2 of 2"),
        (("host", 2, 0), {}, "not HOST:PORT"),
        ((None, None, None), TABLE["Open MPI 5"][0], "`--coordinator`"),
        ((None, None, None), {**SLURM, "SLURM_PROCID": "two"}, "'two'"),
    ],
)
def test_what_is_missing_is_told(
    flags: tuple[str | None, int | None, int | None], environ: Mapping[str, str], told: str
) -> None:
    with pytest.raises(Failed) as failed:
        resolve(*flags, environ)
    [diagnostic] = failed.value.diagnostics
    assert diagnostic.code == "B0561"
    assert told in f"{diagnostic.message} {diagnostic.help}"
