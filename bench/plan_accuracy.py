"""How near the plan's estimate of memory comes to the TPU compiler's own figure, without a TPU.

    pip install libtpu
    python bench/plan_accuracy.py --write

compiles the steps listed below for absent chips (minutes on two cores) and writes `bench/plan_accuracy.json`, which
`tests/plan/test_accuracy.py` compares the estimate with.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

# read when jax and libtpu load; the accelerator type need not be that of the topology
os.environ.update(
    JAX_PLATFORMS="cpu",
    JAX_OPTIMIZATION_LEVEL="O0",  # six times faster than the default, with the same peak
    TPU_SKIP_MDS_QUERY="1",
    TPU_ACCELERATOR_TYPE="v5litepod-8",
    TPU_WORKER_HOSTNAMES="localhost",
    TPU_WORKER_ID="0",
    TPU_LOG_DIR="disabled",
)

import jax  # noqa: E402
import numpy as np  # noqa: E402
from jax.experimental import topologies  # noqa: E402
from jax.sharding import AxisType  # noqa: E402

from bvc.bind import bind  # noqa: E402
from bvc.compile.mesh import resolve_mesh  # noqa: E402
from bvc.compile.program import Program, compile_experiment  # noqa: E402
from bvc.compile.step import compile_step  # noqa: E402
from bvc.plan.plan import plan  # noqa: E402
from bvc.plan.target import find_target  # noqa: E402
from bvc.spec import load, parse_target  # noqa: E402

TARGET, TOPOLOGY = "tpu-v5e:2x4", "v5e:2x4"
ROOT = Path(__file__).parent.parent
RECORD = ROOT / "bench" / "plan_accuracy.json"
SPECS = (
    "bench/vit.toml:variant=S/16,batch=256",
    "bench/vit.toml:variant=S/16,batch=512",
    "bench/vit.toml:variant=S/16,batch=512,remat=full",
    "bench/vit.toml:variant=S/16,batch=512,remat=dots",
    "bench/vit.toml:variant=S/16,batch=256,dtype=float32",
    "bench/vit.toml:variant=B/16,batch=256",
    "bench/vit.toml:variant=B/16,batch=512",
    "bench/vit.toml:variant=B/16,batch=512,remat=full",
    "bench/vit.toml:variant=L/16,batch=128,optimizer=adafactor",
    "bench/vit.toml:variant=L/16,batch=256,optimizer=adafactor,remat=full",
    "specs/siglip_coco.toml",
)


def compiled_bytes(program: Program) -> int:
    """Peak memory on one device as the compiler of the absent chips says."""
    topology = topologies.get_topology_desc(topology_name=TOPOLOGY, platform="tpu")
    grid = resolve_mesh(program.experiment.mesh, len(topology.devices), TARGET)
    mesh = jax.sharding.Mesh(
        np.array(topology.devices).reshape(tuple(grid.axes.values())),
        tuple(grid.axes),
        axis_types=(AxisType.Auto,) * len(grid.axes),
    )
    step: Any = compile_step(program.training(grid), mesh, program.state)
    stats = step.lower(program.state, dict(program.batch)).compile().memory_analysis()
    return stats.peak_memory_in_bytes


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="write the record")
    write = parser.parse_args().write
    rows: list[dict[str, Any]] = []
    os.chdir(ROOT)
    for spec in SPECS:
        program = compile_experiment(bind(load(*parse_target(spec))))
        estimate = plan(program, find_target(TARGET)).memory.total
        started = time.perf_counter()
        real = compiled_bytes(program)
        seconds = time.perf_counter() - started
        print(
            f"{spec:70} {estimate / 2**30:7.3f} / {real / 2**30:7.3f} GiB = {estimate / real:.3f}  ({seconds:.0f} s)"
        )
        rows.append({"spec": spec, "target": TARGET, "compiled": real})
    if write:
        import libtpu

        versions = {"jax": jax.__version__, "libtpu": libtpu.__version__}
        RECORD.write_text(json.dumps({"versions": versions, "rows": rows}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
