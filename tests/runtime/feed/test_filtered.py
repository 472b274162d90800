"""Filters: looked at once, stored, continued after an interruption, and looked at again when anything changed."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
import pytest

from bvc.bind.found import Found
from bvc.bind.pipeline import bind_calls
from bvc.bind.value import Reader
from bvc.component.error import DataError
from bvc.component.feature import Feature
from bvc.diagnostics import Origin
from bvc.ir import DataNode, Node
from bvc.runtime.feed import filtered as filters
from bvc.runtime.feed import verdicts
from bvc.runtime.feed.batches import where
from bvc.runtime.feed.filtered import filtered
from tests.pipelines import array


@dataclass
class Labels:
    """Example i has the label i % 5; how often each was read is counted."""

    size: int = 40
    content: str | None = "v1"
    bad: int | None = None
    read: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]:
        number = index.__index__()
        self.read.append(number)
        if number == self.bad:
            raise DataError("a damaged record")
        return {"label": np.asarray(number % 5)}

    def fingerprint(self) -> str | None:
        return self.content

    def describe(self, index: int) -> str:
        return f"number {index}"


def data(*calls: str) -> DataNode:
    found = Found()
    bound = bind_calls(Reader(found, lambda *_: None), array(*calls), "data", "filter")
    assert isinstance(bound, tuple)
    source: Any = Node.__new__(Node)
    return DataNode(source, "train", "ours", {"label": Feature("int64")}, {}, Origin(()), Origin(()), bound)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(filters, "_CHUNK", 7)
    return tmp_path


def numbers(records: Any) -> list[int]:
    return [int(number) for number in records.numbers]


def test_those_that_fulfil_all_conditions_remain() -> None:
    records = Labels()
    found = pickle.loads(pickle.dumps(filtered(data("one_of([1, 3])", "within(2, from='label')"), records)))
    assert numbers(found) == [number for number in range(40) if number % 5 == 3]
    assert found[1]["label"] == 3 and where(found, 1) == "number 8"
    assert filtered(data(), records) is records


def test_it_is_looked_at_once() -> None:
    first, second = Labels(), Labels()
    found = filtered(data("one_of([1])"), first)
    assert sorted(first.read) == list(range(40))
    assert numbers(filtered(data("one_of([1])"), second)) == numbers(found) and not second.read


@pytest.mark.parametrize(
    ("calls", "records"),
    [
        (["one_of([2])"], Labels()),
        (["one_of([1])", "one_of([1, 2])"], Labels()),
        (["one_of([1])"], Labels(content="v2")),
        (["one_of([1])"], Labels(size=41)),
        (["one_of([1])"], Labels(content=None)),
    ],
)
def test_what_depends_on_something_else_is_looked_at_again(calls: list[str], records: Labels) -> None:
    filtered(data("one_of([1])"), Labels())
    records.read.clear()
    filtered(data(*calls), records)
    assert sorted(records.read) == list(range(records.size))


def test_an_interruption_loses_little() -> None:
    broken = Labels(bad=23)
    with pytest.raises(DataError, match=r"a damaged record \(number 23\)"):
        filtered(data("one_of([1])"), broken)
    mended = replace(broken, bad=None, read=[])
    assert numbers(filtered(data("one_of([1])"), mended)) == list(range(1, 40, 5))
    assert mended.read == list(range(23, 40))


@pytest.mark.parametrize("damage", [b"\2", b"\0", b""])
def test_a_damaged_index_is_made_anew(cache: Path, damage: bytes) -> None:
    filtered(data("one_of([1])"), Labels())
    (file,) = cache.rglob("*.verdicts")
    whole = file.read_bytes()
    file.write_bytes(whole[:10] + damage + whole[11:] if damage else whole[:10])
    records = Labels()
    assert numbers(filtered(data("one_of([1])"), records)) == list(range(1, 40, 5))
    assert len(records.read) == (40 if damage else 30)
    assert file.read_bytes() == whole


def test_nothing_that_remains_is_an_error() -> None:
    with pytest.raises(DataError, match="none of the 40 examples of `train` passes"):
        filtered(data("one_of([9])"), Labels())


def test_a_home_that_cannot_be_written_costs_only_time(cache: Path) -> None:
    (cache / "bvc").write_text("a file")
    assert verdicts.folder().parent.is_file()
    assert numbers(filtered(data("one_of([1])"), Labels())) == list(range(1, 40, 5))
