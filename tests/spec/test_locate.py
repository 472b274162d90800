"""Every span that the locator gives, read again by tomllib, gives the same key or value."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings

from bvc.spec.locate import Path as KeyPath
from bvc.spec.locate import locate
from bvc.spec.text import decode

from .toml_texts import documents, same

ROOT = Path(__file__).parent.parent.parent
CORPUS = [*sorted((ROOT / "tests" / "drafts").rglob("*.toml")), *sorted((ROOT / "stdlib").rglob("*.toml"))]


def at(values: Any, path: KeyPath) -> Any:
    for part in path:
        values = values[part]
    return values


def paths(value: Any, path: KeyPath = ()) -> list[KeyPath]:
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [path, *(below for key, child in children for below in paths(child, (*path, key)))]


def check(text: str) -> tuple[int, int]:
    """How many keys and values were re-read."""
    values = tomllib.loads(text)
    spans = locate(text)
    assert set(spans.values) == set(paths(values)) - {()}
    for path, (start, end) in spans.keys.items():
        assert same(tomllib.loads(f"{text[start:end]} = 0"), {path[-1]: 0})
    for path, (start, end) in spans.values.items():
        value, piece = at(values, path), text[start:end]
        assert piece == piece.strip(" \t")
        if isinstance(value, (dict, list)) and piece.startswith("[") and header(text, start, spans.values):
            assert list(tomllib.loads(piece)), "a header names a table"
        elif isinstance(value, dict) and not piece.startswith("{"):
            assert spans.keys[path] == (start, end), "a dotted key stands for the table it makes"
        else:
            assert same(tomllib.loads(f"x = {piece}")["x"], value)
        if isinstance(value, str):
            read = decode(text, "f", start, end)
            assert read.value == value
            assert len(read.offsets) == len(value) + 1
            assert list(read.offsets) == sorted(read.offsets)
    return len(spans.keys), len(spans.values)


def header(text: str, start: int, spans: dict[KeyPath, tuple[int, int]]) -> bool:
    inside = any(first < start < last for first, last in spans.values())
    return not inside and not text[text.rfind("\n", 0, start) + 1 : start].strip()


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_corpus(path: Path) -> None:
    keys, values = check(path.read_text(encoding="utf-8"))
    assert keys and values


@settings(max_examples=100, deadline=None)
@given(documents())
def test_generated_texts(text: str) -> None:
    text = text.replace("\r\n", "\n")
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assume(False)
    check(text)


def test_a_character_of_an_escaped_string_points_to_its_escape() -> None:
    source = 'a = "x\\u00e9\\ny"'
    text = decode(source, "f", 4, len(source))
    assert text.value == "xé\ny"
    assert [source[text.place(i, i + 1).start : text.place(i, i + 1).end] for i in range(4)] == [
        "x",
        "\\u00e9",
        "\\n",
        "y",
    ]
    assert text.runs(0, 4) == [(0, 1), (1, 2), (2, 3), (3, 4)]


def test_a_header_and_a_dotted_key_share_a_table() -> None:
    text = "a.b = 1\n[[c.d]]\ne = 2\n[[c.d]]\n[c.d.f]\n"
    spans = locate(text)
    assert text[slice(*spans.values["a",])] == "a"
    assert text[slice(*spans.values["c", "d", 1])] == "[[c.d]]"
    assert spans.values["c", "d", 1][0] > spans.values["c", "d", 0][0]
    assert text[slice(*spans.values["c", "d", 1, "f"])] == "[c.d.f]"
