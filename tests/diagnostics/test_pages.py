"""Every page's failing example prints exactly the page's output, and its mended one doesn't fail so."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bvc.diagnostics import Diagnostic, Failed, Sources, pages, render
from bvc.diagnostics.pages import Example, Page
from bvc.spec import Spec, load, parse_call, plain

CATALOG = Path(pages.__file__).parent.parent / "catalog"


NO_SPEC = {"B0142", "B0143", "B0144", "B0148", "B0149"}
"""Wrong in a card of the standard library, or on the command line."""


def textual(code: str) -> bool:
    """Whether the text stages alone find it."""
    return code[:3] in ("B00", "B02") or "B0150" <= code <= "B0199"


def checked(example: Example, code: str) -> tuple[list[Diagnostic], Sources]:
    """What is wrong with the example, which lies in the current folder."""
    if textual(code):
        sources = Sources()
        try:
            spec = load(example.check, example.params, example.settings, sources=sources)
        except Failed as failed:
            return list(failed.diagnostics), sources
        return [*spec.warnings, *bad_calls(spec)], sources
    from bvc.check import check

    found = check(example.check, example.params, example.settings)
    return found.diagnostics, found.sources


def bad_calls(spec: Spec) -> Iterator[Diagnostic]:
    """What is wrong with the ops of `data.train.pipeline`."""
    data = plain(spec.tree).get("data", {})  # type: ignore[attr-defined]
    if "pipeline" in data.get("train", {}):
        for item in spec.tree.items["data"].items["train"].items["pipeline"].items:  # type: ignore[union-attr,index]
            try:
                parse_call(item)
            except Failed as failed:
                yield from failed.diagnostics


@pytest.fixture(params=pages.codes())
def page(request: pytest.FixtureRequest, own_components: Path) -> Page:
    found = pages.read(request.param)
    assert found.code == request.param
    shutil.copy(pages.FOLDER / pages.BASE, own_components)
    for name, text in found.files:
        (own_components / name).parent.mkdir(parents=True, exist_ok=True)
        (own_components / name).write_text(text, encoding="utf-8")
    return found


def test_the_failing_example_prints_the_output(
    page: Page, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if page.failing is None:
        assert page.code[:3] in ("B05", "B99") or page.code in NO_SPEC, "a spec can show it"
        return
    page.failing.write(tmp_path)
    diagnostics, sources = checked(page.failing, page.code)
    assert page.code in {diagnostic.code for diagnostic in diagnostics}
    output = render(diagnostics, sources)
    if request.config.getoption("--update-golden"):
        (pages.FOLDER / f"{page.code}.md").write_text(page.with_output(output), encoding="utf-8")
    else:
        assert output == page.output
    short = render(diagnostics, sources, "short")
    assert len(short.splitlines()) == len(diagnostics)


def test_the_mended_example_is_mended(page: Page, tmp_path: Path) -> None:
    if page.mended is None:
        assert page.failing is None
        return
    page.mended.write(tmp_path)
    diagnostics, _ = checked(page.mended, page.code)
    if textual(page.code):
        assert diagnostics == []
    assert page.code not in {diagnostic.code for diagnostic in diagnostics}


def made_codes() -> set[str]:
    """The codes that the catalog's functions give their diagnostics."""
    found: set[str] = set()
    for path in CATALOG.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) == 5:
                if node.value[0] == "B" and node.value[1:].isdigit():
                    found.add(node.value)
    return found


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert sorted(made_codes()) == sorted(pages.codes())


def test_codes_are_made_in_the_catalog_only() -> None:
    root = CATALOG.parent.parent
    elsewhere: list[str] = []
    for path in root.rglob("*.py"):
        if path.is_relative_to(CATALOG):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "Diagnostic"
            ):
                elsewhere.append(f"{path}:{node.lineno}")
    assert elsewhere == []
