"""bvc's training beside timm's with torch.compile, on one GPU, in one run: images per second and MFU.

    python bench/gpu.py --torch PYTHON

PYTHON is an interpreter with torch and timm; this one has bvc and jax for CUDA. ViT-B/16, ViT-L/16 and SigLIP-B/16 at
224 px in bfloat16, Adam, the same batch of random data again and again, so that only the step is measured. Both sides
keep a process of their own on the same GPU and take turns; figures are medians over turns, with the smallest and the
largest. MFU is the FLOPs of the model's products (recomputation not counted, `bvc plan`'s count for both sides) over
the rate of a large product of bfloat16 matrices, measured before by both; the higher one counts.

Exit status: 2 if there is no GPU.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

# Two processes share the memory of the GPU; read when jax starts.
os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import equinox as eqx  # noqa: E402
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

from bvc.bind import bind  # noqa: E402
from bvc.compile.mesh.mesh import resolve_mesh  # noqa: E402
from bvc.compile.program import Program, compile_experiment  # noqa: E402
from bvc.compile.step.state import State, first_state, state_shardings  # noqa: E402
from bvc.compile.step.step import compile_step  # noqa: E402
from bvc.plan.plan import Plan, plan  # noqa: E402
from bvc.plan.target import Target  # noqa: E402
from bvc.plan.units import size  # noqa: E402
from bvc.runtime.initialization import initialized  # noqa: E402
from bvc.spec import load  # noqa: E402

ADAM = ("optimizer.type", '"adam"')
MODELS = {
    "ViT-B/16": ("vit.toml", {"variant": "B/16"}, 256),
    "ViT-L/16": ("vit.toml", {"variant": "L/16"}, 128),
    "SigLIP-B/16": ("siglip.toml", {"variant": "B/16"}, 256),
}
"""Spec, params, examples of a step."""
TURNS, STEPS = 7, 20
PEAK_SIZE, PEAK_REPEATS = 8192, 50


class Ours:
    """bvc's step on the first device, with a state and a batch."""

    def __init__(self, file: str, params: dict[str, object], batch: int) -> None:
        program = compile_experiment(bind(load(str(HERE / file), {**params, "batch": batch}, [ADAM])))
        device = jax.devices()[0]
        kind = "gpu" if device.platform == "gpu" else "cpu"
        memory = (device.memory_stats() or {}).get("bytes_limit", 0)
        self.planned: Plan = plan(program, Target(device.device_kind, kind, 1, memory))
        grid = resolve_mesh(program.experiment.mesh, 1)
        mesh = grid.place([device])
        training = program.training(grid, unroll=kind == "cpu")
        lies = state_shardings(program.state, training.layout, mesh)
        self._state: State = initialized(lambda: _first(program), lies)
        self._batch = {name: _drawn(array) for name, array in program.batch.items()}
        lowered: Any = compile_step(training, mesh, program.state)
        self._step = lowered.lower(self._state, self._batch).compile()
        stats = self._step.memory_analysis()
        self.memory: int = getattr(stats, "peak_memory_in_bytes", 0)

    def turn(self, steps: int) -> float:
        """Seconds of a step."""
        before = time.perf_counter()
        for _ in range(steps):
            self._state, metrics = self._step(self._state, self._batch)
        loss = float(metrics["training_loss"])  # waits
        seconds = (time.perf_counter() - before) / steps
        return seconds if np.isfinite(loss) else float("nan")


class Theirs:
    """timm's, in a process of its own."""

    def __init__(self, python: str, model: str, batch: int) -> None:
        command = [python, str(HERE / "gpu_torch.py"), model, str(batch), str(STEPS)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.told = self._answer()

    def turn(self) -> float:
        """Seconds of a step."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return self._answer()["seconds"] or float("nan")

    def close(self) -> None:
        """End the process, and give its memory back."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._process.args} ended with {self._process.wait()}")
        return json.loads(line)


def _first(program: Program) -> State:
    params = eqx.filter(program.initialize(jax.random.key(0)), eqx.is_array)
    return first_state(params, program.update, program.ema)


def _drawn(like: jax.ShapeDtypeStruct) -> jax.Array:
    """Pixels, or class probabilities, or small token ids."""
    if jnp.issubdtype(like.dtype, jnp.integer):
        return jax.random.randint(jax.random.key(1), like.shape, 0, 100, like.dtype)
    if len(like.shape) == 2:
        return jax.nn.one_hot(jnp.arange(like.shape[0]) % like.shape[1], like.shape[1], dtype=like.dtype)
    return jax.random.uniform(jax.random.key(2), like.shape, like.dtype, -1, 1)


def matmul_peak() -> float:
    """FLOPs per second of a large product in bfloat16."""
    a, b = (jax.random.normal(jax.random.key(i), (PEAK_SIZE, PEAK_SIZE), jnp.bfloat16) for i in range(2))
    product = jax.jit(jnp.matmul)
    for _ in range(5):
        product(a, b).block_until_ready()
    before = time.perf_counter()
    for _ in range(PEAK_REPEATS):
        last = product(a, b)
    last.block_until_ready()
    return 2 * PEAK_SIZE**3 * PEAK_REPEATS / (time.perf_counter() - before)


def compare(name: str, python: str, batch: int | None) -> None:
    """Take turns with one model, and print its rows."""
    file, params, examples = MODELS[name]
    examples = batch or examples
    peak = matmul_peak()
    theirs, ours = Theirs(python, name, examples), Ours(file, dict(params), examples)
    ours.turn(3)
    spent: list[tuple[float, float]] = []
    for turn in range(TURNS):
        if turn % 2:
            own = ours.turn(STEPS)
            spent.append((own, theirs.turn()))
        else:
            other = theirs.turn()
            spent.append((ours.turn(STEPS), other))
    theirs.close()
    peak = max(peak, theirs.told["peak"])
    flops = ours.planned.flops
    useful = sum(flops.values()) - flops.get("recomputed", 0)
    sides = zip(("bvc", "timm"), zip(*spent, strict=True), strict=True)
    for side, seconds in sides:
        rates = sorted(examples / each for each in seconds)
        rate, mfu = statistics.median(rates), useful / statistics.median(seconds) / peak
        print(
            f"| {name} | {examples} | {side} | {rate:.0f} ({rates[0]:.0f} to {rates[-1]:.0f}) | {mfu:.1%} |"
        )
    ratio = statistics.median(other / own for own, other in spent)
    print(f"{name}: bvc is {ratio:.2f} times as fast; {peak / 1e12:.0f} TFLOP/s in a large product")
    said, real = ours.planned.memory.total, ours.memory
    print(f"{name}: a step takes {size(real)} of memory, the plan says {size(said)} ({said / real - 1:+.1%})")
    print(f"{name}: beside {theirs.told['versions']}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--torch", metavar="PYTHON", default=sys.executable, help="with torch and timm")
    parser.add_argument("--model", choices=tuple(MODELS), action="append", help="only this; may be repeated")
    parser.add_argument("--batch", type=int, help="examples of a step, where the defaults do not fit")
    given = parser.parse_args()
    device = jax.devices()[0]
    if device.platform != "gpu":
        print(f"no GPU: jax finds {device.device_kind}; nothing is measured", file=sys.stderr)
        raise SystemExit(2)
    print(f"{device.device_kind}, jax {jax.__version__}; {TURNS} turns of {STEPS} steps")
    print("| model | batch | | images/s | MFU |")
    print("|---|---|---|---|---|")
    for name in given.model or MODELS:
        compare(name, given.torch, given.batch)


if __name__ == "__main__":
    main()
