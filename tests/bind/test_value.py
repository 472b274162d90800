"""Nodes as values of annotated types: what is taken, what is refused, with which code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from bvc.bind.found import Found, Invalid
from bvc.bind.value import Reader, Site
from bvc.component.annotation import AtLeast, Bytes, Count, Fraction, InputFile, Interval, NonNegative, Steps
from bvc.component.declare import Setting
from bvc.diagnostics import Origin, Place
from bvc.ir import Duration
from bvc.spec import load
from bvc.spec.tree import Array, Leaf, Node, Table

HERE = Origin((Place("spec.toml", 0, 1),))


@dataclass(frozen=True)
class Point:
    """Where.

    Settings:
        x: to the right
    """

    x: int
    y: float = 0.0


def node(value: Any) -> Node:
    if isinstance(value, dict):
        return Table({key: node(item) for key, item in value.items()}, HERE)
    if isinstance(value, list):
        return Array(tuple(node(item) for item in value), HERE)
    return Leaf(value, HERE)


def read(value: Any, annotation: Any) -> tuple[Any, list[str]]:
    """The value, and the codes of what is wrong."""
    found = Found()
    reader = Reader(found, lambda *_: None)
    result = reader.read(node(value), Site("thing", Setting("size", annotation)))
    codes = [diagnostic.code for diagnostic in found.diagnostics]
    assert isinstance(result, Invalid) == bool(codes)
    return result, codes


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        (3, int, 3),
        (3, float, 3.0),
        (0.5, float, 0.5),
        (True, bool, True),
        ("a", str, "a"),
        (None, Any, None),
        ("gap", Literal["gap", "map"], "gap"),
        (1, Literal[1, 3], 1),
        ([1, 2], list[int], (1, 2)),
        ([1, 2], tuple[int, int], (1, 2)),
        ([1, 2, 3], tuple[int, ...], (1, 2, 3)),
        ([], tuple[int, ...], ()),
        ({"a": 1, "b": 2}, dict[str, int], {"a": 1, "b": 2}),
        (3, int | tuple[int, int], 3),
        ([3, 4], int | tuple[int, int], (3, 4)),
        (3, int | None, 3),
        ({"x": 1}, Point, Point(1)),
        ({"x": 1, "y": 2}, Point, Point(1, 2.0)),
        (1, Count, 1),
        (0, NonNegative, 0.0),
        (1, Fraction, 1.0),
        ("3 steps", Steps, Duration(3, "steps", HERE)),
        ("0 steps", Steps, Duration(0, "steps", HERE)),
        ("1 epoch", Interval, Duration(1, "epochs", HERE)),
        ("1.28M examples", Steps, Duration(1_280_000, "examples", HERE)),
        ("3%", Steps, Duration(3, "%", HERE)),
        ("4 MiB", Bytes, 4 * 2**20),
        ("0.5 kB", Bytes, 500),
        ("a.txt", InputFile, "a.txt"),
        (5, Annotated[int, "a remark of somebody else"], 5),
    ],
)  # fmt: skip
def test_taken(value: Any, annotation: Any, expected: Any) -> None:
    found, codes = read(value, annotation)
    assert codes == []
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "annotation", "code"),
    [
        (3.0, int, "B0110"),
        (True, int, "B0110"),
        (True, float, "B0110"),
        (1, bool, "B0110"),
        (1, str, "B0110"),
        ("1", int, "B0110"),
        (date(2026, 11, 21), str, "B0110"),
        ([1], int, "B0110"),
        ({}, int, "B0110"),
        (1, list[int], "B0110"),
        ([1], tuple[int, int], "B0110"),
        (["a"], list[int], "B0110"),
        ({"a": "b"}, dict[str, int], "B0110"),
        ("a", int | tuple[int, int], "B0110"),
        (["a", 3], int | tuple[int, int], "B0110"),
        (3, Literal["gap", "map"], "B0110"),
        (True, Literal[1, 3], "B0110"),
        (2, Literal[1, 3], "B0111"),
        ("gpa", Literal["gap", "map"], "B0111"),
        (0, Count, "B0112"),
        (-1, Count | tuple[Count, Count], "B0112"),
        ([3, 0], Count | tuple[Count, Count], "B0112"),
        (-0.5, NonNegative, "B0112"),
        (1.5, Fraction, "B0113"),
        (-0.5, Fraction, "B0113"),
        (2**31, int, "B0113"),
        (1e39, float, "B0113"),
        (-(2**31), Annotated[int, AtLeast(0)], "B0113"),
        (float("nan"), float, "B0114"),
        (float("inf"), NonNegative, "B0114"),
        ("1e30 steps", Steps, "B0115"),
        ("1e999 epochs", Steps, "B0115"),
        ("0 epochs", Interval, "B0116"),
        ("0%", Interval, "B0116"),
        (3, Steps, "B0120"),
        ("3", Steps, "B0120"),
        (1.5, Steps, "B0120"),
        (True, Steps, "B0110"),
        ("3 seconds", Steps, "B0121"),
        ("3 mib", Bytes, "B0121"),
        (4, Bytes, "B0120"),
        ("4", Bytes, "B0120"),
        ("1e999 GB", Bytes, "B0114"),
        ("soon", Steps, "B0122"),
        ("-3 steps", Steps, "B0122"),
        ("", Bytes, "B0122"),
        ({"z": 1}, Point, "B0102"),
        ({"y": 1}, Point, "B0101"),
        ({"x": "1"}, Point, "B0110"),
    ],
)  # fmt: skip
def test_refused(value: Any, annotation: Any, code: str) -> None:
    assert read(value, annotation)[1][0] == code


def complaint(value: Any, annotation: Any) -> Any:
    found = Found()
    Reader(found, lambda *_: None).read(node(value), Site("thing", Setting("size", annotation)))
    return found.diagnostics[0]


@pytest.mark.parametrize(
    ("value", "annotation", "help"),
    [
        ("3", int, "remove the quotes: `size = 3`"),
        ("1e-3", float, "remove the quotes: `size = 1e-3`"),
        ("True", bool, "remove the quotes: `size = true`"),
        (3.0, int, "write it as an int: `size = 3`"),
        (3, str, 'put it in quotes: `size = "3"`'),
        ("3x", int, "give an int"),
    ],
)
def test_the_mend_is_the_same_value_of_the_right_type(value: Any, annotation: Any, help: str) -> None:
    assert complaint(value, annotation).help == help


def test_the_first_wrong_item_of_an_array_is_pointed_at(tmp_path: Path) -> None:
    (tmp_path / "spec.toml").write_text('a = [1, "x", 3]\n', encoding="utf-8")
    spec = load(str(tmp_path / "spec.toml"))
    found = Found()
    Reader(found, lambda *_: None).read(spec.tree.items["a"], Site("thing", Setting("a", list[int])))
    (diagnostic,) = found.diagnostics
    assert diagnostic.place is not None
    assert spec.sources.slice(diagnostic.place) == '"x"'
