"""What the metadata server says to a host of a TPU slice outside of GKE, where no variable tells of the others.

It is asked only where it always answers: on a machine of Google's with a TPU. Elsewhere nothing is asked, so that
nothing can be waited for.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

_GOOGLE = "0x1ae0"
"""Google's number among vendors of PCI devices; its network cards have it, too."""
_TOLD = {
    *("TPU_WORKER_HOSTNAMES", "TPU_PROCESS_ADDRESSES", "KUBERNETES_SERVICE_HOST"),  # GKE tells
    *("TPU_PROCESS_BOUNDS", "CLOUD_TPU_TASK_ID", "TPU_SKIP_MDS_QUERY"),  # the user does
}
_SECONDS = 5
_TRIES = 3


def variables(
    environ: Mapping[str, str], ask: Callable[[str], str | None] | None = None, root: Path = Path("/")
) -> dict[str, str]:
    """The variables that GKE would set on this host; empty where this is no such host, or one in GKE.

    Args:
        environ: environment variables.
        ask: answers for an attribute of the instance; None: the metadata server does.
        root: where `/dev` and `/sys` are.
    """
    if not _TOLD.isdisjoint(environ) or not _has_tpu(root):
        return {}
    server = environ.get("GCE_METADATA_IP", "metadata.google.internal")
    ask = ask or (lambda name: _asked(server, name))
    hosts, worker = ask("worker-network-endpoints"), ask("agent-worker-number")
    if not hosts or not worker:
        return {}
    # the address alone, or NAME:NUMBER:ADDRESS
    addresses = [host.strip().rpartition(":")[2] for host in hosts.split(",")]
    found = {"TPU_WORKER_HOSTNAMES": ",".join(addresses), "TPU_WORKER_ID": worker.strip()}
    for line in (ask("tpu-env") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip().startswith("MEGASCALE_"):
            found[name.strip()] = value.strip().strip("'")
    return found


def _has_tpu(root: Path) -> bool:
    opened_by_libtpu = [*root.glob("dev/accel[0-9]*"), *root.glob("dev/vfio/[0-9]*")]
    vendors = root.glob("sys/bus/pci/devices/*/vendor")
    return bool(opened_by_libtpu) and any(each.read_text().strip() == _GOOGLE for each in vendors)


def _asked(server: str, name: str) -> str | None:
    """An attribute of this instance; None if it has none of that name, or nobody answers."""
    request = urllib.request.Request(
        f"http://{server}/computeMetadata/v1/instance/attributes/{name}",
        headers={"Metadata-Flavor": "Google"},
    )
    directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(_TRIES):
        try:
            with directly.open(request, timeout=_SECONDS) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
        except OSError:
            continue
    return None
