"""Whatever a person does to a good spec, `check` tells it in diagnostics: it never raises, and never says B99."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bvc.bind import bind
from bvc.check import Checked, check
from bvc.diagnostics import Diagnostic, Failed, pages, render
from bvc.spec import load

ROOT = Path(__file__).parent.parent.parent
SPECS = {
    "classifier": (pages.FOLDER / pages.BASE, ""),
    "towers": (ROOT / "tests/plan/two_towers.toml", ""),
    "local": (ROOT / "specs/siglip_coco.toml", "local"),
    "siglip": (ROOT / "specs/siglip_coco.toml", ""),
}
TEXTS = {name: path.read_text(encoding="utf-8") for name, (path, _) in SPECS.items()}
TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
VALUE = re.compile(r"(?<== )(\"[^\"\n]*\"|\[[^\[\]{}\n]*\]|\{[^{}\n]*\}|[-+\w.:]+)")
KEY = re.compile(r"(?:^|[{,] *)([a-z_]+) *=(?!=)", re.MULTILINE)
OTHERS = (
    "0", "-1", "1", "3", "17", "2147483647", "2147483648", "1.5", "-0.5", "1e308", "nan", "inf", "true",
    "false", "2026-11-21", "07:32:00", '""', '"x"', '"vit"', '"adam"', '"3%"', '"0 steps"', '"7 steps"',
    '"1e30 epochs"', '"10 examples"', '"4 MiB"', '"${.run.length}"', '".*"', '"("', '"rest"', '"gap"',
    '"none"', '"test[:5]"', '"batch.image"', "[]", "[1]", "[1, 2]", "[8, 8]", "[0, 0]", '["decode"]',
    '["decode", "resize(16)"]', '[["a"]]', "[{}]", '[{ match = ".*" }]', "{}", "{ type = 3 }",
    '{ type = "vit" }', '{ name = "cifar10", split = "test" }', "{ a = { b = 1 } }",
    '{ logits = "model.logits" }', '{ dim = 1, axis = "data" }',
)  # fmt: skip


def checked(text: str, params: str, folder: Path) -> Checked:
    """Checks the text as a file; what must hold of every check does."""
    path = folder / "edited.toml"
    path.write_text(text, encoding="utf-8")
    found = check(str(path), params)
    assert found.ok == all(d.severity != "error" for d in found.diagnostics)
    assert found.ok == (found.step is not None)
    for diagnostic in found.diagnostics:
        assert not diagnostic.code.startswith("B99")
        assert diagnostic.code in pages.codes()
        assert diagnostic.help or diagnostic.code < "B0100" or "B0150" <= diagnostic.code < "B0300"
        if diagnostic.place is not None:
            source = found.sources[diagnostic.place.file]
            assert 0 <= diagnostic.place.start <= diagnostic.place.end <= len(source)
    assert len(render(found.diagnostics, found.sources, "short").splitlines()) == len(found.diagnostics)
    assert len(set(found.diagnostics)) == len(found.diagnostics)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("edits")


@st.composite
def edits(draw: st.DrawFn, names: tuple[str, ...]) -> tuple[str, str]:
    """A spec with a few values, lines, tokens or characters changed, and its params."""
    name = draw(st.sampled_from(names))
    text, params = TEXTS[name], SPECS[name][1]
    for _ in range(draw(st.integers(1, 2))):
        kind = draw(
            st.sampled_from(
                ["value", "value", "value", "swap", "delete line", "copy line", "token", "character"]
            )
        )
        if kind in ("value", "swap"):
            places = [match.span() for match in VALUE.finditer(text)]
            start, end = draw(st.sampled_from(places))
            low, high = draw(st.sampled_from(places))
            other = draw(st.sampled_from(OTHERS)) if kind == "value" else text[low:high]
            text = text[:start] + other + text[end:]
        elif kind.endswith("line"):
            lines = text.split("\n")
            at = draw(st.integers(0, len(lines) - 1))
            to = draw(st.integers(0, len(lines) - 1))
            lines = (
                lines[:at] + lines[at + 1 :]
                if kind == "delete line"
                else [*lines[:to], lines[at], *lines[to:]]
            )
            text = "\n".join(lines)
        elif kind == "token":
            words = TOKEN.findall(text)
            at, of = draw(st.integers(0, len(words) - 1)), draw(st.integers(0, len(words) - 1))
            text = "".join([*words[:at], words[of], *words[at + 1 :]])
        else:
            at = draw(st.integers(0, len(text) - 1))
            text = text[:at] + draw(st.sampled_from("abz019_-.\"'[]{}()$#=,\n *:/é")) + text[at + 1 :]
        if not VALUE.search(text):
            break
    return text, params


@settings(max_examples=25, deadline=None, derandomize=True)
@given(edits(("classifier", "classifier", "towers")))
def test_edited_specs_are_told_in_diagnostics(folder: Path, edited: tuple[str, str]) -> None:
    checked(*edited, folder)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True)
@given(edits(("classifier", "classifier", "towers", "local", "siglip")))
def test_many_edited_specs_are_told_in_diagnostics(folder: Path, edited: tuple[str, str]) -> None:
    checked(*edited, folder)


@pytest.mark.parametrize("name", SPECS)
def test_good_specs_are_good(name: str, folder: Path) -> None:
    assert checked(TEXTS[name], SPECS[name][1], folder).diagnostics == []


def mistyped(key: str) -> list[str]:
    """The key with a letter lost, doubled, or swapped with the next."""
    at = len(key) // 2
    return [
        key[:at] + key[at + 1 :],
        key[:at] + key[at] + key[at:],
        key[: at - 1] + key[at] + key[at - 1] + key[at + 1 :],
    ]


def bound(text: str, params: str, folder: Path) -> list[Diagnostic] | None:
    """What is wrong with names and types; None if the text stage already stops."""
    path = folder / "mistyped.toml"
    path.write_text(text, encoding="utf-8")
    try:
        spec = load(str(path), params)
    except Failed:
        return None
    try:
        bind(spec)
    except Failed as failure:
        return list(failure.diagnostics)
    return []


FREE = {"data", "fsdp", "shapes"}
"""Names that the author of a spec makes up: of axes, of evaluations."""


@pytest.mark.parametrize("name", ["classifier", "towers"])
def test_a_mistyped_key_is_told_once(name: str, folder: Path) -> None:
    text, params = TEXTS[name], SPECS[name][1]
    count = 0
    for match in KEY.finditer(text):
        key = match[1]
        for typo in {*mistyped(key)} - {key}:
            found = bound(text[: match.start(1)] + typo + text[match.end(1) :], params, folder)
            if not found and (found is None or key in FREE or _unread(text, match.start())):
                continue
            assert found is not None
            assert len(found) == 1, (key, typo, [d.message for d in found])
            assert found[0].code in ("B0102", "B0105")
            assert f"`{typo}`" in found[0].message
            assert found[0].help is not None and (f"did you mean `{key}`" in found[0].help or len(key) < 4)
            count += 1
    assert count > 20


def _unread(text: str, at: int) -> bool:
    """Whether a place lies in a table that only the language reads."""
    headers = re.findall(r"^\[+([\w.]+)\]+", text[: at + 1], re.MULTILINE)
    return bool(headers) and headers[-1].split(".")[0] in ("params", "let", "when")
