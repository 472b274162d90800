"""An experiment made small keeps what its spec says, and needs nothing of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from bvc.bind import bind
from bvc.compile.smoke import smoke
from bvc.ir import DataNode, Experiment, ModelNode
from bvc.spec import load

SPECS = Path(__file__).parent.parent.parent / "specs"


def bound(spec: str, params: str = "", settings: tuple[tuple[str, str], ...] = ()) -> Experiment:
    return bind(load(str(SPECS / spec), params, settings))


def test_towers_still_fit_each_other() -> None:
    small = smoke(bound("siglip_coco.toml", "txt=bert_large"), devices=3)
    image, text = small.model.settings["image"], small.model.settings["text"]
    assert isinstance(image, ModelNode) and isinstance(text, ModelNode)
    assert image.init is None and text.init_skip == ()
    assert image.settings["width"] == text.settings["out_dim"] == 32
    assert small.train.batch == 3
    assert small.train.sources[0].pipeline[-2].settings["vocab"] == "std:vocab/shapes.txt"
    assert small.optimizer.rules[0].freeze


def test_data_is_generated_with_the_features_of_the_card() -> None:
    experiment = bound("vit_i1k.toml")
    small = smoke(experiment, devices=8)
    assert small.train.batch == 8
    assert small.train.sources[0].data.features == experiment.train.sources[0].data.features
    read = [small.train.sources[0].data]
    read += [
        value
        for table in small.evals
        for value in table.evaluator.settings.values()
        if isinstance(value, DataNode)
    ]
    assert len(read) == 1 + 5 + 2 * 6
    assert {data.source.name for data in read} == {"generated"}
    assert small.run.length.value == 2 and small.run.save is None


def test_a_rule_that_names_a_layer_keeps_the_depth() -> None:
    rules = (("optimizer.rules", '[{ match = "blocks/11/.*", freeze = true }]'),)
    small = smoke(bound("vit_s16_i1k.toml", settings=rules), devices=1)
    assert small.model.settings["variant"] == "S/16" and "depth" not in small.model.settings


@pytest.mark.parametrize("model", ["bit-m-r50x1", "vit-s16"])
def test_axes_of_the_mesh_stay(model: str) -> None:
    axes = (("mesh.axes", '{ data = 2, fsdp = "rest", tensor = 2 }'), ("mesh.batch", '["data", "fsdp"]'))
    small = smoke(bound("transfer.toml", f"model={model}", axes), devices=1)
    assert small.mesh.axes == {"data": 1, "fsdp": None, "tensor": 1}
