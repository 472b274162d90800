"""Files that are no specs, and TOML's own traps, each with a message of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from bvc.diagnostics import Failed, Sources
from bvc.spec import load
from bvc.spec.read import MOST_BYTES

from .conftest import Loader


def read(data: bytes, path: Path) -> tuple[list[str], list[str]]:
    """Codes and messages."""
    path.write_bytes(data)
    try:
        load(str(path))
    except Failed as failed:
        return [d.code for d in failed.diagnostics], [d.message for d in failed.diagnostics]
    return [], []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "B0004"),
        (b"\xef\xbb\xbf# only a comment\r\n", "B0004"),
        (b"\xff\xfea\x00", "B0003"),
        (b"\x89PNG\r\n\x1a\n\x00", "B0003"),
        (b"a = '\xe9'\n", "B0003"),
        (b"a = 1\n" + b"#" * MOST_BYTES, "B0005"),
        (b"a = " + b"[" * 1000 + b"]" * 1000, "B0006"),
        (b"a = " + b"{a=" * 1000 + b"1" + b"}" * 1000, "B0006"),
        (b"[" + b"a." * 1000 + b"a]\n", "B0006"),
        (b"a." * 1000 + b"a = 1\n", "B0006"),
        (b"a = [" + b"{a.b.c.d.e.f = [" * 8 + b"]}" * 8 + b"]", "B0006"),
        (b"a = " + b"9" * 5000, "B0009"),
        (b"a = 9223372036854775808\nb = -9223372036854775809", "B0009"),
        (b"a = 0x" + b"f" * 5000, "B0009"),
        (b"a = '\x00'", "B0001"),
        (b"a = 1\x0cb = 2", "B0001"),
    ],
    ids=range(16),
)
def test_no_spec(data: bytes, code: str, tmp_path: Path) -> None:
    codes, _ = read(data, tmp_path / "a.toml")
    assert set(codes) == {code}


def test_marks_and_line_ends_of_other_systems(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes("\ufeffa = 1\r\nb = '''x\r\ny'''\r\n".encode())
    sources = Sources()
    spec = load(str(path), sources=sources)
    assert spec.tree.items["b"].value == "x\ny"  # type: ignore[union-attr]
    assert sources.position(spec.tree.items["b"].origin.places[0]) == (2, 5)


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    for name in ("gone.toml", ".", "a\x00b"):
        with pytest.raises(Failed) as caught:
            load(str(tmp_path / name))
        assert [d.code for d in caught.value.diagnostics] == ["B0010"]


@pytest.mark.parametrize(
    ("text", "code", "caret", "word"),
    [
        ("a = 1\na = 2\n", "B0002", "a", "twice"),
        ("[a]\n[b]\n[a]\n", "B0002", "[a]", "twice"),
        ('[t]\n"x y" = 1\nb = 2\n"x y" = 3\n', "B0002", '"x y"', "twice"),
        ("a = { x = 1 }\n[a.b]\n", "B0002", "[a.b]", "twice"),
        ("a = {x=1, x=2}\n", "B0002", "x", "twice"),
        ("a.b = 1\na.b.c = 2\n", "B0002", "a.b.c", "twice"),
        ('a = """\n[no header\n"""\nb = 1\nb = 2\n', "B0002", "b", "twice"),
        ('[x."]"]\nb = 1\nb = 2\n', "B0002", "b", "twice"),
        ("a = True\n", "B0007", "True", "`True`"),
        ("a = None\n", "B0007", "None", "`None`"),
        ("a = [1, null]\n", "B0007", "null", "`null`"),
        ("a = vit\n", "B0007", "vit", "`vit`"),
        ("a = ${x}\n", "B0007", "${x", "${x"),
        ("a = {\n x = 1 }\n", "B0008", "{", "line break"),
        ("a = { x = 1,\n y = 2 }\n", "B0008", "{", "line break"),
        ("a = { x = 1, }\n", "B0008", ",", "comma"),
        ("a = { x = 1, # c\n }\n", "B0008", "#", "comment"),
        ("a = [1 2]\n", "B0001", "[", "not closed"),
        ("a = [1, 2\n[b]\n", "B0001", "[", "not closed"),
        ('a = "x\n', "B0001", '"', "quotes"),
        ("b = 1\na = 'x\n", "B0001", "'", "quotes"),
        ('a = """x\n', "B0001", '"', "quotes"),
        ("a = '''x\n", "B0001", "'", "quotes"),
        ('a = "x \\', "B0001", '"', "quotes"),
        ('a = "\\d"\n', "B0001", "\\d", "backslash"),
        ("a = \n", "B0001", "\n", "missing"),
        ("a\n", "B0001", "\n", "`=`"),
        ("a = 1 b = 2\n", "B0001", "b", "follows"),
        ("[a\n", "B0001", "\n", "header"),
        ("= 3\n", "B0001", "=", "key is missing"),
        ("é = 1\n", "B0001", "é", "cannot begin"),
        ("a = 1979-13-01\n", "B0001", None, ""),
    ],
)
def test_traps(spec: Loader, text: str, code: str, caret: str | None, word: str) -> None:
    found = spec(text)
    assert found.codes == [code]
    assert word in found.wrong[0].message
    if caret is not None:
        assert found.carets == [caret]


def test_the_first_declaration_is_shown(spec: Loader) -> None:
    found = spec("[a]\nx = 1\n[b]\ny = 1\n[b.c]\n[a]\n")
    (label,) = found.wrong[0].labels
    assert found.sources.slice(label.place) == "[a]"
    found = spec("[t]\nk = 1\nl = 2\nk = 3\n")
    (label,) = found.wrong[0].labels
    assert found.sources.position(label.place) == (2, 1)


def test_a_number_with_a_unit_stands_in_quotes(spec: Loader) -> None:
    for text in ("a = 224px\n", "x = 1\na = 5 %\n", "a = 1_000 steps"):
        help = spec(text).wrong[0].help
        assert help is not None
        assert "with a unit is a text" in help


def test_root_keys_below_a_header(spec: Loader) -> None:
    found = spec('[m]\nx = 1\nunset = ["m.x"]\n[n]\nimport = []\n')
    assert (found.codes, found.carets) == (["B0219", "B0219"], ["unset", "import"])
