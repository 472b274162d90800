"""Raw examples are held to the features that were declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, SupportsIndex

import numpy as np
import pytest

from bvc.component.error import DataError
from bvc.component.feature import Feature, Features
from bvc.runtime.feed.declared import Declared


@dataclass(frozen=True)
class One:
    """The same example at every index."""

    example: dict[str, Any]
    features: Features | None = None

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]:
        return self.example

    def describe(self, index: int) -> str:
        return f"record {index} of data.tar"

    def only(self, names: frozenset[str]) -> One:
        features = (
            {name: self.features[name] for name in names & self.features.keys()} if self.features else None
        )
        return One({name: value for name, value in self.example.items() if name in names}, features)


@pytest.mark.parametrize(
    ("feature", "value", "told"),
    [
        ("i64", np.asarray(3), None),
        ("f32", np.asarray(3), None),
        ("i64[n]", [], None),
        ("str[n]", [], None),
        ("f32[n 4]", np.zeros((2, 4), np.float32), None),
        ("i64", np.asarray(3.0), "type f64, declared is i64"),
        ("i32", np.asarray(3), "type i64, declared is i32"),
        ("f32[n 4]", np.zeros((2, 5), np.float32), r"type f32\[2 5\], declared is f32\[n 4\]"),
        ("str", "a text", None),
        ("str", ["a"], r"type str\[1\], declared is str"),
        ("str[n]", "a text", r"type str, declared is str\[n\]"),
        ("bytes", "a text", "type str, declared is bytes"),
        ("i64", None, "type NoneType, declared is i64"),
    ],
)
def test_a_value_is_of_its_type_or_its_record_is_named(feature: str, value: Any, told: str | None) -> None:
    records = Declared(One({"x": value}), {"x": Feature.parse(feature)})
    if told is None:
        assert records[0].keys() == {"x"}
        return
    with pytest.raises(DataError, match=rf"feature `x` of {told} \(record 0 of data.tar\)"):
        _ = records[0]


def test_an_example_without_a_feature_is_named() -> None:
    records = Declared(One({"image": b""}), {"captions": Feature("str", ("n",))})
    with pytest.raises(
        DataError, match=r"without feature `captions`: it holds image \(record 0 of data.tar\)"
    ):
        _ = records[0]


def test_data_that_declares_something_else_is_told_before_it_is_read() -> None:
    held = {"label": Feature("int32"), "box": Feature("float32", ("m", 4))}
    records = Declared(
        One({}, held),
        {"label": Feature("int64"), "box": Feature("float32", ("n", 4)), "id": Feature("int64")},
    )
    assert set(records.only(frozenset(["box"])).features) == {"box"}
    with pytest.raises(DataError, match="features changed: feature `label` is i32, declared is i64"):
        records.only(frozenset(["label"]))
    with pytest.raises(DataError, match="features changed: feature `id` is not there"):
        records.only(frozenset(["id"]))
