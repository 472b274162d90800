"""Images per second of bvc's pipelines beside tf.data's, on the same JPEG files, in one run.

    python bench/data.py JPEGS.npz                         bvc alone
    python bench/data.py JPEGS.npz --tensorflow PYTHON     and tf.data, by an interpreter that has TensorFlow

JPEGS.npz holds encoded files as uint8 vectors. The two sides take turns; medians are printed, and their ratio.
bvc gives uint8, as it travels to the devices, where the range is applied; tf.data gives float32.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

PIPELINES = {
    "crop_randaug": ("decode", "inception_crop(224)", "flip_lr", "randaug(2, 10)", "value_range(-1, 1)"),
    "resize_central_crop": ("decode", "resize_small(256)", "central_crop(224)", "value_range(-1, 1)"),
    "crop": ("decode", "inception_crop(224)", "value_range(-1, 1)"),
}
THREADS = 2
IMAGES = 256
TURNS = 5


def bvc_rate(name: str, files: list[bytes]) -> float:
    """Images per second of one of `PIPELINES`, by threads."""
    from bvc.compile.pipeline import split_pipeline
    from bvc.component.feature import Feature
    from bvc.runtime.allocation import keep_freed_memory
    from tests.pipelines import bound

    keep_freed_memory()
    pipeline, _ = split_pipeline({"image": Feature("bytes")}, bound(*PIPELINES[name]), ("image",))
    with ThreadPoolExecutor(THREADS) as pool:
        started = time.perf_counter()
        list(pool.map(lambda i: pipeline.apply({"image": files[i % len(files)]}, 0, 0, i), range(IMAGES)))
        return IMAGES / (time.perf_counter() - started)


TENSORFLOW = """
import json, sys, time
import numpy as np, tensorflow as tf
name, path, images, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(threads)
with np.load(path) as archive:
    files = [archive[key].tobytes() for key in archive.files]

def crop(data):
    shape = tf.image.extract_jpeg_shape(data)
    begin, size, _ = tf.image.sample_distorted_bounding_box(
        shape, tf.zeros([0, 0, 4], tf.float32), area_range=(0.05, 1.0), min_object_covered=0,
        use_image_if_no_bounding_boxes=True)
    y, x, _ = tf.unstack(begin)
    h, w, _ = tf.unstack(size)
    return tf.image.resize(tf.image.decode_and_crop_jpeg(data, tf.stack([y, x, h, w]), channels=3), (224, 224))

def resize_central_crop(data):
    image = tf.io.decode_jpeg(data, channels=3)
    h, w = tf.shape(image)[0], tf.shape(image)[1]
    ratio = 256.0 / tf.cast(tf.minimum(h, w), tf.float32)
    size = tf.cast(tf.round(tf.cast(tf.stack([h, w]), tf.float32) * ratio), tf.int32)
    image = tf.image.resize(image, size, "area")
    y, x = (size[0] - 224) // 2, (size[1] - 224) // 2
    return image[y:y + 224, x:x + 224]

operation = {"crop": crop, "resize_central_crop": resize_central_crop}[name]
data = tf.data.Dataset.from_tensor_slices(files).repeat().take(images)
data = data.map(lambda each: operation(each) / 127.5 - 1.0, num_parallel_calls=threads)
for timed in (False, True):
    started = time.perf_counter()
    for _ in data:
        pass
print(json.dumps(images / (time.perf_counter() - started)))
"""
BY_TENSORFLOW = ("resize_central_crop", "crop")
"""RandAugment of big_vision needs a TensorFlow of 2023, so its pipeline is measured alone."""


def tensorflow_rate(name: str, path: str, python: str) -> float:
    """Images per second of tf.data, in a process of its own; the first pass is not timed."""
    command = [python, "-c", TENSORFLOW, name, path, str(IMAGES), str(THREADS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jpegs")
    parser.add_argument("--tensorflow")
    given = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parent.parent))
    with np.load(given.jpegs) as archive:
        files = [archive[key].tobytes() for key in archive.files]
    for name in PIPELINES:
        bvc_rate(name, files)
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(TURNS):
            ours.append(bvc_rate(name, files))
            if given.tensorflow and name in BY_TENSORFLOW:
                theirs.append(tensorflow_rate(name, given.jpegs, given.tensorflow))
        line = f"{name:20}  bvc {statistics.median(ours):7.0f} images/s"
        if theirs:
            other = statistics.median(theirs)
            line += f"  tf.data {other:7.0f}  ratio {statistics.median(ours) / other:.2f}"
        print(line)


if __name__ == "__main__":
    main()
