"""The five mechanisms and the order in which they happen."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from bvc.diagnostics import Diagnostic

from .conftest import Loader


def test_params_and_lets_are_not_part_of_the_tree(spec: Loader) -> None:
    found = spec(
        'doc = "d"\nimport = ["lab.vit"]\n[params]\nres = 2\n[let]\nbig = "${res * 2}"\n[m]\nx = "${big}"\n'
    )
    assert found.tree == {"m": {"x": 4}}
    assert found.spec is not None
    assert found.spec.doc == "d"
    assert [leaf.value for leaf in found.spec.imports] == ["lab.vit"]
    assert found.spec.params["res"].type == "int"
    assert not found.spec.params["res"].given


def test_a_chain_of_origins_leads_to_where_a_value_was_written(spec: Loader) -> None:
    text = '[params]\nrow = "b"\n[let]\nset = "${sets[row]}"\n[let.sets]\na = { n = 1 }\nb = { n = 7 }\n'
    text += '[m]\nx = "${set.n}"\n'
    found = spec(text)
    assert found.tree == {"m": {"x": 7}}
    assert found.chain("m", "x") == ['"${set.n}"', '"${sets[row]}"', "7"]


def test_strings_keep_their_parts(spec: Loader) -> None:
    found = spec('[params]\ndir = "d"\n[m]\nx = "a\\t${dir}/$${b}"\n')
    leaf = found.leaf("m", "x")
    assert leaf.value == "a\td/${b}"
    parts = [(part.value, found.sources.slice(part.place), part.hole) for part in leaf.parts]
    assert parts == [
        ("a", "a", False),
        ("\t", "\\t", False),
        ("d", "${dir}", True),
        ("/", "/", False),
        ("${b}", "${b}", False),
    ]
    origin = leaf.parts[2].origin
    assert origin is not None
    assert [found.sources.slice(place) for place in origin.places] == ["dir", '"d"']


def test_references_to_arrays_splice(spec: Loader) -> None:
    found = spec('[let]\na = ["x", "${b}"]\nb = ["y"]\nnone = []\n[m]\np = ["${a}", "z", "${none}"]\n')
    assert found.tree == {"m": {"p": ["x", "y", "z"]}}
    assert found.chain("m", "p", 1) == ['"${a}"', '"${b}"', '"y"']


def test_a_hole_of_an_op_call_is_a_value_outside_quotes_and_text_inside(spec: Loader) -> None:
    found = spec('[params]\nk = "a\'b"\n[m]\np = ["op(${k}, key=\'x${k}\')"]\n')
    assert found.tree == {"m": {"p": [r"op('a\'b', key='xa\'b')"]}}


@pytest.mark.parametrize("how", ["res=384,flag", {"res": 384, "flag": True}])
def test_params_from_outside(spec: Loader, how: object) -> None:
    text = '[params]\nres = 224\nflag = false\n[m]\nx = "${res}"\ny = "${flag}"\n'
    found = spec(text, how)
    assert found.tree == {"m": {"x": 384, "y": True}}
    assert found.leaf("m", "x").origin.places[-1].file == "<command line>"
    assert found.chain("m", "x") == ['"${res}"', "384"]


def test_typed_text_is_read_as_its_param_says(spec: Loader) -> None:
    text = (
        '[params]\nname = "a"\nsizes = [1]\nrate = 0.5\n[m]\nx = "${name}"\ny = "${sizes}"\nz = "${rate}"\n'
    )
    assert spec(text, "name=16,sizes=[8,16],rate=1").tree == {"m": {"x": "16", "y": [8, 16], "z": 1}}
    assert spec(text, 'name="16",sizes=[]').tree["m"] == {"x": "16", "y": [], "z": 0.5}


def test_a_nearer_default_keeps_what_the_farther_declaration_says(spec: Loader) -> None:
    base = (
        '[params]\nstyle = { default = "ar", choices = ["ar", "masked"], doc = "how" }\n[m]\nx = "${style}"\n'
    )
    found = spec('use = "base.toml"\n[params]\nstyle = "masked"\n', files={"base.toml": base})
    assert found.tree == {"m": {"x": "masked"}}
    assert found.spec is not None
    assert found.spec.params["style"].doc == "how"
    wrong = spec('use = "base.toml"\n[params]\nstyle = "other"\n', files={"base.toml": base})
    assert (wrong.codes, wrong.carets) == (["B0153"], ['"other"'])


def test_tables_merge_and_the_nearer_wins(spec: Loader) -> None:
    base = "[a]\nx = 1\ny = [1, 2]\nt = { p = 1, q = 2 }\n"
    found = spec('use = "base.toml"\n[a]\ny = [3]\nt = { q = 5 }\n', files={"base.toml": base})
    assert found.tree == {"a": {"x": 1, "y": [3], "t": {"p": 1, "q": 5}}}
    assert [found.sources.slice(place) for place in found.leaf("a", "t", "q").replaced] == ["2"]


def test_inner_use_with_and_names_of_its_own_file(spec: Loader) -> None:
    fragment = '[params]\nres = 1\n[let]\ntwice = "${res * 2}"\n[t]\nx = "${twice}"\ny = "${.t.x + 1}"\n'
    text = '[params]\nres = 100\n[a]\nuse = "f.toml"\nwith = { res = "${res // 10}" }\n[a.t]\nx = 3\n'
    text += '[b]\nuse = "f.toml#t"\n'
    found = spec(text, files={"f.toml": fragment})
    assert found.tree == {"a": {"t": {"x": 3, "y": 4}}, "b": {"x": 2, "y": 3}}
    assert found.leaf("b", "x").origin.via[0].file == "spec.toml"


def test_several_uses_rows_and_a_nearer_use(spec: Loader) -> None:
    files = {"f.toml": "x = 1\ny = 1\n", "base.toml": '[a]\nuse = "gone.toml"\nwith = { q = 1 }\nz = 9\n'}
    text = 'use = "base.toml"\n[let.rows]\nr = { y = 2, w = 2 }\n[a]\nuse = ["f.toml", "${rows.r}"]\n'
    assert spec(text, files=files).tree == {"a": {"x": 1, "y": 2, "w": 2, "z": 9}}


def test_use_in_an_array_and_in_let(spec: Loader) -> None:
    text = '[let.l]\nuse = "f.toml"\n[m]\nv = "${l.x}"\nterms = [{ use = "f.toml", x = 2 }, { y = 1 }]\n'
    assert spec(text, files={"f.toml": "x = 1\n"}).tree == {"m": {"v": 1, "terms": [{"x": 2}, {"y": 1}]}}


def test_whens_lie_above_plain_keys_bases_first(spec: Loader) -> None:
    base = '[params]\nlocal = true\n[m]\nx = 1\n[[when]]\nif = "local"\nm.x = 2\nm.y = 2\n'
    text = 'use = "base.toml"\n[m]\nx = 3\n[[when]]\nif = "local and 1 < 2"\nm.y = 4\n'
    assert spec(text, files={"base.toml": base}).tree == {"m": {"x": 2, "y": 4}}
    assert spec(text, "local=false", files={"base.toml": base}).tree == {"m": {"x": 3}}


def test_unset_is_a_lasting_mark(spec: Loader) -> None:
    files = {"f.toml": "x = 1\ny = 2\nz = 3\n", "base.toml": '[a]\nuse = "f.toml"\n[b]\nuse = "f.toml"\n'}
    text = 'use = "base.toml"\nunset = ["*.x", "a.y"]\n[a]\ny = 7\n'
    assert spec(text, files=files).tree == {"a": {"y": 7, "z": 3}, "b": {"y": 2, "z": 3}}


def test_unset_removes_generated_tables(spec: Loader) -> None:
    text = '[evals."e_${s}"]\nfor = { s = [1, 2] }\nx = { a = 1, b = 2 }\n'
    text += '[[when]]\nif = "true"\nunset = ["evals.e_1", "evals.*.x.b"]\n'
    assert spec(text).tree == {"evals": {"e_2": {"x": {"a": 1}}}}


def test_unset_that_matches_nothing_is_an_error_here_and_a_warning_in_a_base(spec: Loader) -> None:
    base = '[m]\nx = 1\n[[when]]\nif = "true"\nunset = ["m.q"]\n'
    inherited = spec('use = "base.toml"\n', files={"base.toml": base})
    assert inherited.tree == {"m": {"x": 1}}
    assert [(d.code, d.severity) for d in inherited.wrong] == [("B0214", "warning")]
    assert [d.severity for d in spec(base).wrong] == ["error"]


def test_loops_make_tables(spec: Loader) -> None:
    text = (
        '[let.sets]\na = { n = 1 }\nb = { n = 2 }\n[evals."e_${set}_${s:02d}"]\nfor = { s = [8, 16], set = "sets" }\n'
        'v = "${sets[set].n * s}"\n[evals.e_b_16]\nextra = true\n'
    )
    found = spec(text)
    assert found.tree == {
        "evals": {
            "e_a_08": {"v": 8},
            "e_b_08": {"v": 16},
            "e_a_16": {"v": 16},
            "e_b_16": {"v": 32, "extra": True},
        }
    }
    origin = found.leaf("evals", "e_b_16", "v").origin
    assert (origin.table, origin.bindings) == ("evals.e_b_16", (("s", 16), ("set", "b")))
    assert origin.header is not None
    assert found.sources.slice(origin.header) == '"e_${set}_${s:02d}"'


def test_loops_nest_and_a_fragment_expands_its_own(spec: Loader) -> None:
    fragment = '[params]\nn = 1\n["f_${i}"]\nfor = { i = [1, 2] }\nv = "${i * n}"\n'
    text = '["a_${s}"]\nfor = { s = [1, 2] }\nuse = "f.toml"\nwith = { n = "${s * 10}" }\n'
    text += '["a_${s}"."b_${t}"]\nfor = { t = ["x"] }\nw = "${s}${t}"\n'
    found = spec(text, files={"f.toml": fragment})
    assert found.tree["a_2"] == {"f_1": {"v": 20}, "f_2": {"v": 40}, "b_x": {"w": "2x"}}


def test_a_nearer_layer_of_a_generated_table_needs_no_for(spec: Loader) -> None:
    base = '[e."v_${s}"]\nfor = { s = [1, 2] }\nx = "${s}"\ny = 1\n'
    found = spec('use = "base.toml"\n[e."v_${s}"]\ny = "${s + 1}"\n', files={"base.toml": base})
    assert found.tree == {"e": {"v_1": {"x": 1, "y": 2}, "v_2": {"x": 2, "y": 3}}}


def test_settings(spec: Loader) -> None:
    text = '[params]\nn = 2\n[m]\nx = 1\np = ["a", "${q}"]\nt = [{ v = 1 }]\n[let]\nq = ["b", "c"]\n'
    sets = [("m.x", "${n * 3}"), ("new.leaf", "3e-4"), ("m.p[2]", "d"), ("m.t[0].v", "2"), ('m."a b"', "[1]")]
    assert spec(text, "", sets).tree == {
        "m": {"x": 6, "p": ["a", "b", "d"], "t": [{"v": 2}], "a b": [1]},
        "new": {"leaf": 3e-4},
    }


def test_settings_lie_over_whens_and_under_nothing(spec: Loader) -> None:
    text = '[m]\nx = 1\nuse = "f.toml"\n[[when]]\nif = "true"\nm.x = 2\n'
    files = {"f.toml": "y = 1\n"}
    assert spec(text, "", [("m.x", "3"), ("m.y", "2")], files).tree == {"m": {"x": 3, "y": 2}}


def test_all_mistakes_are_told_at_once_in_file_order(spec: Loader) -> None:
    text = (
        '[params]\nlocal = false\n[let.t]\nunused = "${oops}"\n[m]\na = "${1 / 0}"\nb = "${t.gone}"\n'
        '[[when]]\nif = "local"\nm.c = "${typo}"\n[[when]]\nif = "local ="\n'
    )
    found = spec(text)
    assert found.codes == ["B0151", "B0158", "B0202", "B0151", "B0150"]
    assert found.carets == ["oops", "1 / 0", "gone", "typo", "="]


def test_what_depends_on_a_mistake_is_not_told_again(spec: Loader) -> None:
    found = spec('[let]\nq = "${1 // 0}"\n[m]\na = "${q}"\nb = "${.m.a + 1}"\nc = "x${q}"\n')
    assert found.codes == ["B0158"]


def test_a_mistake_in_generated_tables_is_told_once(spec: Loader) -> None:
    found = spec('[e."v_${s}"]\nfor = { s = [1, 2, 3] }\nx = "${1 / (s - s)}"\n')
    (wrong,) = found.wrong
    assert isinstance(wrong, Diagnostic)
    assert "the same in 3 generated tables" in wrong.notes
    assert wrong.origin is not None
    assert wrong.origin.bindings == (("s", 1),)


def test_untaken_whens_and_unread_lets_name_files_that_exist(spec: Loader) -> None:
    text = '[params]\nlocal = false\n[let.t]\nuse = "gone.toml"\n[m]\nx = 1\n'
    text += '[[when]]\nif = "local"\nm.use = "lost.toml"\n'
    found = spec(text)
    assert (found.codes, found.carets) == (["B0201", "B0201"], ['"gone.toml"', '"lost.toml"'])


def test_an_expression_as_default_gives_the_type(spec: Loader) -> None:
    text = '[params]\nv = "B"\naug = "${t[v]}"\n[let.t]\nB = "light"\n[m]\nx = "${aug}"\n'
    found = spec(text, "aug=none")
    assert found.tree == {"m": {"x": "none"}}
    assert found.spec is not None
    assert found.spec.params["aug"].type == "string"
    assert spec(text, {"aug": 3}).codes == ["B0152"]
    assert spec(text, "v=C,aug=none").tree == {"m": {"x": "none"}}


def test_missing_fragment_hides_what_it_would_have_brought(spec: Loader) -> None:
    found = spec('[m]\nuse = "gone.toml"\n[n]\nx = "${.m.y}"\n')
    assert found.codes == ["B0201"]
    assert spec('use = "gone.toml"\n[n]\nx = "${name}"\n').codes == ["B0201"]


def test_work_is_bounded(spec: Loader) -> None:
    letters = "abcdefghijklmnop"
    doubling = "".join(
        f'{b} = ["${{{a}}}", "${{{a}}}"]\n' for a, b in zip(letters, letters[1:], strict=False)
    )
    chain = "".join(f'n{i} = "${{n{i - 1}}}"\n' for i in range(1, 200))
    begin = time.process_time()
    assert spec(f'[let]\na = ["x"]\n{doubling}[m]\nx = "${{p}}"\n').codes == ["B0161"]
    assert "B0161" in spec(f'[let]\nn0 = 1\n{chain}[m]\nx = "${{n199}}"\n').codes
    nested = "".join(f'n{i} = "${{{"(" * 20}n{i - 1}{" + 1)" * 20}}}"\n' for i in range(1, 40))
    assert "B0161" in spec(f'[let]\nn0 = 1\n{nested}[m]\nx = "${{n39}}"\n').codes
    assert spec(f'[let]\nn0 = 1\n{nested}[m]\nx = "${{n3}}"\n').tree == {"m": {"x": 61}}
    assert time.process_time() - begin < 5


def test_the_text_stages_load_neither_jax_nor_numpy() -> None:
    code = (
        "import sys, time; t = time.perf_counter(); from bvc.spec import load; load('stdlib/model/vit.toml');"
        "t = time.perf_counter() - t; heavy = {'jax', 'numpy', 'grain', 'orbax'} & set(sys.modules);"
        "assert not heavy, heavy; assert t < 2, t"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
