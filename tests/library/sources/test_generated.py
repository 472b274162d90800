"""Generated examples have the features that they are told to have, and are the same each time."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from bvc.component import SettingError
from bvc.library.imaging.decode import decode_image
from bvc.library.sources.generated import Generated

LIKE = {
    "image": "bytes",
    "image/id": "i64",
    "label": "i64",
    "real_label": "i64[n]",
    "captions/text": "str[n]",
    "objects/bbox": "f32[m 4]",
    "depth": "f16[h w]",
    "pixels": "u8[h w 3]",
    "name": "str",
    "objects/is_crowd": "bool[m]",
}


def test_examples_have_these_features() -> None:
    records = Generated(like=LIKE, examples=20).open("train[:5]", "")
    assert len(records) == 20
    for index in range(20):
        example = records[index]
        assert example.keys() == LIKE.keys()
        assert 40 <= min(decode_image(example["image"]).shape[:2])
        assert example["label"] in (0, 1) and example["label"].dtype == np.int64
        assert len(example["real_label"]) == len(example["captions/text"])
        assert example["objects/bbox"].shape == (*example["objects/is_crowd"].shape, 4)
        assert example["depth"].shape == example["pixels"].shape[:2]
        assert example["depth"].dtype == np.float16 and example["objects/is_crowd"].dtype == np.bool_
        assert isinstance(example["name"], str)
    assert len({int(records[index]["image/id"]) for index in range(20)}) == 20


def test_every_process_draws_the_same() -> None:
    records = Generated(like=LIKE).open("train", "")
    again = pickle.loads(pickle.dumps(records))[3]
    assert all(np.array_equal(value, again[name]) for name, value in records[3].items())


def test_a_text_that_is_no_feature_is_refused() -> None:
    with pytest.raises(SettingError, match="`image`"):
        Generated(like={"image": "a picture"})
