"""BiT's two ResNets: published depths, older files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from bvc.component import SettingError
from bvc.component.names import parameters
from bvc.library.checkpoints.export import named
from bvc.library.checkpoints.load import load_parameters
from bvc.library.models.bit import Bit
from bvc.library.models.bit_paper import BitPaper
from tests.modules import abstract, filled


def published(model: Any) -> dict[str, np.ndarray]:
    naming = model.naming()
    return {naming.published(name): leaf for name, leaf in named(model).items()}


@pytest.mark.parametrize(("model", "millions"), [(Bit, 25.6), (BitPaper, 25.5)])
def test_resnet_50_has_its_published_size(model: Any, millions: float) -> None:
    total = sum(np.prod(leaf.shape) for leaf in jax.tree.leaves(abstract(model, out_dim=1000)))
    assert total / 1e6 == pytest.approx(millions, abs=0.06)
    with pytest.raises(SettingError, match="34 is not known"):
        abstract(model, depth=34)
    with pytest.raises(SettingError, match="16 channels"):
        abstract(model, width=0.25)


def test_names() -> None:
    model = abstract(BitPaper, depth=(2, 3), width=0.5, out_dim=3)
    naming = model.naming()
    assert naming.published("stages/1/rest/01/conv2/kernel") == "block2/unit03/conv2/kernel"
    for found in parameters(model):
        assert naming.public(naming.published(found.name)) == found.name


def test_squeezed_norms_of_older_files(tmp_path: Path) -> None:
    model = abstract(Bit, depth=(2,), width=0.5)
    full = filled(model)
    older = {
        name: leaf[None, None, None] if "/gn" in f"/{name}" else leaf
        for name, leaf in published(full).items()
    }
    assert older["gn_root/scale"].ndim == 4
    np.savez(tmp_path / "older.npz", **older)
    values, _ = load_parameters(model, str(tmp_path / "older.npz"))
    for name, leaf in named(full).items():
        np.testing.assert_array_equal(values[name], leaf)


def test_files_of_the_first_release(tmp_path: Path) -> None:
    model = abstract(BitPaper, depth=(2, 1), width=0.5, out_dim=3)
    full = filled(model)
    flat = {}
    letters = {"1": "a", "2": "b", "3": "c"}
    for name, leaf in published(full).items():
        name = re.sub(r"gn(\d)/", lambda found: f"{letters[found[1]]}/group_norm/", name)
        name = re.sub(r"conv(\d)/", lambda found: f"{letters[found[1]]}/standardized_conv2d/", name)
        name = name.replace("conv_proj/", "a/proj/standardized_conv2d_4/")
        name = name.replace("conv_root/", "standardized_conv2d/").replace("norm-pre-head/", "group_norm/")
        if "group_norm" in name:
            name, leaf = name.replace("scale", "gamma").replace("bias", "beta"), leaf[0, 0, 0]
        if name.startswith("head/"):
            name = name.replace("head/", "head/conv2d/")
            leaf = leaf[None, None] if leaf.ndim == 2 else leaf
        flat[f"resnet/{name}"] = leaf
    assert "resnet/block1/unit01/a/proj/standardized_conv2d_4/kernel" in flat
    np.savez(tmp_path / "release.npz", **flat)
    values, _ = load_parameters(model, str(tmp_path / "release.npz"))
    for name, leaf in named(full).items():
        np.testing.assert_array_equal(values[name], leaf)
