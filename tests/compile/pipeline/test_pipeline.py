"""Pipelines: features followed through ops, and the program that runs."""

from __future__ import annotations

import io
import pickle
from typing import Any

import jax.numpy as jnp
import numpy as np
import PIL.Image
import pytest

from bvc.compile.pipeline.op import build_op
from bvc.compile.pipeline.pipeline import batch_features, check_batchable, type_pipeline
from bvc.compile.pipeline.run import Pipeline, Step
from bvc.component.error import DataError
from bvc.component.feature import Feature, Features
from bvc.diagnostics import Failed
from tests.pipelines import bound, compiled, shown

VOCAB = "tests/reference/pp/bert_vocab.txt"
RAW: Features = {
    "image": Feature("bytes"),
    "label": Feature("int64"),
    "captions/text": Feature("str", ("n",)),
}


def typed(*calls: str) -> dict[str, str]:
    features, diagnostics = type_pipeline(RAW, bound(*calls))
    assert not diagnostics
    return {name: str(feature) for name, feature in features.items()}


def example() -> dict[str, Any]:
    encoded = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    PIL.Image.fromarray(pixels).save(encoded, "JPEG")
    return {"image": encoded.getvalue(), "label": np.array(3), "captions/text": ["the cat", "a dog runs"]}


def test_types_follow_the_main_job() -> None:
    found = typed(
        "decode", "resize(224)", "flip_lr", "randaug(2, 10)", "value_range(-1, 1)", "flatten",
        f"bert_tokenize(from='captions/text', to='labels', max_len=16, vocab='{VOCAB}')", "keep('image', 'labels')",
    )  # fmt: skip
    assert found == {"image": "f32[224 224 3]", "labels": "i32[16]"}


@pytest.mark.parametrize(
    ("calls", "name", "type_"),
    [
        (("decode",), "image", "u8[h w 3]"),
        (("decode(channels=1)",), "image", "u8[h w 1]"),
        (("decode", "central_crop"), "image", "u8[side side 3]"),
        (("decode", "central_crop([4, 6])"), "image", "u8[4 6 3]"),
        (("decode", "resize_small(256)"), "image", "u8[height width 3]"),
        (("decode", "copy('image', 'b')", "inception_crop(key='b')"), "b", "u8[crop_h crop_w 3]"),
        (("decode", "copy('image', 'b')", "inception_crop(8)"), "b", "u8[h w 3]"),
        (("onehot(10, key='label', to='labels')",), "labels", "f32[10]"),
        (("choice(from='captions/text', to='text')",), "text", "str"),
        (("choice(2, from='captions/text', to='text')",), "text", "str[2]"),
        (("decode", "reshape([-1])"), "image", "u8[rest]"),
        (("decode", "resize(4)", "reshape([-1, 3])"), "image", "u8[16 3]"),
        (("decode", "resize(4)", "copy('image', 'b')", "concat(['image', 'b'], to='c')"), "c", "u8[4 4 6]"),
    ],
)
def test_types(calls: tuple[str, ...], name: str, type_: str) -> None:
    assert typed(*calls)[name] == type_


@pytest.mark.parametrize(
    ("calls", "code", "at", "told"),
    [
        (("resize(8)",), "B0311", "resize(8)", "decode `image` before"),
        (("decode", "decode"), "B0311", "decode", "decoded already"),
        (("decode", "keep('label')", "resize(8)"), "B0310", "resize(8)", "keep `image`"),
        (("decode", "keep('imge')"), "B0310", "keep('imge')", "did you mean `image`?"),
        (("decode", "resize(8, key='label')"), "B0312", "'label'", "read another feature"),
        (("decode", "resize(8)", "reshape([7, -1])"), "B0313", "reshape([7, -1])", "`bvc explain reshape`"),
    ],
)
def test_the_op_that_breaks_the_chain_is_named(calls: tuple[str, ...], code: str, at: str, told: str) -> None:
    _, diagnostics = type_pipeline(RAW, bound(*calls))
    assert [diagnostic.code for diagnostic in diagnostics] == [code]
    assert at in shown(diagnostics[0], *calls)
    assert told in (diagnostics[0].help or "")


def test_the_op_that_dropped_a_feature_is_pointed_at() -> None:
    calls = ("decode", "keep('label')", "resize(8)")
    _, (diagnostic,) = type_pipeline(RAW, bound(*calls))
    (label,) = diagnostic.labels
    assert label.text == "this op drops `image`"
    assert diagnostic.notes == ("here are label: i64",)


def test_a_refused_setting_stops_the_pipeline() -> None:
    _, diagnostics = type_pipeline(RAW, bound("decode", "inception_crop(8, area=[50, 20])", "nyu_depth"))
    assert [diagnostic.code for diagnostic in diagnostics] == ["B0301"]


