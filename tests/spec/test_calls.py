"""Op calls: their values, the places of their arguments, and their mistakes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bvc.diagnostics import Failed, Origin, Place
from bvc.spec import Leaf, Part, parse_call
from bvc.spec.formatting import call_literal

from .conftest import Loader


def leaf(text: str) -> Leaf:
    place = Place("f", 1, 1 + len(text))
    return Leaf(text, Origin((Place("f", 0, len(text) + 2),)), (Part(text, place),) if text else ())


@pytest.mark.parametrize(
    ("text", "args", "keywords"),
    [
        ("decode", [], {}),
        (" decode ", [], {}),
        ("f()", [], {}),
        ("f(-1, 1_000, 2.5e-3, true)", [-1, 1000, 2.5e-3, True], {}),
        ("f('a', \"b\", key='c')", ["a", "b"], {"key": "c"}),
        ("f([1, ['a']], size={h=1, w=[2]})", [[1, ["a"]]], {"size": {"h": 1, "w": [2]}}),
        (r"f('it\'s', 'a\\b\d')", ["it's", r"a\b\d"], {}),
        ("f( a = 1 , b = 2 )", [], {"a": 1, "b": 2}),
        ("f([])", [[]], {}),
    ],
)
def test_values(text: str, args: list[object], keywords: dict[str, object]) -> None:
    call = parse_call(leaf(text))
    assert call.name == text.strip().partition("(")[0]
    assert [arg.value for arg in call.args] == args
    assert {key: arg.value for key, arg in call.keywords.items()} == keywords


@pytest.mark.parametrize(
    ("text", "code", "start", "end"),
    [
        ("", "B0011", 0, 0),
        ("3", "B0011", 0, 1),
        ("f(", "B0011", 1, 2),
        ("f(1", "B0011", 1, 2),
        ("f(1 2)", "B0011", 4, 5),
        ("f(1,)", "B0011", 3, 4),
        ("f(a)", "B0011", 2, 3),
        ("f(True)", "B0011", 2, 6),
        ("f(g(1))", "B0011", 2, 3),
        ("f('a)", "B0011", 2, 3),
        ("f(1))", "B0011", 4, 5),
        ("f|g", "B0011", 1, 2),
        ("f(1.2.3)", "B0011", 2, 6),
        ("f(99999999999999999999)", "B0011", 2, 22),
        ("f({1})", "B0011", 3, 4),
        ("f(" + "[" * 20, "B0011", 10, 11),
        ("f(a=1, a=2)", "B0012", 7, 8),
        ("f(a=1, 2)", "B0012", 7, 8),
    ],
)
def test_mistakes(text: str, code: str, start: int, end: int) -> None:
    with pytest.raises(Failed) as caught:
        parse_call(leaf(text))
    (wrong,) = caught.value.diagnostics
    assert wrong.code == code
    assert wrong.place is not None
    if text:
        assert (wrong.place.start - 1, wrong.place.end - 1) == (start, end)


def test_arguments_point_inside_the_quotes(spec: Loader) -> None:
    text = "[params]\nn = 5\nk = 'lab'\n[let]\npp = [\"onehot(${n}, key='${k}el', to=${k})\"]\n[m]\np = [\"${pp}\"]\n"
    found = spec(text)
    call = parse_call(found.leaf("m", "p", 0))

    def chain(origin: Origin) -> list[str]:
        return [found.sources.slice(place) for place in origin.places]

    assert call.args[0].value == 5
    assert chain(call.args[0].origin) == ["n", "5"]
    assert call.keywords["key"].value == "label"
    assert chain(call.keywords["key"].origin) == ["'${k}el'"]
    assert call.keywords["to"].value == "lab"
    assert chain(call.keywords["to"].origin) == ["k", "'lab'"]
    assert found.sources.slice(call.keyword_places["to"]) == "to"
    assert found.sources.slice(call.name_place) == "onehot"
    assert [found.sources.slice(place) for place in call.args[0].origin.via] == ['"${pp}"']


def test_a_call_of_the_standard_library_is_mended_where_it_is_used() -> None:
    here, there = Place("spec.toml", 5, 9), Place("std:let/augreg.toml", 1, 7)
    text = Leaf("resise", Origin((here, Place(there.file, 0, 8))), (Part("resise", there),))
    call = parse_call(text)
    assert call.name_place == there
    assert call.origin.mend == here


SCALARS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
NAMES = st.from_regex(r"[a-z_]{1,4}", fullmatch=True)
VALUES = st.recursive(
    SCALARS | st.text(max_size=8),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(NAMES, values, max_size=2),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(VALUES)
def test_literals_are_read_again(value: object) -> None:
    text = f"f({call_literal(value)})"
    found = parse_call(leaf(text)).args[0].value
    assert repr(found) == repr(value)
