"""Params and settings from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from bvc.spec import parse_target, stdlib_root

from .conftest import Loader

TEXT = '[params]\nn = 1\ns = "a"\nlocal = false\n[m]\nx = "${n}"\np = ["a"]\nq = [[1, 2]]\n'


@pytest.mark.parametrize(
    ("target", "split"),
    [
        ("a.toml", ("a.toml", "")),
        ("a.toml:", ("a.toml", "")),
        ("x/a.toml:local,n=3", ("x/a.toml", "local,n=3")),
        ("c:/a.toml:s=b.toml:c", ("c:/a.toml", "s=b.toml:c")),
        ("a", ("a", "")),
    ],
)
def test_targets(target: str, split: tuple[str, str]) -> None:
    assert parse_target(target) == split


@pytest.mark.parametrize(
    ("params", "code", "caret"),
    [
        ("m=3", "B0154", "m"),
        ("n=x", "B0152", "x"),
        ("n", "B0152", "n"),
        ("n=", "B0152", ""),
        ("n=[", "B0164", "["),
        ("3=n", "B0164", "3=n"),
        ("n+1", "B0164", "+1"),
        ("n=1,n=2", "B0164", "n"),
        ("n=${gone}", "B0151", "gone"),
        ("n=${n}", "B0203", "${n}"),
        ("s=[1],local=1", "B0152", "1"),
    ],
)
def test_bad_params(spec: Loader, params: str, code: str, caret: str) -> None:
    found = spec(TEXT, params)
    assert found.codes[0] == code
    assert found.carets[0] == caret
    assert found.wrong[0].place is not None
    assert found.wrong[0].place.file == "<command line>"


@pytest.mark.parametrize(
    ("setting", "code", "caret"),
    [
        (("m.x.y", "1"), "B0218", "x"),
        (("m.p[1]", "b"), "B0218", "p[1]"),
        (("m.x[0]", "b"), "B0218", "x[0]"),
        (("m.gone[0]", "b"), "B0218", "gone[0]"),
        (("m.q[0][2]", "3"), "B0218", "q[0][2]"),
        (("n", "3"), "B0218", "n"),
        (("params.n", "3"), "B0218", "params"),
        (("let.n", "3"), "B0218", "let"),
        (("", "3"), "B0164", ""),
        (("m..x", "3"), "B0164", "m..x"),
        (("m.*", "3"), "B0164", "m.*"),
        (("m.x", "[1"), "B0164", "[1"),
        (("m.x", "${gone}"), "B0151", "gone"),
        (("m.use", "gone.toml"), "B0201", "gone.toml"),
    ],
)
def test_bad_settings(spec: Loader, setting: tuple[str, str], code: str, caret: str) -> None:
    found = spec(TEXT, "", [setting])
    assert (found.codes, found.carets) == ([code], [caret])


def test_python_values(spec: Loader) -> None:
    assert spec(TEXT, {"n": 3, "s": 'a"b'}).tree["m"]["x"] == 3
    assert spec(TEXT, {"n": "3"}).codes == ["B0152"]
    assert spec(TEXT, {"n": None}).codes == ["B0152"]
    assert spec(TEXT, {"n": object()}).codes == ["B0152"]


def test_the_standard_library_is_found() -> None:
    assert (Path(stdlib_root()) / "model" / "vit.toml").is_file()
