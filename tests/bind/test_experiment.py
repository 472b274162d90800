"""A resolved tree as an experiment: every part of the IR, and every table that can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from bvc.bind import bind
from bvc.diagnostics import Diagnostic, Failed, Sources, pages
from bvc.ir import DataNode, Duration, Experiment, ModelNode, ViewNode
from bvc.spec import load

BASE = pages.FOLDER / pages.BASE
EVAL = """
[evals.val]
type = "classification"
every = "2 epochs"
view = "pre_logits"
data = { name = "cifar10", split = "test" }
pipeline = ["decode", "resize([16, 8], method='area')", "onehot(10, key='label', to='labels')"]
"""


def bound(tmp_path: Path, text: str) -> Experiment:
    path = tmp_path / "spec.toml"
    path.write_text(f'use = "{BASE}"\n{text}', encoding="utf-8")
    return bind(load(str(path)))


def wrong(tmp_path: Path, text: str) -> list[tuple[str, str]]:
    """Code and marked text of each diagnostic."""
    path = tmp_path / "spec.toml"
    path.write_text(f'use = "{BASE}"\n{text}', encoding="utf-8")
    sources = Sources()
    spec = load(str(path), sources=sources)
    with pytest.raises(Failed) as failed:
        bind(spec)

    def marked(diagnostic: Diagnostic) -> tuple[str, str]:
        assert diagnostic.place is not None
        return diagnostic.code, sources.slice(diagnostic.place)

    return [marked(diagnostic) for diagnostic in failed.value.diagnostics]


def test_the_parts_of_an_experiment(tmp_path: Path) -> None:
    found = bound(tmp_path, "")
    assert found.doc == ""
    assert found.train.batch == 64
    assert found.train.shuffle
    (source,) = found.train.sources
    assert source.data.name == "cifar10" and source.data.split == "train[:90%]"
    assert source.data.splits == {"train": 50_000, "test": 10_000}
    assert [op.name for op in source.pipeline] == ["decode", "resize", "value_range", "onehot", "keep"]
    assert found.model.name == "vit" and found.model.settings["patch"] == 8
    assert found.objective[0].name == "softmax_xent"
    assert found.optimizer.transform.name == "adam" and found.optimizer.transform.settings == {}
    assert (found.optimizer.lr, found.optimizer.weight_decay, found.optimizer.clip_norm) == (1e-3, 1e-4, None)
    assert found.optimizer.schedule is not None
    assert found.optimizer.schedule.node.name == "cosine"
    assert found.optimizer.schedule.warmup is not None and found.optimizer.schedule.warmup.value == 10
    assert (found.run.length.value, found.run.length.unit) == (100, "steps")
    assert found.mesh.axes == {"data": None} and found.mesh.batch == ("data",)
    assert found.evals == () and found.layout == ()


def test_ops_are_wired(tmp_path: Path) -> None:
    (source,) = bound(
        tmp_path,
        """
[data.train]
pipeline = ["decode", "resize(16)", "flip_lr(from='image', to='other')", "onehot(10, key='label', to='labels')"]
""",
    ).train.sources
    ops = source.pipeline
    assert dict(ops[1].reads) == {"image": "image"} and dict(ops[1].writes) == {"": "image"}
    assert dict(ops[2].reads) == {"image": "image"} and dict(ops[2].writes) == {"": "other"}
    assert dict(ops[3].reads) == {"labels": "label"} and dict(ops[3].writes) == {"": "labels"}
    assert [op.position for op in ops] == [0, 1, 2, 3]
    assert ops[1].settings == {"size": 16}


def test_evaluations(tmp_path: Path) -> None:
    (table,) = bound(tmp_path, EVAL).evals
    assert (table.name, table.prefix, table.batch, table.skip_first) == ("val", "val/", None, False)
    assert isinstance(table.every, Duration) and table.every.unit == "epochs"
    settings = table.evaluator.settings
    assert isinstance(settings["data"], DataNode) and settings["data"].split == "test"
    assert isinstance(settings["view"], ViewNode) and settings["view"].name == "pre_logits"
    assert settings["pipeline"][1].settings == {"size": (16, 8), "method": "area"}


def test_child_models(tmp_path: Path) -> None:
    found = bound(
        tmp_path,
        """
unset = ["model"]
[model]
type = "two_towers"
image = { type = "vit", out_dim = 8 }
text = { type = "bert", out_dim = 8, init = "b.npz" }
""",
    ).model
    text = found.settings["text"]
    assert isinstance(text, ModelNode) and text.init == "b.npz"


def test_mesh_layout_and_rules(tmp_path: Path) -> None:
    found = bound(
        tmp_path,
        """
