"""Sources of training data that must agree, and filters that must fit them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bvc.bind import bind
from bvc.compile.pipeline.mixing import split_sources, type_sources
from bvc.compile.pipeline.sources import with_features
from bvc.diagnostics import Failed, pages
from bvc.ir import TrainData
from bvc.spec import load

HEAD = f"""use = "{pages.FOLDER / pages.BASE}"
unset = ["data.train.name", "data.train.split"]
[data.train]
pipeline = ["resize(16)", "value_range(-1, 1)", "onehot(10, key='label', to='labels')", "copy('label', 'kept')"]
[data.train.mix]
"""


def train(tmp_path: Path, first: str, second: str, also: str = "") -> TrainData:
    path = tmp_path / "spec.toml"
    source = '{ name = "cifar10", split = "train", weight = 1, pipeline = [%s] %s }\n'
    path.write_text(HEAD + f"a = {source % (first, '')}b = {source % (second, also)}", encoding="utf-8")
    return with_features(bind(load(str(path))), lambda duration: 1).train


def test_features_that_all_make_alike_are_those_of_the_batch(tmp_path: Path) -> None:
    found = train(tmp_path, "'decode'", "'decode', \"randu(to='extra')\"")
    typing, features = type_sources(found, {"image", "labels"})
    assert {"image", "labels", "kept"} <= set(features) and "extra" not in features
    assert typing.features["image"] == features["image"]


def test_what_all_leave_to_the_devices_goes_there(tmp_path: Path) -> None:
    found = train(tmp_path, "'decode'", "'decode', 'flip_lr'")
    pipelines, part = split_sources(found.sources, ("image", "labels"))
    assert {op.feature for op in part.ops} == {"image", "labels"}
    assert {pipeline.outputs["image"].dtype for pipeline in pipelines} == {"uint8"}
    found = train(tmp_path, "'decode'", "'decode', 'value_range(0, 1)', 'value_range(0, 255, 0, 1)'")
    pipelines, part = split_sources(found.sources, ("image", "labels"))
    assert not part.ops
    assert {pipeline.outputs["image"].dtype for pipeline in pipelines} == {"float32"}


@pytest.mark.parametrize(
    ("first", "second", "also", "code", "told"),
    [
        ("'decode'", "'decode(channels=1)'", "", "B0315", "`b`: f32[16 16 1]"),
        ("'decode', \"randu(to='fliplr')\"", "'decode'", "", "B0315", "`b`: none"),
        ("'decode'", "", "", "B0311", "with examples of source `b` of the mix"),
    ],
)
def test_sources_that_disagree(
    tmp_path: Path, first: str, second: str, also: str, code: str, told: str
) -> None:
    found = train(tmp_path, first, second, also)
    with pytest.raises(Failed) as failed:
        type_sources(found, {"image", "labels", "fliplr"} if "randu" in first else {"image", "labels"})
    (diagnostic,) = failed.value.diagnostics
    assert diagnostic.code == code and told in diagnostic.notes


def test_a_filter_that_does_not_fit_is_told(tmp_path: Path) -> None:
    with pytest.raises(Failed) as failed:
        train(tmp_path, "'decode'", "'decode'", ", filter = [\"within(1, 2, from='image')\"]")
    (told,) = failed.value.diagnostics
    assert told.code == "B0311" and told.help is not None and "raw example" in told.help
