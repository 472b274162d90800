"""Images per second of bvc's pipelines beside tf.data's, on the same JPEG files, in one run.

    python bench/data.py JPEGS.npz                         bvc alone
    python bench/data.py JPEGS.npz --tensorflow PYTHON     and tf.data, by an interpreter that has TensorFlow

JPEGS.npz holds encoded files as uint8 vectors. Each side is warmed up and then they take short turns, so that other
work on the machine slows both; printed are the median rates, the median over turns of the ratio of neighbours, and
milliseconds of processor time per image, which other work disturbs less.
bvc gives uint8, as it travels to the devices, where the range is applied; tf.data gives float32.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

PIPELINES = {
    "crop_randaug": (
        "decode_jpeg_and_inception_crop(224)",
        "flip_lr",
        "randaug(2, 10)",
        "value_range(-1, 1)",
    ),
    "resize_central_crop": ("decode", "resize_small(256)", "central_crop(224)", "value_range(-1, 1)"),
    "crop": ("decode_jpeg_and_inception_crop(224)", "value_range(-1, 1)"),
}
GOALS = {"crop_randaug": 1.6, "resize_central_crop": 1.0, "crop": 0.95}
THREADS = 2
IMAGES = 128

Turn = Callable[[int], tuple[float, float]]
"""Images -> images per second, and seconds of processor time per image."""


@contextmanager
def bvc_side(name: str, files: list[bytes]) -> Iterator[Turn]:
    """Images per second of one of `PIPELINES`, by threads of this process."""
    from bvc.compile.pipeline.pipeline import split_pipeline
    from bvc.component.feature import Feature
    from bvc.runtime.allocation import keep_freed_memory
    from tests.pipelines import bound

    keep_freed_memory()
    pipeline, _ = split_pipeline({"image": Feature("bytes")}, bound(*PIPELINES[name]), ("image",))
    done = 0

    def some(numbers: range) -> None:
        for number in numbers:
            pipeline.apply({"image": files[number % len(files)]}, 0, 0, number)

    with ThreadPoolExecutor(THREADS) as pool:

        def turn(count: int) -> tuple[float, float]:
            nonlocal done
            numbers = range(done, done + count)
            done += count
            started, spent = time.perf_counter(), time.process_time()
            list(pool.map(some, (numbers[part::THREADS] for part in range(THREADS))))
            return count / (time.perf_counter() - started), (time.process_time() - spent) / count

        yield turn


@contextmanager
def tensorflow_side(name: str, path: str, python: str) -> Iterator[Turn]:
    """Images per second of tf.data, in a process of its own that waits between the turns."""
    program = str(Path(__file__).parent / "data_tensorflow.py")
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    with subprocess.Popen(
        [python, program, path, str(THREADS), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=quiet,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        asked, answers = process.stdin, process.stdout

        def turn(count: int) -> tuple[float, float]:
            print(count, file=asked, flush=True)
            rate, spent = json.loads(answers.readline())
            return rate, spent

        try:
            yield turn
        finally:
            asked.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jpegs")
    parser.add_argument("--tensorflow")
    parser.add_argument("--turns", type=int, default=31)
    given = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parent.parent))
    with np.load(given.jpegs) as archive:
        files = [archive[key].tobytes() for key in archive.files]
    for name in PIPELINES:
        with ExitStack() as stack:
            sides = {"bvc": stack.enter_context(bvc_side(name, files))}
            if given.tensorflow:
                sides["tf.data"] = stack.enter_context(tensorflow_side(name, given.jpegs, given.tensorflow))
            for turn in sides.values():
                turn(2 * IMAGES)
            turns = [{side: turn(IMAGES) for side, turn in sides.items()} for _ in range(given.turns)]
        print(f"{name:20}", *(_line(side, [turn[side] for turn in turns]) for side in sides), end="")
        if given.tensorflow:
            ratios = sorted(turn["bvc"][0] / turn["tf.data"][0] for turn in turns)
            low, high = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
            print(f"  ratio {statistics.median(ratios):.2f} ({low:.2f} to {high:.2f})", end="")
            spent = [turn["tf.data"][1] / turn["bvc"][1] for turn in turns]
            print(f", of processor time {statistics.median(spent):.2f}", end="")
        print(f"  goal {GOALS[name]}  load {os.getloadavg()[0]:.1f}", flush=True)


def _line(side: str, turns: list[tuple[float, float]]) -> str:
    rate, spent = (statistics.median(each) for each in zip(*turns, strict=True))
    return f"  {side} {rate:5.0f} images/s {1e3 * spent:5.2f} ms"


if __name__ == "__main__":
    main()
