"""Every recorded file of a model agrees with ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.parity.__main__ import main
from tests.parity.reference import Comparison, close, compare_file

FILES = sorted((Path(__file__).parent.parent / "reference" / "models").glob("*.npz"))
QUICK = {
    "bit_units",
    "clippo_tok_scan",
    "flexi_resample_patchemb",
    "mixer_load_old",
    "uvim_vqvae_split_codewords",
    "bert_head",
    "text_max",
    "vit_bf16",
    "vit_load_prelinen",
    "vit_map_scan",
    "vit_posemb_utils",
    "vit_tok",
}


@pytest.mark.parametrize(
    "file",
    [pytest.param(file, marks=() if file.stem in QUICK else pytest.mark.slow) for file in FILES],
    ids=lambda file: file.stem,
)
def test_agrees_with_big_vision(file: Path) -> None:
    comparisons = compare_file(file)
    assert comparisons
    failed = [str(comparison) for comparison in comparisons if not comparison.ok]
    assert not failed, "\n".join(failed)


def test_a_difference_is_a_failure() -> None:
    assert close("x", np.ones(3), np.ones(3), 1e-5).ok
    assert not close("x", np.array([1.0, 1.1, 1.0]), np.ones(3), 1e-5).ok
    assert not close("x", np.ones(4), np.ones(3), 1e-5).ok
    assert not close("x", np.array([1, 2]), np.array([1, 3]), 1e-5).ok
    assert not Comparison("nan", float("nan"), 1e-5).ok


def test_prints_a_line_for_each_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unknown = tmp_path / "unknown.npz"
    np.savez(unknown, meta=np.array('{"family": "no such family"}'))
    assert main([str(FILES[0].parent / "vit_posemb_utils.npz")]) == 0
    assert "ok    new_4x4_to_6x6  " in capsys.readouterr().out
    assert main([str(unknown)]) == 2
    assert "no such family" in capsys.readouterr().out
