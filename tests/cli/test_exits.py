"""Every command says by its exit status whether all is well (0), the spec is wrong (1), or it could not work (2)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bvc.cli.app import app
from bvc.diagnostics import pages

GOOD = str(pages.FOLDER / pages.BASE)


@pytest.fixture
def faulty(tmp_path: Path) -> str:
    """A spec with one fault."""
    spec = tmp_path / "faulty.toml"
    text = Path(GOOD).read_text(encoding="utf-8")
    spec.write_text(text.replace("[objective]", "[objektive]"), encoding="utf-8")
    return str(spec)


@pytest.mark.parametrize("verb", ["check", "plan", "show"])
def test_a_good_spec(verb: str) -> None:
    assert CliRunner().invoke(app, [verb, GOOD]).exit_code == 0


@pytest.mark.parametrize("verb", [["check"], ["plan"], ["run", "--smoke"], ["run", "--workdir", "never"]])
def test_a_faulty_spec(verb: list[str], faulty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, [*verb, faulty])
    assert done.exit_code == 1
    assert "did you mean `objective`?" in done.output
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "no_such.toml"],
        ["check", GOOD, "no_such.toml"],
        ["plan", "no_such.toml"],
        ["run", "no_such.toml", "--smoke"],
        ["check"],
        ["check", GOOD, "--set", "optimizer.lr"],
        ["check", GOOD, "--format", "yaml"],
        ["run", GOOD],
        ["explain", "no_such_thing"],
        ["list", "no_such_kind"],
        ["fly", GOOD],
    ],
    ids=" ".join,
)
def test_a_command_that_cannot_work(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert "Traceback" not in done.output


def test_formats(faulty: str) -> None:
    runner = CliRunner()
    told = json.loads(runner.invoke(app, ["check", faulty, "--format", "json"]).stdout)
    short = runner.invoke(app, ["check", faulty, "--format", "short"]).stdout.splitlines()
    assert len(short) == len(told)
    assert told[0]["code"] in short[0]
