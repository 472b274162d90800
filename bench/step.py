"""bvc's training beside big_vision's own, on this machine's CPU: start, step, memory; in one run.

    python bench/step.py --big-vision DIR --python PYTHON

DIR holds a checkout of google-research/big_vision, PYTHON is an interpreter with what its `train.py` imports (flax,
clu, einops, ml_collections, TensorFlow) and with the jax of this one.

Both sides run whole: `bvc run`, and big_vision's `train.py`, with a batch that is always the same in place of their
data. Where they ask for the next batch, they wait for their turn, so that steps are timed from outside, with all that
the loop does around them (both log every step, so every step is waited for). bvc starts with an empty compilation
cache, and once more with the one that it left.

Both sides: ViT-S/16, 224 px, batch 8, float32, Adam, 1000 classes, clipping, decay and a cosine schedule.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

BATCH, SIDE, CLASSES = 8, 224, 1000
STARTS, TURNS, STEPS = 3, 9, 2
"""How often each side starts cold; turns of the last start, and steps in each."""

BIG_VISION = f"""
import ml_collections

def get_config():
  return ml_collections.ConfigDict(dict(
      total_steps=20_000, num_classes={CLASSES}, loss="softmax_xent", input=dict(batch_size={BATCH}),
      log_training_steps=1, model_name="vit", model=dict(variant="S/16", pool_type="gap", posemb="learn"),
      grad_clip_norm=1.0, optax_name="scale_by_adam", lr=1e-3, wd=1e-4,
      schedule=dict(warmup_steps=10_000, decay_type="cosine"), evals=dict()))
"""
BVC = ("data.train.name='shapes'", "run.length='20_000 steps'", "run.log='1 step'")


def batches(started: float, batch: dict[str, np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
    """A batch for each step; tells on standard output what the steps took, and waits for its turn.

    `started` is when the process was started, on the clock of `time.monotonic`.
    """
    told = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    yield batch
    print(json.dumps([time.monotonic() - started, time.process_time(), peak()]), file=told)
    while sys.stdin.readline():
        before = time.monotonic(), time.process_time()
        for _ in range(STEPS):
            yield batch
        spent = time.monotonic() - before[0], time.process_time() - before[1]
        print(json.dumps([*(seconds / STEPS for seconds in spent), peak()]), file=told)
    os._exit(0)


def pixels() -> np.ndarray:
    """Random images, 0 to 255."""
    return np.random.default_rng(0).integers(0, 256, (BATCH, SIDE, SIDE, 3), np.uint8)


def peak() -> float:
    """The most memory that this process ever held, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1e3


def ours(started: float, workdir: str) -> None:
    """`bvc run`, fed by `batches`."""
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from bvc.cli.run import run
    from bvc.runtime import assemble

    class Feed:
        def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
            # Pixels are scaled, and classes made one-hot, on the device.
            return batches(started, {"image": pixels(), "labels": np.arange(BATCH)})

        def skipped(self) -> list[str]:
            return []

        def close(self) -> None:
            pass

    assemble._train_feed = lambda *_: Feed()  # type: ignore[assignment]
    spec = f"{Path(__file__).parent / 'vit.toml'}:variant=S/16,batch={BATCH},dtype=float32"
    run(spec, BVC, workdir, None, anyway=True)


