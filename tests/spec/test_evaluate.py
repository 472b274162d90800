"""Expressions: what they are worth, and what is said where they are wrong."""

from __future__ import annotations

import pytest

from .conftest import Loader

HEAD = """
[params]
n = 7
x = 0.5
name = "vit"
yes = true
sizes = [8, 16]
[let.row]
key = 3
"B/16" = 4
[leaf]
v = 9
[m]
"""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3 ** 2", 19),
        ("-2 ** 2", -4),
        ("2 ** -1", 0.5),
        ("2 ** 3 ** 2", 512),
        ("n // 2 - n % 4", 0),
        ("(n + 1) / 2", 4.0),
        ("5_000", 5000),
        ("1e-3", 1e-3),
        ("min(n, 3, x)", 0.5),
        ("max(int(0.03 * 5_000), 100)", 150),
        ("round(2.567, 1)", 2.6),
        ("'a' if name == 'vit' else 'b'", "a"),
        ("1 if n < 3 else 2 if yes else 3", 2),
        ("not yes or n >= 7 and x != 1", True),
        ("not not yes", True),
        ("n in sizes", False),
        ("16 in sizes", True),
        ("'key' in row", True),
        ("'it' in name", True),
        ("n not in sizes", True),
        ("row.gone ?? 'other'", "other"),
        ("gone ?? row.gone ?? n", 7),
        ("row['B/16']", 4),
        ("row.key + .leaf.v", 12),
        ("sizes[n - 6]", 16),
        ("yes and true", True),
        ('\\"a\'b\\"', "a'b"),
    ],
)
def test_values(spec: Loader, text: str, value: object) -> None:
    found = spec(f'{HEAD}v = "${{{text}}}"\n').tree["m"]["v"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "code", "caret"),
    [
        ("", "B0150", "${"),
        ("n +", "B0150", "+"),
        ("(n", "B0150", "("),
        ("n n", "B0150", "n"),
        ("n = 3", "B0150", "="),
        ("1 < n < 3", "B0150", "1 < n <"),
        ("n if yes", "B0150", "n if yes"),
        ("len(name)", "B0150", "len"),
        ("12x", "B0150", "12x"),
        ("'a", "B0150", "'"),
        ("a ; b", "B0150", ";"),
        ("nn", "B0151", "nn"),
        ("True", "B0151", "True"),
        ("name + 1", "B0157", "name + 1"),
        ("-name", "B0157", "-name"),
        ("n == name", "B0157", "n == name"),
        ("n and yes", "B0157", "n"),
        ("sizes + 1", "B0157", "sizes"),
        ("1 in n", "B0157", "n"),
        ("int(1, 2)", "B0157", "int(1, 2)"),
        ("min(1)", "B0157", "min(1)"),
        ("yes * 2", "B0157", "yes * 2"),
        ("n % 0", "B0158", "n % 0"),
        ("0 ** -1", "B0158", "0 ** -1"),
        ("(0 - 8) ** 0.5", "B0158", "(0 - 8) ** 0.5"),
        ("2 ** 63", "B0159", "2 ** 63"),
        ("9 ** 9 ** 9", "B0159", "9 ** 9 ** 9"),
        ("1e308 * 10", "B0159", "1e308 * 10"),
        ("10.0 ** 400", "B0159", "10.0 ** 400"),
        ("row.gone", "B0202", "gone"),
        ("row['B/17']", "B0202", "'B/17'"),
        ("sizes[2]", "B0202", "2"),
        ("sizes[name]", "B0202", "name"),
        ("n.key", "B0202", "key"),
        (".leaf.w", "B0202", "w"),
        ("n:q", "B0160", ":q"),
        ("name:02d", "B0160", "${name:02d}"),
        ("(" * 40 + "1" + ")" * 40, "B0161", "("),
        ("1" + "+1" * 300, "B0161", None),
    ],
)
def test_mistakes(spec: Loader, text: str, code: str, caret: str | None) -> None:
    found = spec(f'{HEAD}v = "${{{text}}}"\n')
    assert found.codes == [code]
    if caret is not None:
        assert found.carets[0].startswith(caret)
        assert caret == found.carets[0] or not caret[-1].isalnum()


def test_text_keeps_the_written_form(spec: Loader) -> None:
    text = '[params]\nx = 1e-5\nl = [1, "a"]\n[m]\nv = "${x}|${true}|${l}|${2.0}|${7:03d}|${0.5:.2f}"\n'
    assert spec(text).tree == {"m": {"v": '1e-05|true|[1, "a"]|2.0|007|0.50'}}


def test_a_path_reads_what_was_laid_over_it(spec: Loader) -> None:
    found = spec('[m]\nx = 1\ny = "${.m.x * 10}"\n', "", [("m.x", "4")])
    assert found.tree == {"m": {"x": 4, "y": 40}}


def test_places_inside_escaped_strings(spec: Loader) -> None:
    found = spec('[m]\nv = "\\u00e9\\t${oops}"\nw = """\nline\n${oops2} """\n')
    assert found.carets == ["oops", "oops2"]
