"""Batch transforms in a spec: typed, drawn by step, and part of the step on every mesh."""

from __future__ import annotations

from pathlib import Path

import pytest

from bvc.check import Checked, check

SPEC = """
[data.train]
name = "shapes"
split = "train"
batch = 8
pipeline = ["decode", "resize(8)", {ops}]
transforms = [{transforms}]

[model]
type = "vit"
size = 8
patch = 4
width = 8
depth = 1
heads = 2
out_dim = 8

[objective]
type = "softmax_xent"

[optimizer]
type = "sgd"
lr = 0.1

[run]
length = "2 steps"
"""
OPS = "\"value_range(-1, 1)\", \"onehot(8, key='label', to='labels')\", \"keep('image', 'labels')\""


def checked(folder: Path, transforms: str, ops: str = OPS) -> Checked:
    file = folder / "spec.toml"
    file.write_text(SPEC.format(ops=ops, transforms=transforms))
    return check(str(file))


@pytest.mark.parametrize(
    ("transforms", "ops", "code", "said"),
    [
        ('"mixpu(0.5)"', OPS, "B0104", "unknown transform `mixpu`"),
        ('"mixup(-1.0)"', OPS, "B0112", "`p`"),
        ('"mixup()"', OPS, "B0101", "`p`"),
        ("\"mixup(0.5, key='image')\"", OPS, "B0105", "takes no argument `key`"),
        ('"mixup(0.5)"', OPS.replace('"value_range(-1, 1)", ', ""), "B0313", "is uint8"),
        ("0.5", OPS, "B0110", "a transform call in quotes"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, transforms: str, ops: str, code: str, said: str) -> None:
    found = checked(tmp_path, transforms, ops).diagnostics
    assert [diagnostic.code for diagnostic in found] == [code]
    assert said in f"{found[0].message} {found[0].label}"
