"""Random edits of good specs: the result loads, or fails with diagnostics that can be shown. Nothing else."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bvc.diagnostics import Failed, Sources, render
from bvc.spec import Array, Leaf, Node, Table, load, parse_call, plain
from bvc.spec.show import show

ROOT = Path(__file__).parent.parent
DRAFTS = ROOT / "drafts"
FOLDER = Path(tempfile.mkdtemp())
GOOD = {
    name: (DRAFTS / f"{name}.toml").read_text(encoding="utf-8")
    for name in (
        "vit_i1k",
        "siglip_coco",
        "givt_imagenet2012",
        "transfer",
        "uvim_coco_panoptic",
        "cappa_pretrain",
    )
}
PIECES = (
    *"} [ ] [[ { = , . .. \" ' # \\ é 字 use with for if".split(),
    *"unset let params when true None ** // ?? std: not in - ( ) 0".split(),
    *"${ $${ nan 1e999 2026-11-21 * a.b .data ${res} ${.model} min( \x7f \ud7ff".split(" "),
    *('"""', "\n", "\t", " if ", " else ", "[let]\n", "[params]\n", "[[when]]\n", "9" * 30),
    *("with = {}\n", "for = {}\n", 'use = "std:model/vit"\n'),
)
TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


@pytest.fixture(autouse=True, scope="module")
def draft_library() -> None:
    for path in DRAFTS.rglob("*.toml"):
        target = FOLDER / path.relative_to(DRAFTS)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())


def outcome(text: str, params: str = "", sets: tuple[tuple[str, str], ...] = ()) -> tuple[object, object]:
    """What is read of a spec as it is shown, and of itself; of one that is refused, the errors told, and there.

    Whatever happens is told in diagnostics, which have places and texts.
    """
    path = FOLDER / "edited.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    sources = Sources()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bvc.spec.files.stdlib_root", lambda: FOLDER / "stdlib")
        try:
            spec = load(str(path), params, sets, sources=sources)
        except Failed as failed:
            assert failed.diagnostics
            assert all(d.code.startswith(("B00", "B01", "B02")) for d in failed.diagnostics)
            assert len(set(failed.diagnostics)) == len(failed.diagnostics)
            for d in failed.diagnostics:
                if d.place is not None:
                    assert 0 <= d.place.start <= d.place.end <= len(sources[d.place.file])
            text = render(failed.diagnostics, sources)
            assert len(text) < 5000 * len(failed.diagnostics)
            assert len(render(failed.diagnostics, sources, "short").splitlines()) == len(failed.diagnostics)
            return len(json.loads(render(failed.diagnostics, sources, "json"))), len(failed.diagnostics)
        calls(spec.tree)
        shown = FOLDER / "shown.toml"
        shown.write_text(show(spec), encoding="utf-8")
        again = plain(load(str(shown)).tree)
        return repr(again), repr(ordered(plain(spec.tree), again))


def ordered(value: object, like: object) -> object:
    """`value` with its keys in the order of `like`, which may differ."""
    if isinstance(value, dict) and isinstance(like, dict):
        assert set(value) == set(like)
        return {key: ordered(value[key], like[key]) for key in like}
    if isinstance(value, list) and isinstance(like, list):
        return [ordered(a, b) for a, b in zip(value, like, strict=True)]
    return value


def calls(node: Node) -> None:
    """Every string as a call: one, or a diagnostic."""
    if isinstance(node, Leaf):
        if isinstance(node.value, str):
            try:
                call = parse_call(node)
            except Failed as failed:
                assert [d.code for d in failed.diagnostics] in (["B0011"], ["B0012"])
            else:
                again = parse_call(Leaf(node.value, node.origin))
                assert [repr(a.value) for a in call.args] == [repr(a.value) for a in again.args]
    elif isinstance(node, Array):
        for item in node.items:
            calls(item)
    elif isinstance(node, Table):
        for item in node.items.values():
            calls(item)


@st.composite
def character_edits(draw: st.DrawFn) -> str:
    text = GOOD[draw(st.sampled_from(sorted(GOOD)))]
    at = draw(st.integers(0, len(text) - 1))
    kind = draw(st.sampled_from(["remove", "replace", "insert", "swap"]))
    if kind == "remove":
        return text[:at] + text[at + 1 :]
    if kind == "swap":
        return text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
    character = draw(st.sampled_from("abz019_-.\"'[]{}()$#=,\n\t\\ é:*/") | st.characters())
    return text[:at] + character + text[at + (kind == "replace") :]


@st.composite
def token_edits(draw: st.DrawFn) -> str:
    words = TOKEN.findall(GOOD[draw(st.sampled_from(sorted(GOOD)))])
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(words) - 1))
        kind = draw(st.sampled_from(["remove", "piece", "copy", "line"]))
        if kind == "remove":
            words[at] = ""
        elif kind == "piece":
            words.insert(at, draw(st.sampled_from(PIECES)))
        elif kind == "copy":
            words[at] = words[draw(st.integers(0, len(words) - 1))]
        else:
            words.insert(at, "\n" + draw(st.sampled_from(PIECES)) + "\n")
    return "".join(words)


@settings(max_examples=200, deadline=None)
@given(character_edits())
def test_one_character(text: str) -> None:
    told, there = outcome(text)
    assert told == there


@settings(max_examples=200, deadline=None)
@given(token_edits())
def test_tokens(text: str) -> None:
    told, there = outcome(text)
    assert told == there


WORDS = st.sampled_from(["res=", "local", "variant", "B/16", *"=,[]1\"'{}é ", "${"])
PATHS = st.text("ab.[]01\"'*", max_size=6) | st.sampled_from(["model.patch", "data.train.pipeline[3]"])
SETTINGS = st.tuples(PATHS, st.text('1a"[]{}=,.$ \n', max_size=5))


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS), st.lists(SETTINGS, max_size=2))
@example(["local"], [("data.train.pipeline[3]", "flip_lr")])
def test_command_line(words: list[str], sets: list[tuple[str, str]]) -> None:
    told, there = outcome(GOOD["vit_i1k"], "".join(words), tuple(sets))
    assert told == there