mesh = { axes = { data = "rest", tensor = 2 } }
layout = [
  { match = "head/.*", replicate = true },
  { match = ".*", shard = { dim = 1, axis = "tensor" }, min_size = "1 KiB" },
]
optimizer.rules = [
  { match = "head/.*", lr_mult = 2, schedule = { type = "constant" } },
  { match = ".*", freeze = true },
]
""",
    )
    assert found.mesh.axes == {"data": None, "tensor": 2} and found.mesh.batch == ("data",)
    assert [(rule.axis, rule.dim, rule.min_size) for rule in found.layout] == [
        (None, None, 4 * 2**20),
        ("tensor", 1, 1024),
    ]
    first, second = found.optimizer.rules
    assert (first.freeze, first.lr_mult, second.freeze) == (None, 2.0, True)
    assert first.schedule is not None and first.schedule.node.name == "constant"


def test_data_of_ones_own(tmp_path: Path) -> None:
    (own,) = bound(
        tmp_path,
        """
unset = ["data.train.name"]
[data.train]
source = { type = "tfds", name = "ours", version = "1.0.0" }
features = { image = "bytes", "boxes/corners" = "f32[n 4]" }
split = "any"
""",
    ).train.sources
    data = own.data
    assert data.source.settings == {"name": "ours", "version": "1.0.0"}
    assert {name: str(feature) for name, feature in data.features.items()} == {
        "image": "bytes",
        "boxes/corners": "f32[n 4]",
    }


def test_a_version_of_a_dataset(tmp_path: Path) -> None:
    (source,) = bound(tmp_path, 'data.train.name = "cifar10:3.0.2"').train.sources
    data = source.data
    assert data.source.settings["version"] == "3.0.2"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("data = 3", [("B0110", "3")]),
        ("model = [1]", [("B0110", "[1]")]),
        ("objective = 3", [("B0110", "3")]),
        ("optimizer = []", [("B0110", "[]")]),
        ("run = 3", [("B0110", "3")]),
        ("evals = []", [("B0110", "[]")]),
        ("evals.val = 3", [("B0110", "3")]),
        ("mesh = 3", [("B0110", "3")]),
        ("layout = {}", [("B0110", "{}")]),
        ("layout = [3]", [("B0110", "3")]),
        ("layout = [{}]", [("B0101", "{}")]),
        ('layout = [{ match = ".*" }]', [("B0101", '{ match = ".*" }')]),
        ('layout = [{ match = "(", shard = "data" }]', [("B0321", '"("')]),
        ("optimizer.rules = {}", [("B0110", "{}")]),
        ('optimizer.schedule = "cosine"', [("B0110", '"cosine"')]),
        ("model.type = 3", [("B0110", "3")]),
        ('model.type = "vti"', [("B0103", '"vti"')]),
        ('model.init_skip = ["("]', [("B0321", '["("]')]),
        ("modle = {}", [("B0102", "modle")]),
        ("data.trian = {}", [("B0102", "trian")]),
        ("data.train.pipeline = [3]", [("B0110", "3")]),
        ('data.train.pipeline = ["resise(3)"]', [("B0104", "resise")]),
        ('data.train.pipeline = ["resize(size=3, siz=4)"]', [("B0105", "siz")]),
        ('data.train.pipeline = ["resize()"]', [("B0101", "resize()")]),
        ('data.train.pipeline = ["resize(0)"]', [("B0112", "0")]),
        ('data.train.name = "cifar"', [("B0140", '"cifar"')]),
        ('data.train.split = "tain"', [("B0141", '"tain"')]),
        ('data.train.source = { type = "shapes" }', [("B0117", '{ type = "shapes" }')]),
        ('data.train.features = { a = "i64" }', [("B0117", '{ a = "i64" }')]),
        ("mesh.axes = {}", [("B0406", "{}")]),
        ("mesh.axes = { data = 0 }", [("B0404", "0")]),
        ('mesh = { axes = { data = 2 }, batch = ["data", "fsdp"] }', [("B0402", '"fsdp"')]),
        ('run.length = "50%"', [("B0121", '"50%"')]),
        ('objective.feeds = { logit = "model.logits" }', [("B0131", "logit")]),
        ("optimizer.feeds = {}", [("B0102", "feeds")]),
        ("model.width = 0\noptimizer.lr = -1\nrun.log = 3", [("B0112", "0"), ("B0112", "-1"), ("B0120", "3")]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_marked(tmp_path: Path, text: str, found: list[tuple[str, str]]) -> None:
    assert wrong(tmp_path, text) == found


def test_tables_that_are_missing_are_told_together(tmp_path: Path) -> None:
    path = tmp_path / "spec.toml"
    path.write_text('doc = "nothing"\n', encoding="utf-8")
    with pytest.raises(Failed) as failed:
        bind(load(str(path)))
    lacking = ["data", "model", "objective", "optimizer", "run"]
    assert [d.message for d in failed.value.diagnostics] == [f"the spec lacks `{name}`" for name in lacking]
