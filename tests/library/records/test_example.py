"""Stored examples, read beside TFDS' own reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_datasets as tfds
from tensorflow_datasets.proto import tf_example_pb2

from bvc.library.records.example import Field, fields_of, read_example
from bvc.library.records.tfrecord import TfRecords

FIXTURE = Path(__file__).parents[2] / "reference" / "tfrecord" / "tiny" / "1.0.0"


def test_what_tensorflow_wrote_is_what_tfds_reads() -> None:
    features: Any = tfds.builder_from_directory(str(FIXTURE)).info.features
    fields = fields_of(features)
    assert fields is not None
    records = TfRecords(sorted(str(file) for file in FIXTURE.glob("*train*")))
    skipping = {"image": tfds.decode.SkipDecoding()}
    for i in range(len(records)):
        ours = read_example(records[i], fields)
        theirs: Any = features.deserialize_example_np(records[i], decoders=skipping)
        assert ours["image"] == theirs["image"] and ours["label"] == theirs["label"]
        assert ours["captions/text"] == [text.decode() for text in theirs["captions"]["text"]]
        assert np.array_equal(ours["captions/id"], theirs["captions"]["id"])
        assert np.array_equal(ours["score"], theirs["score"]) and ours["score"].dtype == np.float32


@pytest.mark.parametrize(
    "feature",
    [
        tfds.features.Tensor(shape=(2,), dtype=np.float32, encoding="zlib"),
        tfds.features.Tensor(shape=(None, 2), dtype=np.float32),
        tfds.features.Sequence(tfds.features.Sequence(np.int64)),
        tfds.features.Sequence({"inner": tfds.features.Sequence(np.int64)}),
    ],
)
def test_what_is_not_stored_plainly_is_left_to_tfds(feature: Any) -> None:
    assert fields_of(tfds.features.FeaturesDict({"x": feature})) is None


def stored(**lists: Any) -> bytes:
    messages: Any = tf_example_pb2
    example = messages.Example()
    for kind, values in lists.items():
        getattr(example.features.feature["x"], kind).value.extend(values)
    return example.SerializeToString()


NUMBER = Field("x", np.dtype(np.int64), False, (), False, None)


@pytest.mark.parametrize(
    ("raw", "field", "told"),
    [
        (b"\xff\xff", NUMBER, "no `tf.Example`"),
        (b"", NUMBER, "`x` is missing"),
        (stored(float_list=[1.0]), NUMBER, "stored as float_list, not as int64_list"),
        (stored(int64_list=[1, 2]), NUMBER, "holds 2 values, not 1"),
        (stored(int64_list=[1, 2, 3]), Field("x", np.dtype(np.int64), False, (2,), True, None), "3 values"),
        (stored(bytes_list=[b"\xff"]), Field("x", None, True, (), False, None), "utf-8"),
        (stored(int64_list=[7]), Field("x", np.dtype(np.int64), False, (), False, 7), "class 7, of 7"),
    ],
)
def test_what_does_not_fit_is_told(raw: bytes, field: Field, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_example(raw, [field])


def test_nothing_in_a_sequence_is_an_empty_array() -> None:
    field = Field("x", np.dtype(np.float32), False, (4,), True, None)
    assert read_example(stored(float_list=[]), [field])["x"].shape == (0, 4)