def test_all_features_whose_sizes_vary_are_told() -> None:
    calls = bound("decode", "copy('image', 'b')", "resize(8)")
    diagnostics = check_batchable(RAW, calls, {"image", "b"})
    assert [(each.code, each.message) for each in diagnostics] == [
        ("B0314", "feature `b` has no fixed size: it is `u8[h w 3]`")
    ]


def test_a_batch_holds_what_devices_take() -> None:
    batch = batch_features({"image": Feature("float32", (8, 8, 3)), "label": Feature("int64")}, 4)
    assert batch["image"].shape == (4, 8, 8, 3)
    assert batch["label"].shape == (4,) and batch["label"].dtype == jnp.int32


CALLS = (
    "decode", "inception_crop(16)", "flip_lr", "randaug(2, 10)", "value_range(-1, 1)",
    f"bert_tokenize(from='captions/text', to='text', max_len=6, vocab='{VOCAB}')",
)  # fmt: skip


def test_randomness_is_a_function_of_seed_epoch_index_and_op() -> None:
    pipeline = compiled(RAW, *CALLS)
    first = pipeline.apply(example(), 0, 0, 5)
    again = pickle.loads(pickle.dumps(pipeline)).apply(example(), 0, 0, 5)
    assert all(np.array_equal(first[name], again[name]) for name in ("image", "text"))
    others = [pipeline.apply(example(), *draw)["image"] for draw in ((1, 0, 5), (0, 1, 5), (0, 0, 6))]
    assert not any(np.array_equal(first["image"], other) for other in others)


def test_what_nobody_reads_is_not_computed_and_changes_nothing() -> None:
    whole = compiled(RAW, *CALLS)
    for needed in ({"text"}, {"image"}, {"label"}, {"image", "text"}):
        part = compiled(RAW, *CALLS, needed=needed)
        assert set(part.outputs) == needed
        expected = whole.apply(example(), 3, 1, 7)
        found = part.apply(example(), 3, 1, 7)
        assert all(np.array_equal(found[name], expected[name]) for name in needed)
    assert [step.name for step in compiled(RAW, *CALLS, needed={"text"}).steps] == ["bert_tokenize"]
    assert compiled(RAW, *CALLS, needed={"text"}).inputs == {"captions/text"}
    assert compiled(RAW, *CALLS, needed={"label"}).steps == ()


@pytest.mark.parametrize(
    "crop", ["central_crop(24)", "central_crop([10, 30])", "central_crop", "random_crop(16)"]
)
@pytest.mark.parametrize(
    "resize",
    [
        "resize_small(32)",
        "resize_small(32, 'bilinear', true)",
        "resize_long(80, 'bicubic')",
        "resize([48, 33])",
        "resize([40, 60])",
        "resize([50, 60], method='nearest')",
        "resize_small(40)",
    ],
)
def test_only_what_a_crop_keeps_is_resized(resize: str, crop: str) -> None:
    whole = Pipeline(_one_by_one("decode", resize, crop), {"image": Feature("uint8", ("h", "w", 3))})
    joined = compiled(RAW, "decode", resize, crop, needed={"image"})
    assert len(joined.steps) == 2
    for index in range(3):
        ours, both = (each.apply(example(), 0, 0, index)["image"] for each in (joined, whole))
        assert np.array_equal(ours, both) and ours.size


def _one_by_one(*calls: str) -> tuple[Step, ...]:
    nodes = bound(*calls)
    return tuple(
        Step(node.name, build_op(node), node.reads, node.writes, node.component.call.given, node.position)
        for node in nodes
    )


def test_a_resize_that_is_read_elsewhere_is_not_joined() -> None:
    calls = ("decode", "resize_small(32)", "copy('image', 'b')", "central_crop(24)")
    pipeline = compiled(RAW, *calls, needed={"image", "b"})
    assert [step.name for step in pipeline.steps] == ["decode", "resize_small", "copy", "central_crop"]
    assert len(compiled(RAW, "decode", "resize_small(32)", "central_crop(24, to='b')").steps) == 3


def test_a_broken_image_that_nobody_reads_does_no_harm() -> None:
    broken = {**example(), "image": b"\xff\xd8 nothing"}
    assert compiled(RAW, *CALLS, needed={"label"}).apply(broken, 0, 0, 0) == {"label": np.array(3)}
    with pytest.raises(DataError, match="`decode` met"):
        compiled(RAW, *CALLS).apply(broken, 0, 0, 0)


def test_a_pipeline_that_does_not_type_is_not_compiled() -> None:
    with pytest.raises(Failed):
        compiled(RAW, "resize(8)")


def test_what_the_feed_adds_is_carried_past_every_op() -> None:
    features, _ = type_pipeline({**RAW, "_parent": Feature("int32")}, bound("keep('label')"))
    assert set(features) == {"label", "_parent"}
