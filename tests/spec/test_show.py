"""What `show` prints loads as the same tree."""

from __future__ import annotations

import tempfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bvc.diagnostics import Origin, Place, Sources
from bvc.spec import Array, Leaf, Node, Spec, Table, load, plain
from bvc.spec.show import show

from .conftest import Loader

FOLDER = Path(tempfile.mkdtemp())
ORIGIN = Origin((Place("f", 0, 1),))
RESERVED = ("use", "with", "for", "doc", "import", "unset", "params", "let", "when")
KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6).filter(
    lambda k: k not in RESERVED and "${" not in k
)
SCALARS = (
    st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("$${}'\"\\\n"), max_size=10)
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.booleans()
    | st.dates(date(1, 1, 1))
    | st.datetimes(datetime(1, 1, 1)).map(lambda value: value.replace(fold=0))
    | st.times(time(0)).map(lambda value: value.replace(fold=0))
)
VALUES = st.recursive(
    SCALARS, lambda v: st.lists(v, max_size=4) | st.dictionaries(KEYS, v, max_size=4), max_leaves=12
)


def node(value: Any) -> Node:
    if isinstance(value, dict):
        return Table({key: node(item) for key, item in value.items()}, ORIGIN, dict.fromkeys(value, ORIGIN))
    if isinstance(value, list):
        return Array(tuple(node(item) for item in value), ORIGIN)
    return Leaf(value, ORIGIN)


def ordered(value: Any) -> Any:
    """With keys sorted, so that two trees compare by their text; NaN is equal to itself there."""
    if isinstance(value, dict):
        return {key: ordered(value[key]) for key in sorted(value)}
    return [ordered(item) for item in value] if isinstance(value, list) else value


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=5), st.booleans())
def test_shown_text_loads_as_the_same_tree(value: dict[str, Any], origin: bool) -> None:
    table = node(value)
    assert isinstance(table, Table)
    spec = Spec("f", table, "", (), {}, Sources(f="x"), ())
    path = FOLDER / "shown.toml"
    path.write_bytes(show(spec, origin).encode())
    assert repr(ordered(plain(load(str(path)).tree))) == repr(ordered(value))


def test_origins_stand_beside_the_leaves(spec: Loader) -> None:
    base = '[m]\nx = 1\ny = "${z}"\np = ["a", "${q}"]\n[let]\nz = 2\nq = ["b"]\n'
    found = spec(
        'use = "base.toml"\n[m]\nx = 3\n["v_${s}"]\nfor = { s = [1] }\nw = "${s}"\n',
        files={"base.toml": base},
    )
    assert found.spec is not None
    assert show(found.spec, origin=True).splitlines() == [
        "[m]",
        "x = 3  # spec.toml:3, over base.toml:2",
        "y = 2  # base.toml:3 <- base.toml:6",
        "p = [  # base.toml:4",
        '  "a",  # base.toml:4',
        '  "b",  # base.toml:4 <- base.toml:7',
        "]",
        "",
        "[v_1]",
        "w = 1  # spec.toml:6 <- spec.toml:5, with s=1",
    ]