def theirs(started: float, workdir: str, folder: str) -> None:
    """big_vision's `train.py`, fed by `batches`."""
    sys.path.insert(0, folder)
    import jax
    import tensorflow as tf  # type: ignore[import-not-found]
    from absl import app
    from big_vision import input_pipeline, train, utils  # type: ignore[import-not-found]

    config = Path(workdir) / "config.py"
    config.write_text(BIG_VISION)
    spec = {
        "image": tf.TensorSpec((BATCH, SIDE, SIDE, 3), tf.float32),
        "labels": tf.TensorSpec((BATCH, CLASSES), tf.float32),
    }

    def placed(_: Any, devices: Any, *__: Any) -> Iterator[Any]:
        whole = {
            "image": pixels().astype(np.float32) / 127.5 - 1,
            "labels": np.eye(BATCH, CLASSES, dtype=np.float32),
        }
        for batch in batches(started, whole):
            yield jax.tree.map(lambda x: utils.make_fsarray_from_local_slice(x, devices), batch)

    input_pipeline.training = lambda _: (SimpleNamespace(element_spec=spec), 1_281_167)
    input_pipeline.start_global = placed
    app.run(train.main, ["train.py", f"--config={config}", f"--workdir={workdir}"])


class Side:
    """A training in a process of its own."""

    def __init__(self, python: str, side: str, folder: str, cache: str) -> None:
        self._workdir = tempfile.TemporaryDirectory(prefix=f"bench-{side}-")
        given = ["--big-vision", folder, "--side", side, "--workdir", self._workdir.name]
        command = [python, __file__, *given, "--started", str(time.monotonic())]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
            env={**os.environ, "XDG_CACHE_HOME": cache, "JAX_PLATFORMS": "cpu"},
        )
        self.start = self._told()

    def turn(self) -> np.ndarray:
        """Some steps: seconds of one by the clock, and of all processors together; the peak of memory."""
        assert self._process.stdin is not None
        print("go", file=self._process.stdin)
        return self._told()

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._workdir.cleanup()

    def _told(self) -> np.ndarray:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._process.args} ended with {self._process.wait()}")
        return np.asarray(json.loads(line))


def measure(python: str, folder: str) -> None:
    """Take turns, and print the table."""
    pythons = {"bvc": sys.executable, "big_vision": python}
    starts: list[np.ndarray] = []
    print("| ViT-S/16, 224 px, batch 8 | bvc | big_vision | bvc / big_vision, clock | processors |")
    print("|---|---|---|---|---|")
    for index in range(STARTS):
        with tempfile.TemporaryDirectory(prefix="bench-cache-") as cache:
            pair = {side: Side(each, side, folder, cache) for side, each in pythons.items()}
            starts.append(np.stack([side.start for side in pair.values()]))
            if index == STARTS - 1:
                turns = _turns(list(pair.values()))
            for side in pair.values():
                side.close()
            warm = Side(sys.executable, "bvc", folder, cache)
            warm.close()
    cold = np.stack(starts)
    _row("start to first step", cold)
    _row("the same, compiled before", np.stack([np.stack([warm.start, cold[-1, 1]])]))
    _row("step", turns)
    memory = turns[-1, :, 2]
    print(f"| peak memory | {memory[0]:.0f} MB | {memory[1]:.0f} MB | {memory[0] / memory[1]:.2f} | |")


def _turns(sides: list[Side]) -> np.ndarray:
    spent = np.zeros((TURNS, 2, 3))
    for turn in range(TURNS):
        for side in (0, 1) if turn % 2 else (1, 0):
            spent[turn, side] = sides[side].turn()
    return spent[1:]


def _row(name: str, spent: np.ndarray) -> None:
    own, other = np.median(spent[:, :, 0], axis=0)
    clock, processors = np.median(spent[:, 0, :2] / spent[:, 1, :2], axis=0)
    print(f"| {name} | {own:.2f} s | {other:.2f} s | {clock:.2f} | {processors:.2f} |", flush=True)


def main() -> None:
    """Measure, or be one of the sides."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--big-vision", required=True, metavar="DIR")
    parser.add_argument("--python", metavar="PYTHON")
    for name in ("side", "workdir", "started"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side == "bvc":
        ours(float(given.started), given.workdir)
    elif given.side:
        theirs(float(given.started), given.workdir, given.big_vision)
    elif given.python:
        measure(given.python, given.big_vision)
    else:
        parser.error("--python is missing: the interpreter of big_vision")


if __name__ == "__main__":
    main()
