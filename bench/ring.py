"""The sigmoid loss of image-text pairs in ring form beside the whole matrix: temporary memory, and time.

    python bench/ring.py

8 virtual devices of this machine's CPU, embeddings of 256 values, loss and gradient of both sides. Memory is what XLA
says of the compiled program, on one device. The two forms take short turns; the ratio of times is the median over
neighbouring turns, by the clock and by what all processors worked.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
os.environ["JAX_PLATFORMS"] = "cpu"
sys.path.insert(0, str(Path(__file__).parent.parent))

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from jax.sharding import AxisType, NamedSharding, PartitionSpec  # noqa: E402

from bvc.component.execution import Execution, executing  # noqa: E402
from bvc.component.mesh import MeshContext  # noqa: E402
from bvc.library.losses.contrastive import Chunk, sigmoid_pairs  # noqa: E402

BATCHES, WIDTH, TURNS = (1024, 2048, 4096, 8192), 256, 9
DEVICES = 8
SPLIT, WHOLE = PartitionSpec("data"), PartitionSpec()


def compiled(chunk: Chunk, batch: int, mesh: jax.sharding.Mesh) -> Any:
    """Loss and gradients of a batch that lies over all devices."""
    context = MeshContext({"data": DEVICES}, ("data",))

    def local(image: Any, text: Any, temperature: Any, bias: Any) -> Any:
        with executing(Execution(context, unroll=True)):
            return sigmoid_pairs(image, text, temperature, bias, context, chunk) / batch

    specs = (SPLIT, SPLIT, WHOLE, WHOLE)
    loss = jax.shard_map(local, mesh=mesh, in_specs=specs, out_specs=WHOLE)
    given = [jax.ShapeDtypeStruct((batch, WIDTH), jnp.float32)] * 2 + [
        jax.ShapeDtypeStruct((), jnp.float32)
    ] * 2
    shaped = [
        jax.ShapeDtypeStruct(each.shape, each.dtype, sharding=NamedSharding(mesh, spec))
        for each, spec in zip(given, specs, strict=True)
    ]
    return jax.jit(jax.value_and_grad(loss, argnums=(0, 1, 2, 3))).lower(*shaped).compile()


def seconds(form: Callable[..., Any], given: list[Any]) -> tuple[float, float]:
    """By the clock, and of all processors."""
    before = time.perf_counter(), time.process_time()
    jax.block_until_ready(form(*given))
    return time.perf_counter() - before[0], time.process_time() - before[1]


def main() -> None:
    mesh = jax.make_mesh((DEVICES,), ("data",), axis_types=(AxisType.Auto,))
    draw = np.random.default_rng(0)
    print("| batch | whole, MiB | ring, MiB | whole / ring | ring / whole, clock | processors |")
    print("|---|---|---|---|---|---|")
    for batch in BATCHES:
        pairs = draw.normal(size=(2, batch, WIDTH)).astype(np.float32) / np.sqrt(WIDTH)
        given = [jax.device_put(each, NamedSharding(mesh, SPLIT)) for each in pairs]
        given += [jax.device_put(jnp.float32(value), NamedSharding(mesh, WHOLE)) for value in (10.0, -10.0)]
        forms = [compiled(chunk, batch, mesh) for chunk in ("none", "ring")]
        memory = [form.memory_analysis().temp_size_in_bytes / 2**20 for form in forms]
        values = [jax.tree.map(np.asarray, form(*given)) for form in forms]  # the first call is not counted
        for one, other in zip(*map(jax.tree.leaves, values), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)
        spent = np.array([[seconds(form, given) for form in forms] for _ in range(TURNS)])
        clock, processors = np.median(spent[:, 1] / spent[:, 0], axis=0)
        ratio = memory[0] / memory[1]
        print(
            f"| {batch} | {memory[0]:.0f} | {memory[1]:.0f} | {ratio:.1f} | {clock:.2f} | {processors:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
