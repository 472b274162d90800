"""TOML texts of every spelling, for property tests."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

LETTERS = st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\"'\\$#{}[]=,.\t")
TEXTS = st.text(LETTERS, max_size=12)
BARE = st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True)
BLANKS = st.sampled_from(["", " ", "\t", "  "])


def basic(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f").replace("\\t", "\t")


def escaped(text: str) -> str:
    return '"' + "".join(f"\\U{ord(c):08x}" if ord(c) > 0x7E else basic(c)[1:-1] for c in text) + '"'


def multiline(text: str) -> str:
    return '"""\n' + basic(text)[1:-1].replace("\\n", "\n") + '\\\n   \t"""'


@st.composite
def strings(draw: st.DrawFn) -> str:
    text = draw(TEXTS)
    spellings = [basic(text), escaped(text), multiline(text)]
    if "'" not in text:
        spellings += [f"'{text}'", f"'''{text}'''", f"'''\n{text}''''"]
    if "\\" not in text and '"' not in text:
        spellings += [f'"""{text}"""', f'"""{text}"""""']
    return draw(st.sampled_from(spellings))


KEYS = BARE | TEXTS.map(basic) | TEXTS.filter(lambda text: "'" not in text).map(lambda text: f"'{text}'")
NUMBERS = st.sampled_from(
    [
        "0",
        "-1",
        "+7",
        "1_000",
        "0xdead_beef",
        "0o755",
        "0b1101",
        "3.0",
        "-0.5",
        "6.02_2e+23",
        "1e-3",
        "inf",
        "-nan",
    ]
)
DATES = st.sampled_from(
    [
        date(2026, 11, 21).isoformat(),
        datetime(2026, 11, 21, 8, 30).isoformat(),
        datetime(2026, 11, 21, 8, 30, 1, 500000, timezone(timedelta(hours=-7))).isoformat(),
        "2026-11-21 08:30:00Z",
        time(8, 30, 59).isoformat(),
    ]
)
SCALARS = strings() | NUMBERS | DATES | st.sampled_from(["true", "false"])
GAPS = st.sampled_from(["", " ", "\n", "\n  ", " # a, ] comment\n", "\t"])


@st.composite
def arrays(draw: st.DrawFn, values: st.SearchStrategy[str]) -> str:
    items = draw(st.lists(values, max_size=3))
    text = "[" + draw(GAPS)
    for index, item in enumerate(items):
        comma = "," if index < len(items) - 1 or draw(st.booleans()) else ""
        text += item + draw(GAPS) + comma + draw(GAPS)
    return text + "]"


@st.composite
def inline_tables(draw: st.DrawFn, values: st.SearchStrategy[str]) -> str:
    names = draw(st.lists(BARE, max_size=3, unique=True))
    space = draw(BLANKS)
    pairs = (f"{space}{name}{space}={space}{draw(values)}{space}" for name in names)
    return "{" + ",".join(pairs) + "}"


VALUES = st.recursive(SCALARS, lambda values: arrays(values) | inline_tables(values), max_leaves=6)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Texts that are nearly always valid TOML; those that are not are for the reader to assume away."""
    lines: list[str] = []
    for _ in range(draw(st.integers(0, 4))):
        lines.append(draw(pairs()))
    for _ in range(draw(st.integers(0, 3))):
        space = draw(BLANKS)
        path = f"{space}.{space}".join(draw(st.lists(KEYS, min_size=1, max_size=3)))
        lines.append(
            draw(st.sampled_from([f"[{space}{path}{space}]", f"[[{path}]]", f"  [{path}] # header"]))
        )
        for _ in range(draw(st.integers(0, 3))):
            lines.append(draw(pairs()))
    return draw(st.sampled_from(["\n", "\r\n"])).join([*lines, draw(st.sampled_from(["", "# end"]))])


@st.composite
def pairs(draw: st.DrawFn) -> str:
    key = ".".join(draw(st.lists(KEYS, min_size=1, max_size=2)))
    space = draw(BLANKS)
    comment = draw(st.sampled_from(["", " # [not] a = header", "#"]))
    return f"{space}{key}{space}={space}{draw(VALUES)}{comment}"


def same(left: Any, right: Any) -> bool:
    """Equality that takes NaN for equal to itself and tells 1 from 1.0 and true."""
    return repr(left) == repr(right)
