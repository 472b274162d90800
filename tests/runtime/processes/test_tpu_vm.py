"""A host of a TPU slice asks the metadata server, and no other machine asks anybody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bvc.runtime.processes import tpu_vm
from bvc.runtime.processes.cluster import Cluster, resolve

OLD = {
    "worker-network-endpoints": "a:0:10.0.0.1,b:1:10.0.0.2",
    "agent-worker-number": "1",
    "tpu-env": "ZONE: 'b'",
}
NEW = {**OLD, "worker-network-endpoints": "10.0.0.1,10.0.0.2"}
SLICES = {
    **NEW,
    "tpu-env": "MEGASCALE_NUM_SLICES: '3'\nMEGASCALE_SLICE_ID: '2'\nMEGASCALE_COORDINATOR_ADDRESS: '10.0.9.9:8080'\n",
}
ALONE = {**NEW, "worker-network-endpoints": "10.0.0.1", "agent-worker-number": "0"}


@pytest.fixture
def tpu(tmp_path: Path) -> Path:
    """The root of a machine with a TPU."""
    (tmp_path / "dev/vfio").mkdir(parents=True)
    (tmp_path / "dev/vfio/0").touch()
    (tmp_path / "sys/bus/pci/devices/0000:00:05.0").mkdir(parents=True)
    (tmp_path / "sys/bus/pci/devices/0000:00:05.0/vendor").write_text("0x1ae0\n")
    return tmp_path


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (OLD, Cluster("10.0.0.1:8482", 2, 1, None, "the TPU slice")),
        (NEW, Cluster("10.0.0.1:8482", 2, 1, None, "the TPU slice")),
        (SLICES, Cluster("10.0.9.9:8482", 6, 5, None, "the TPU slice")),
        (ALONE, None),
        ({}, None),
    ],
)
def test_what_a_host_finds(
    answers: dict[str, str], expected: Cluster | None, tpu: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = resolve(None, None, None, {}, lambda environ: tpu_vm.variables(environ, answers.get, tpu))
    assert found == expected
    if expected is not None:
        from jax._src.clusters import GceTpuCluster, cloud_tpu_cluster

        monkeypatch.setattr(cloud_tpu_cluster, "get_metadata", lambda key: (answers[key], 200))
        theirs = GceTpuCluster.get_coordinator_address(1, None)
        counted = (GceTpuCluster.get_process_count(), GceTpuCluster.get_process_id())
        assert (theirs, *counted) == (expected.coordinator, expected.processes, expected.process)


def never(name: str) -> str:
    raise AssertionError(f"asked for {name}")


@pytest.mark.parametrize(
    "environ",
    [{"TPU_WORKER_HOSTNAMES": "localhost"}, {"TPU_SKIP_MDS_QUERY": "1"}, {"TPU_PROCESS_BOUNDS": "1,1,1"}],
)
def test_what_is_told_is_not_asked(environ: dict[str, str], tpu: Path) -> None:
    assert tpu_vm.variables(environ, never, tpu) == {}
    resolve("host:1", 2, 1, {}, lambda environ: {never("nothing"): ""})


@pytest.mark.parametrize("lacks", ["dev/vfio/0", "sys/bus/pci/devices/0000:00:05.0/vendor"])
def test_other_machines_do_not_ask(lacks: str, tpu: Path) -> None:
    (tpu / lacks).unlink()
    assert tpu_vm.variables({}, never, tpu) == {}


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a metadata server."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/computeMetadata/v1/instance/attributes/")
            known = name in NEW and self.headers["Metadata-Flavor"] == "Google"
            self.send_response(200 if known else 404)
            self.end_headers()
            self.wfile.write(NEW[name].encode() if known else b"not found")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as answering:
        thread = threading.Thread(target=answering.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{answering.server_port}"
        answering.shutdown()
        thread.join()


def test_the_server_is_asked(server: str, tpu: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    found = tpu_vm.variables({"GCE_METADATA_IP": server}, root=tpu)
    assert found == {"TPU_WORKER_HOSTNAMES": "10.0.0.1,10.0.0.2", "TPU_WORKER_ID": "1"}
    monkeypatch.setitem(NEW, "agent-worker-number", "")
    assert tpu_vm.variables({"GCE_METADATA_IP": server}, root=tpu) == {}
    assert tpu_vm.variables({"GCE_METADATA_IP": "127.0.0.1:1"}, root=tpu) == {}
