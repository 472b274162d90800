"""Diagnostics as people, editors and programs read them."""

from __future__ import annotations

import json

from bvc.diagnostics import Diagnostic, Label, Origin, Place, Sources, render
from bvc.diagnostics.order import in_order
from bvc.diagnostics.suggest import close, did_you_mean, listing

SPEC = 'type = "adam"\nlr = "1e-3"\nweigth_decay = 1e-4\n'


def at(text: str, part: str, file: str = "specs/a.toml") -> Place:
    start = text.index(part)
    return Place(file, start, start + len(part))


def test_one_snippet_with_secondary_labels_notes_and_help() -> None:
    wrong = Diagnostic(
        "B0102",
        "unknown key `weigth_decay` in `optimizer`",
        at(SPEC, "weigth_decay"),
        "not a key of `adam`",
        (Label(at(SPEC, '"adam"'), "`adam` chosen here"),),
        ("`adam` takes `b1`, `b2`",),
        "did you mean `weight_decay`?",
    )
    assert render([wrong], Sources({"specs/a.toml": SPEC})) == (
        "error[B0102]: unknown key `weigth_decay` in `optimizer`\n"
        " --> specs/a.toml:3:1\n"
        "  |\n"
        '1 | type = "adam"\n'
        "  |        ------ `adam` chosen here\n"
        '2 | lr = "1e-3"\n'
        "3 | weigth_decay = 1e-4\n"
        "  | ^^^^^^^^^^^^ not a key of `adam`\n"
        "  |\n"
        "  = note: `adam` takes `b1`, `b2`\n"
        "  = help: did you mean `weight_decay`?"
    )


def test_lines_between_are_left_out_and_the_gutter_fits_the_last_number() -> None:
    text = "a = 1\n" + "\n" * 10 + "b = 2\n"
    wrong = Diagnostic("B0401", "no", at(text, "b"), "here", (Label(at(text, "a"), "there"),))
    assert render([wrong], Sources({"specs/a.toml": text})) == (
        "error[B0401]: no\n  --> specs/a.toml:12:1\n   |\n 1 | a = 1\n   | - there\n...\n12 | b = 2\n   | ^ here"
    )


def test_labels_of_other_files_are_notes_with_a_snippet_of_their_own() -> None:
    other = "patch = 16\n"
    wrong = Diagnostic(
        "B0301",
        "`patch` does not divide `size`",
        at(SPEC, '"adam"'),
        "250 = 15 * 16 + 10",
        (Label(at(other, "16", "std:model/vit.toml"), "`patch` comes from here"),),
        help="240",
    )
    assert render([wrong], Sources({"specs/a.toml": SPEC, "std:model/vit.toml": other})) == (
        "error[B0301]: `patch` does not divide `size`\n"
        " --> specs/a.toml:1:8\n"
        "  |\n"
        '1 | type = "adam"\n'
        "  |        ^^^^^^ 250 = 15 * 16 + 10\n"
        "note: `patch` comes from here\n"
        " --> std:model/vit.toml:1:9\n"
        "  |\n"
        "1 | patch = 16\n"
        "  |         --\n"
        "  = help: 240"
    )


def test_carets_stand_below_wide_characters_and_tabs() -> None:
    text = "\tdoc = '犬e\u0301' # x\n"
    lines = render(
        [Diagnostic("B0001", "m", at(text, "#"), "here")], Sources({"specs/a.toml": text})
    ).splitlines()
    assert lines[3] == "1 |     doc = '犬e\u0301' # x"
    assert lines[4] == "  |" + " " * (1 + 4 + 7 + 2 + 1 + 1 + 1) + "^ here"


def test_long_lines_are_cut_around_the_mark() -> None:
    text = "x = [" + "1234567890" * 100_000 + "]\n"
    place = Place("specs/a.toml", 500_000, 500_010)
    shown = render([Diagnostic("B0001", "m", place, "here")], Sources({"specs/a.toml": text}))
    assert max(len(line) for line in shown.splitlines()) < 130
    line, marks = shown.splitlines()[3:5]
    begin = marks.index("^")
    assert line[begin : begin + 10] == text[500_000:500_010]
    assert marks.count("^") == 10
    whole = render(
        [Diagnostic("B0001", "m", Place("specs/a.toml", 4, len(text)), "here")],
        Sources({"specs/a.toml": text}),
    )
    assert max(len(line) for line in whole.splitlines()) < 130


def test_places_at_the_end_and_in_empty_files() -> None:
    sources = Sources({"specs/a.toml": "x =", "e": ""})
    assert render([Diagnostic("B0001", "m", Place("specs/a.toml", 3, 3))], sources).endswith(
        "1 | x =\n  |    ^"
    )
    assert (
        render([Diagnostic("B0004", "m", Place("e", 0, 0), help="h")], sources)
        == "error[B0004]: m\n --> e:1:1\n  = help: h"
    )
    assert render([Diagnostic("B0004", "m", help="h")], sources) == "error[B0004]: m\n  = help: h"


def test_nothing_reaches_the_terminal_that_would_act_on_it() -> None:
    text = "x = '\x1b[31m\ud800'\n"
    shown = render([Diagnostic("B0001", "m \x1b[2J", at(text, "x"))], Sources({"specs/a.toml": text}))
    assert "\x1b" not in shown
    shown.encode()


def test_short_and_json() -> None:
    sources = Sources({"specs/a.toml": SPEC})
    wrong = Diagnostic("B0110", "expected a float", at(SPEC, '"1e-3"'), "string", (), ("n",), "h", "warning")
    assert render([wrong], sources, "short") == "specs/a.toml:2:6: warning[B0110]: expected a float"
    (found,) = json.loads(render([wrong], sources, "json"))
    assert found == {
        "code": "B0110",
        "severity": "warning",
        "message": "expected a float",
        "file": "specs/a.toml",
        "line": 2,
        "column": 6,
        "end_line": 2,
        "end_column": 12,
        "label": "string",
        "labels": [],
        "notes": ["n"],
        "help": "h",
    }
    assert json.loads(render([], sources, "json")) == []


def test_an_origin_adds_where_the_value_was_written_and_its_table() -> None:
    origin = Origin(
        (at(SPEC, '"1e-3"'), at(SPEC, '"adam"')), "evals.v_8", (("s", 8),), (), at(SPEC, "weigth")
    )
    shown = render([Diagnostic("B0110", "m", origin=origin)], Sources({"specs/a.toml": SPEC}))
    assert "------ the value comes from here" in shown
    assert "specs/a.toml:2:6" in shown
    assert "= note: in `evals.v_8`, from line 3 with s=8" in shown


def test_order_and_repetition() -> None:
    def make(place: Place, table: str = "") -> Diagnostic:
        return Diagnostic("B0110", "m", place, origin=Origin((place,), table))

    first, second = Place("f", 1, 2), Place("f", 5, 6)
    found = in_order(
        [make(second, "a"), make(Place("g", 0, 1)), make(second, "b"), make(first), make(second, "b")]
    )
    assert [d.place for d in found] == [first, second, Place("g", 0, 1)]
    assert found[1].notes == ("the same in 2 generated tables",)


def test_suggestions() -> None:
    names = ["resize", "resize_small", "resize_long", "central_crop", "res"]
    assert did_you_mean("resise", names) == "did you mean `resize`? also close: `resize_small`, `resize_long`"
    assert len(close("resize", [f"resize{i}" for i in range(9)])) == 3
    assert close("RESIZE", names) == ["resize"]
    assert did_you_mean("zzz", names) is None
    assert listing(range(20), most=2) == "`0`, `1` and 18 more"
