"""Seconds of bvc's ViT-S/16 beside those of big_vision's, on this machine's CPU, in one run.

    python bench/model.py --big-vision DIR --python PYTHON

DIR holds a checkout of google-research/big_vision, PYTHON is an interpreter with flax, einops, ml_collections
and scipy, and with the jax of this one. Each side keeps a process of its own, and they take turns. The
ratios are medians over neighbouring turns. On a machine that does other work too, that of the seconds on the clock says
little; that of the processors' seconds stays within some percent.

Both sides: 224 px, batch 8, float32, learned positions, mean over patches, 1000 classes, layers unrolled.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

BATCH, SIDE, CLASSES = 8, 224, 1000
TURNS = {"forward": 9, "gradient": 7, "compile": 7}
REPEATS = {"forward": 4, "gradient": 2, "compile": 1}
"""How often each side repeats in one turn."""

Forward = Callable[[Any, Any], Any]


def ours() -> tuple[Any, Forward]:
    """Parameters, and the logits as a function of them and the images."""
    import equinox as eqx
    import jax

    from bvc.component.execution import Execution, executing
    from bvc.library.models.vit import Vit
    from bvc.runtime.allocation import keep_freed_memory

    keep_freed_memory()  # as every run does, and the next line too
    jax.config.update("jax_cpu_enable_async_dispatch", False)

    model = eqx.filter_jit(Vit)(variant="S/16", out_dim=CLASSES, key=jax.random.key(0))
    params, static = eqx.partition(model, eqx.is_array)

    def forward(params: Any, images: Any) -> Any:
        with executing(Execution(unroll=True)):
            return eqx.combine(params, static)(images)["logits"]

    return params, forward


def theirs(folder: str) -> tuple[Any, Forward]:
    """The same of big_vision."""
    import flax.training.checkpoints  # type: ignore[import-not-found]  # noqa: F401 - looks for TensorFlow itself

    # big_vision imports it for reading checkpoints, which happens nowhere here.
    for name in ("tensorflow", "tensorflow.io", "tensorflow.io.gfile"):
        sys.modules[name] = types.ModuleType(name)
    sys.path.insert(0, folder)
    import jax
    from big_vision.models import vit  # type: ignore[import-not-found]

    model = vit.Model(num_classes=CLASSES, variant="S/16", pool_type="gap", posemb="learn")
    images = jax.ShapeDtypeStruct((BATCH, SIDE, SIDE, 3), np.float32)
    params = jax.jit(lambda key: model.init(key, np.zeros(images.shape, images.dtype)))(jax.random.key(0))
    return params, lambda params, images: model.apply(params, images)[0]


def work(side: str, folder: str) -> None:
    """Answer each task on standard input with the seconds that it took."""
    import jax
    import jax.numpy as jnp

    params, forward = ours() if side == "bvc" else theirs(folder)
    draw = np.random.default_rng(0)
    images = jnp.asarray(draw.uniform(-1, 1, (BATCH, SIDE, SIDE, 3)), jnp.float32)
    labels = jnp.asarray(draw.integers(0, CLASSES, BATCH))

    def loss(params: Any, images: Any) -> Any:
        scores = jax.nn.log_softmax(forward(params, images))
        return -jnp.mean(jnp.take_along_axis(scores, labels[:, None], axis=1))

    def compiled() -> Any:
        jax.clear_caches()
        # A new function each time: jax remembers the traces of old ones.
        return jax.jit(lambda *given: jax.value_and_grad(loss)(*given)).lower(params, images).compile()

    gradient, logits = compiled(), jax.jit(forward).lower(params, images).compile()
    tasks: dict[str, Callable[[], Any]] = {
        "forward": lambda: jax.block_until_ready(logits(params, images)),
        "gradient": lambda: jax.block_until_ready(gradient(params, images)),
        "compile": compiled,
    }
    for task in tasks.values():
        task()
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        task = line.strip()
        before = time.perf_counter(), time.process_time()
        for _ in range(REPEATS[task]):
            tasks[task]()
        spent = time.perf_counter() - before[0], time.process_time() - before[1]
        print(json.dumps([seconds / REPEATS[task] for seconds in spent]), flush=True)


class Worker:
    """One side in a process of its own."""

    def __init__(self, python: str, side: str, folder: str) -> None:
        command = [python, __file__, "--big-vision", folder, "--side", side]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        if self._answer() != '"ready"':
            raise SystemExit(f"{side} did not start")

    def seconds(self, task: str) -> np.ndarray:
        """How long a task takes: by the clock, and of all processors together."""
        assert self._process.stdin is not None
        print(task, file=self._process.stdin)
        return np.asarray(json.loads(self._answer()))

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def measure(python: str, folder: str) -> None:
    """Take turns, and print the table."""
    workers = [Worker(sys.executable, "bvc", folder), Worker(python, "big_vision", folder)]
    print("| ViT-S/16, 224 px, batch 8 | bvc | big_vision | big_vision / bvc, clock | processors |")
    print("|---|---|---|---|---|")
    for task, turns in TURNS.items():
        spent = np.zeros((turns, 2, 2))
        for turn in range(turns):
            for side in (0, 1) if turn % 2 else (1, 0):
                spent[turn, side] = workers[side].seconds(task)
        own, other = np.median(spent[:, :, 1], axis=0)
        clock, processors = np.median(spent[:, 1] / spent[:, 0], axis=0)
        print(f"| {task} | {own:.2f} s | {other:.2f} s | {clock:.2f} | {processors:.2f} |", flush=True)
    for worker in workers:
        worker.close()


def main() -> None:
    """Measure, or be one of the sides."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--big-vision", required=True, metavar="DIR")
    parser.add_argument("--python", metavar="PYTHON")
    parser.add_argument("--side", choices=("bvc", "big_vision"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side == "bvc":
        sys.path.insert(0, str(Path(__file__).parent.parent))
        from bvc.cli.interpreter import undisturbed

        undisturbed(lambda: work("bvc", given.big_vision))  # as every command does
    elif given.side:
        work(given.side, given.big_vision)
    elif given.python:
        measure(given.python, given.big_vision)
    else:
        parser.error("--python is missing: the interpreter with flax")


if __name__ == "__main__":
    main()
