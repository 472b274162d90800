"""The tf.data side of `data.py`: big_vision's ops in TensorFlow, run by an interpreter that has it.

    PYTHON bench/data_tensorflow.py JPEGS.npz THREADS PIPELINE

For every line of standard input, a number of images, one line comes back: images per second, and seconds of processor
time per image. The ops are written after big_vision's `pp/ops_image.py` and `pp/autoaugment.py`; what
tensorflow-addons did there is done by TensorFlow's own projective transform, so that a TensorFlow of today runs it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf

Op = Callable[[tf.Tensor], tf.Tensor]
GRAY = 128


def crop(data: tf.Tensor) -> tf.Tensor:
    """`decode_jpeg_and_inception_crop(224)`: decodes the window only; uint8, as big_vision casts it back."""
    begin, size, _ = tf.image.sample_distorted_bounding_box(
        tf.image.extract_jpeg_shape(data),
        tf.zeros([0, 0, 4], tf.float32),
        area_range=(0.05, 1.0),
        aspect_ratio_range=(0.75, 1.33),
        min_object_covered=0,
        use_image_if_no_bounding_boxes=True,
    )
    y, x, _ = tf.unstack(begin)
    h, w, _ = tf.unstack(size)
    image = tf.image.decode_and_crop_jpeg(data, tf.stack([y, x, h, w]), channels=3)
    return _resized(image, (224, 224), "bilinear")


def resize_central_crop(data: tf.Tensor) -> tf.Tensor:
    """`decode|resize_small(256)|central_crop(224)`."""
    image = tf.io.decode_image(data, channels=3, expand_animations=False)
    shape = tf.cast(tf.shape(image)[:2], tf.float32)
    size = tf.cast(tf.round(shape * (256.0 / tf.reduce_min(shape))), tf.int32)
    image = _resized(image, size, "area")
    y, x = (size[0] - 224) // 2, (size[1] - 224) // 2
    return tf.image.crop_to_bounding_box(image, y, x, 224, 224)


def flip(image: tf.Tensor) -> tf.Tensor:
    """`flip_lr`."""
    return tf.image.random_flip_left_right(image)


def randaug(image: tf.Tensor) -> tf.Tensor:
    """`randaug(2, 10)`."""
    image = tf.ensure_shape(image, (224, 224, 3))
    for _ in range(2):
        chosen = tf.random.uniform([], maxval=len(OPERATIONS), dtype=tf.int32)
        for index, operation in enumerate(OPERATIONS):
            image = tf.cond(chosen == index, lambda op=operation, x=image: op(x), lambda x=image: x)
    return image


def value_range(image: tf.Tensor) -> tf.Tensor:
    """`value_range(-1, 1)`."""
    return -1.0 + tf.cast(image, tf.float32) / 255.0 * 2.0


def _resized(image: tf.Tensor, size: object, method: str) -> tf.Tensor:
    return tf.cast(tf.image.resize(image, size, method), image.dtype)


def _blend(first: tf.Tensor, second: tf.Tensor, factor: float) -> tf.Tensor:
    first, second = tf.cast(first, tf.float32), tf.cast(second, tf.float32)
    mixed = first + factor * (second - first)
    return tf.cast(mixed if 0 < factor < 1 else tf.clip_by_value(mixed, 0.0, 255.0), tf.uint8)


def _autocontrast(image: tf.Tensor) -> tf.Tensor:
    def channel(values: tf.Tensor) -> tf.Tensor:
        low = tf.cast(tf.reduce_min(values), tf.float32)
        high = tf.cast(tf.reduce_max(values), tf.float32)
        scale = 255.0 / (high - low)
        stretched = tf.clip_by_value(tf.cast(values, tf.float32) * scale - low * scale, 0.0, 255.0)
        return tf.cond(high > low, lambda: tf.cast(stretched, tf.uint8), lambda: values)

    return tf.stack([channel(image[..., c]) for c in range(3)], 2)


def _equalize(image: tf.Tensor) -> tf.Tensor:
    def channel(values: tf.Tensor) -> tf.Tensor:
        values = tf.cast(values, tf.int32)
        histogram = tf.histogram_fixed_width(values, [0, 255], nbins=256)
        held = tf.boolean_mask(histogram, histogram != 0)
        step = (tf.reduce_sum(held) - held[-1]) // 255

        def equalized() -> tf.Tensor:
            table = (tf.cumsum(histogram) + step // 2) // step
            table = tf.clip_by_value(tf.concat([[0], table[:-1]], 0), 0, 255)
            return tf.gather(table, values)

        return tf.cast(tf.cond(step == 0, lambda: values, equalized), tf.uint8)

    return tf.stack([channel(image[..., c]) for c in range(3)], 2)


def _posterize(image: tf.Tensor, bits: int) -> tf.Tensor:
    shift = tf.cast(8 - bits, tf.uint8)
    return tf.bitwise.left_shift(tf.bitwise.right_shift(image, shift), shift)


def _solarize(image: tf.Tensor, threshold: int) -> tf.Tensor:
    return tf.where(image < np.uint8(threshold % 256), image, 255 - image)


def _solarize_add(image: tf.Tensor, addition: int) -> tf.Tensor:
    added = tf.cast(tf.clip_by_value(tf.cast(image, tf.int64) + addition, 0, 255), tf.uint8)
    return tf.where(image < np.uint8(128), added, image)


def _color(image: tf.Tensor, factor: float) -> tf.Tensor:
    return _blend(tf.image.grayscale_to_rgb(tf.image.rgb_to_grayscale(image)), image, factor)


def _contrast(image: tf.Tensor, factor: float) -> tf.Tensor:
    luma = tf.cast(tf.image.rgb_to_grayscale(image), tf.int32)
    histogram = tf.histogram_fixed_width(luma, [0, 255], nbins=256)
    level = tf.clip_by_value(tf.reduce_sum(tf.cast(histogram, tf.float32)) / 256.0, 0.0, 255.0)
    flat = tf.cast(tf.ones_like(luma, tf.float32) * level, tf.uint8)
    return _blend(tf.image.grayscale_to_rgb(flat), image, factor)


def _brightness(image: tf.Tensor, factor: float) -> tf.Tensor:
    return _blend(tf.zeros_like(image), image, factor)


def _sharpness(image: tf.Tensor, factor: float) -> tf.Tensor:
    kernel = tf.constant([[1, 1, 1], [1, 5, 1], [1, 1, 1]], tf.float32, shape=[3, 3, 1, 1]) / 13.0
    kernel = tf.tile(kernel, [1, 1, 3, 1])
    pixels = tf.cast(image, tf.float32)[None]
    smooth = tf.nn.depthwise_conv2d(pixels, kernel, [1, 1, 1, 1], padding="VALID")
    smooth = tf.cast(tf.clip_by_value(smooth, 0.0, 255.0), tf.uint8)[0]
    inner = tf.pad(tf.ones_like(smooth), [[1, 1], [1, 1], [0, 0]])
    return _blend(tf.where(inner == 1, tf.pad(smooth, [[1, 1], [1, 1], [0, 0]]), image), image, factor)


def _transform(image: tf.Tensor, transform: object) -> tf.Tensor:
    """Nearest sampling; a fourth channel tells what lies outside, which becomes gray, as big_vision does it."""
    shape = tf.shape(image)
    wrapped = tf.concat([image, tf.ones([shape[0], shape[1], 1], image.dtype)], 2)
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=wrapped[None],
        transforms=tf.reshape(tf.cast(tf.stack(transform), tf.float32), [1, 8]),
        output_shape=shape[:2],
        fill_value=0.0,
        interpolation="NEAREST",
        fill_mode="CONSTANT",
    )[0]
    return tf.where(moved[..., 3:] == 0, tf.constant(GRAY, tf.uint8), moved[..., :3])


def _sign() -> tf.Tensor:
    return tf.where(tf.random.uniform([]) < 0.5, -1.0, 1.0)


def _rotate(image: tf.Tensor, degrees: float) -> tf.Tensor:
    radians = _sign() * degrees * np.pi / 180.0
    cos, sin = tf.cos(radians), tf.sin(radians)
    right, bottom = image.shape[1] - 1.0, image.shape[0] - 1.0
    x = (right - (cos * right - sin * bottom)) / 2.0
    y = (bottom - (sin * right + cos * bottom)) / 2.0
    return _transform(image, [cos, -sin, x, sin, cos, y, 0.0, 0.0])


def _cutout(image: tf.Tensor, half: int) -> tf.Tensor:
    height, width = image.shape[:2]
    row = tf.random.uniform([], maxval=height, dtype=tf.int32)
    column = tf.random.uniform([], maxval=width, dtype=tf.int32)
    top, left = tf.maximum(0, row - half), tf.maximum(0, column - half)
    bottom, right = tf.maximum(0, height - row - half), tf.maximum(0, width - column - half)
    hole = tf.zeros([height - top - bottom, width - left - right], image.dtype)
    mask = tf.pad(hole, [[top, bottom], [left, right]], constant_values=1)[..., None]
    return tf.where(tf.tile(mask, [1, 1, 3]) == 0, tf.constant(GRAY, image.dtype), image)


OPERATIONS: tuple[Op, ...] = (
    _autocontrast,
    _equalize,
    lambda image: 255 - image,
    lambda image: _rotate(image, 30.0),
    lambda image: _posterize(image, 4),
    lambda image: _solarize(image, 256),
    lambda image: _color(image, 1.9),
    lambda image: _contrast(image, 1.9),
    lambda image: _brightness(image, 1.9),
    lambda image: _sharpness(image, 1.9),
    lambda image: _transform(image, [1.0, 0.3 * _sign(), 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
    lambda image: _transform(image, [1.0, 0.0, 0.0, 0.3 * _sign(), 1.0, 0.0, 0.0, 0.0]),
    lambda image: _transform(image, [1.0, 0.0, 100.0 * _sign(), 0.0, 1.0, 0.0, 0.0, 0.0]),
    lambda image: _transform(image, [1.0, 0.0, 0.0, 0.0, 1.0, 100.0 * _sign(), 0.0, 0.0]),
    lambda image: _cutout(image, 40),
    lambda image: _solarize_add(image, 110),
)
"""RandAugment's operations at magnitude 10."""

PIPELINES: dict[str, tuple[Op, ...]] = {
    "crop_randaug": (crop, flip, randaug, value_range),
    "resize_central_crop": (resize_central_crop, value_range),
    "crop": (crop, value_range),
}


def main() -> None:
    """Answer until standard input ends."""
    path, threads, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    with np.load(path) as archive:
        files = [archive[key].tobytes() for key in archive.files]

    def pipeline(data: tf.Tensor) -> tf.Tensor:
        for op in PIPELINES[name]:
            data = op(data)
        return data

    options = tf.data.Options()
    options.threading.private_threadpool_size = threads
    options.threading.max_intra_op_parallelism = 1
    data = tf.data.Dataset.from_tensor_slices(files).repeat().map(pipeline, num_parallel_calls=threads)
    images = iter(data.with_options(options))
    for line in sys.stdin:
        count = int(line)
        started, spent = time.perf_counter(), time.process_time()
        for _ in range(count):
            next(images)
        spent = time.process_time() - spent
        print(json.dumps([count / (time.perf_counter() - started), spent / count]), flush=True)


if __name__ == "__main__":
    main()
