"""What is true of every op: it makes what it declares, deterministically, and leaves its input alone."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bvc.compile.pipeline.pipeline import type_pipeline
from bvc.component import registry
from bvc.component.feature import Feature
from tests.pipelines import bound, compiled

PP = Path("tests/reference/pp")
VOCAB, SENTENCES = PP / "bert_vocab.txt", PP / "sp_unigram.model"
FONTS = f"font='{PP / 'fake_unifont.hex'}', upper='{PP / 'fake_unifont_upper.hex'}'"

FEATURES = {
    "image": Feature("uint8", ("h", "w", 3)),
    "float": Feature("float32", ("h", "w", 3)),
    "encoded": Feature("bytes"),
    "depth": Feature("float16", ("h", "w")),
    "one": Feature("float32", ("h", "w", 1)),
    "mask": Feature("int32", ("h", "w", 2)),
    "label": Feature("int64"),
    "several": Feature("int64", ("n",)),
    "text": Feature("str"),
    "texts": Feature("str", ("n",)),
    "captions/text": Feature("str", ("n",)),
    "panoptic_image": Feature("uint8", ("h", "w", 3)),
    "panoptic_objects/id": Feature("int64", ("m",)),
    "panoptic_objects/label": Feature("int64", ("m",)),
}

CALLS = [
    "autoaugment",
    "bert_tokenize(max_len=5, vocab='{vocab}')",
    "bert_tokenize(from='texts', max_len=5, vocab='{vocab}')",
    "bin_nyu_depth(key='one')",
    "central_crop",
    "central_crop([3, 5])",
    "choice(from='texts', to='chosen')",
    "choice(1, from='texts', to='chosen')",
    "choice([1, 3], key=['texts', 'several'], fewer_ok=true)",
    "choice_no_replacement(from=['texts', 'several'], to=['chosen', 'number'])",
    "class_name('label', names='{names}')",
    "clip_value_range",
    "coco_captions",
    "coco_panoptic",
    "concat(['image', 'panoptic_image'], to='both')",
    "concat(['image', 'panoptic_image'], axis=0)",
    "copy('captions', 'said')",
    "copy('image', 'second')",
    "decode(key='encoded')",
    "decode(key='encoded', channels=1)",
    "decode_jpeg_and_inception_crop(6, key='encoded')",
    "decode_jpeg_and_inception_crop(key='encoded')",
    "drop('image', 'text')",
    "flatten",
    "flip_lr",
    "format('a {{text}} of {{label}}', to='prompt')",
    "inception_box",
    "inception_crop",
    "inception_crop([4, 6], area=[50, 100], method='area')",
    "keep('image', 'text')",
    "lookup('{lookup}', from='text', to='number')",
    "lookup('{lookup}', from='texts', to='numbers')",
    "lower",
    "lower(key='texts')",
    "make_canonical(key='mask')",
    "make_canonical(key='mask', random=true)",
    "nyu_depth",
    "onehot(5, key='label', to='hot')",
    "onehot(5, key='several', to='hot')",
    "onehot(5, key='several', to='hot', multi=false)",
    "onehot(5, key='several', to='hot', multi=false, outside='error')",
    "pad_to_shape([20, 20, 3])",
    "pad_to_shape([20, 'same', 'same'], where='both', key='float')",
    "prompts(['cat', 'dog'], template='a {{}}')",
    "prompts('{names}', 5)",
    "rand_flip_lr('image', 'mask')",
    "randaug(2, 10)",
    "random_crop(3)",
    "randu",
    "render_unifont(16, {fonts}, from='text')",
    "reshape([-1])",
    "resize(7)",
    "resize([7, 5], method='nearest', key='mask')",
    "resize_long(9)",
    "resize_small(9)",
    "rgb_to_grayscale_to_rgb",
    "setdefault('text', 'none')",
    "setdefault('new', 3)",
    "squeeze_last_dim(key='one')",
    "strong_hash(from='text', to='number')",
    "tokenize(5, model='{sentences}')",
    "tokenize(5, model='{sentences}', from='texts', sample_if_multi=false)",
    "value_range(-1, 1)",
    "vgg_value_range(key='float')",
]
NEED_OTHERS = {"crop_box", "det_fliplr", "nyu_eval_crop"}
"""Tested below, after the op that writes what they read, or at the one size that they take."""


def calls(files: Mapping[str, object]) -> list[str]:
    return [call.format(**files) for call in CALLS]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    names = tmp_path_factory.mktemp("names") / "names.txt"
    names.write_text("".join(f"class {i}\n" for i in range(5)))
    lookup = PP / "lookup.txt"
    return {"vocab": VOCAB, "sentences": SENTENCES, "fonts": FONTS, "names": names, "lookup": lookup}


def example(seed: int) -> dict[str, Any]:
    """Random values of `FEATURES`."""
    rng = np.random.default_rng(seed)
    h, w = rng.integers(6, 18, 2).tolist()
    n, m = rng.integers(1, 5, 2).tolist()
    image = rng.integers(0, 256, (h, w, 3)).astype(np.uint8)
    encoded = io.BytesIO()
    PIL.Image.fromarray(image).save(encoded, ("JPEG", "PNG")[seed % 2])
    words = np.array(["cat", "The dog", "running!", ""])
    return {
        "image": image,
        "float": rng.random((h, w, 3), np.float32),
        "encoded": encoded.getvalue(),
        "depth": rng.random((h, w)).astype(np.float16),
        "one": rng.random((h, w, 1), np.float32),
        "mask": rng.integers(-1, 4, (h, w, 2)).astype(np.int32),
        "label": np.asarray(rng.integers(5)),
        "several": rng.integers(0, 5, n),
        "text": str(rng.choice(words)),
        "texts": rng.choice(words, n).tolist(),
        "captions/text": rng.choice(words, n).tolist(),
        "panoptic_image": rng.integers(0, 2, (h, w, 3)).astype(np.uint8),
        "panoptic_objects/id": rng.permutation(300)[:m],
        "panoptic_objects/label": rng.integers(0, 9, m),
    }


def check(values: Mapping[str, Any], features: Mapping[str, Feature]) -> None:
    """Every value has the type that was declared; a named dim has one size."""
    assert list(values) == list(features)
    sizes: dict[str, int] = {}
    for name, feature in features.items():
        value = values[name]
        if feature.dtype in ("str", "bytes"):
            kind = {"str": str, "bytes": bytes}[feature.dtype]
            assert isinstance(value, list if feature.shape else kind), name
            shape = (len(value),) if feature.shape else ()
        else:
            assert value.dtype == np.dtype(feature.dtype), name
            shape = value.shape
        assert len(shape) == len(feature.shape), name
        for dim, size in zip(feature.shape, shape, strict=True):
            assert (dim if isinstance(dim, int) else sizes.setdefault(dim, size)) == size, (
                f"{name}: {feature}"
            )


@pytest.mark.parametrize("call", CALLS)
def test_it_makes_what_it_declares(call: str, files: dict[str, object]) -> None:
    written = call.format(**files)
    features, diagnostics = type_pipeline(FEATURES, bound(written))
    assert not diagnostics
    pipeline = compiled(FEATURES, written)
    for seed in range(6):
        before, given_ = example(seed), example(seed)
        made = pipeline.apply(given_, 0, 0, seed)
        check(made, features)
        assert all(np.array_equal(given_[name], before[name]) for name in before), "the input was changed"
        again = pipeline.apply(example(seed), 0, 0, seed)
        assert all(np.array_equal(made[name], again[name]) for name in made)


def test_every_op_is_tested() -> None:
    tested = {call.split("(")[0] for call in CALLS} | NEED_OTHERS
    assert tested == {name for name in registry.names("op") if _is_ours(name)}


def _is_ours(name: str) -> bool:
    component = registry.find("op", name)
    return component is not None and component.target.__module__.startswith("bvc.library.")


@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_images_of_one_example_are_cut_and_mirrored_alike(seed: int) -> None:
    features = {name: FEATURES[name] for name in ("image", "panoptic_image")}
    values = {name: example(seed)["image"] for name in features}
    written = (
        "inception_box",
        "crop_box('image', 'panoptic_image')",
        "randu",
        "det_fliplr",
        "det_fliplr(key='panoptic_image')",
    )
    types, diagnostics = type_pipeline(features, bound(*written))
    assert not diagnostics
    made = compiled(features, *written).apply(values, 0, 0, seed)
    check(made, types)
    assert np.array_equal(made["image"], made["panoptic_image"])


def test_the_part_of_nyu_depth_that_is_evaluated() -> None:
    """From row 54, as big_vision crops; a comment of its says 45."""
    rows = np.arange(480 * 640, dtype=np.float32).reshape(480, 640, 1)
    features = {"image": Feature("float64", (480, 640, 3)), "labels": Feature("float32", (480, 640, 1))}
    values = {"image": np.repeat(rows, 3, axis=2).astype(np.float64), "labels": rows}
    types, _ = type_pipeline(features, bound("nyu_eval_crop"))
    made = compiled(features, "nyu_eval_crop").apply(values, 0, 0, 0)
    check(made, types)
    assert made["labels"][0, 0, 0] == 54 * 640 + 41
    assert np.array_equal(made["image"][..., 1:2], made["labels"])
