"""Folders that TFDS prepared as Parquet; pyarrow, which TFDS needs, writes them here."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from bvc.component import DataError
from bvc.library.sources.tfds import Tfds
from tests.library.sources.parquet_folder import FIXTURE, write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path)
    return tmp_path


def test_the_same_examples_as_in_other_formats(root: Path) -> None:
    theirs = Tfds(name="tiny").open("train[1:]+test", str(FIXTURE))
    assert Tfds(name="tiny").missing("train", str(root)) is None
    ours = pickle.loads(pickle.dumps(Tfds(name="tiny").open("train[1:]+test", str(root))))
    assert len(ours) == len(theirs) == 7
    for i in (6, 0, 3, 4, 1, 2, 5):
        a, b = ours[i], theirs[i]
        assert a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_damaged_files_are_told(root: Path) -> None:
    first = min((root / "tiny/1.0.0").glob("*train*"))
    first.write_bytes(first.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"record 0 of split `train`|damaged"):
        _ = Tfds(name="tiny").open("train", str(root))[0]
    pyarrow.parquet.write_table(pyarrow.table({"a": [b""], "b": [b""]}), first)
    with pytest.raises(DataError, match="2 columns where TFDS writes one"):
        _ = Tfds(name="tiny").open("train", str(root))[0]
