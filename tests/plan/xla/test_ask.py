from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bvc.cli.app import app
from bvc.diagnostics import Failed, pages
from bvc.plan.plan import plan
from bvc.plan.target import find_target, this_machine
from bvc.plan.xla.ask import with_compiled
from bvc.plan.xla.installed import find_compiler

SPEC = str(Path(__file__).parents[1] / "two_towers.toml")
SMALL = str(pages.FOLDER / pages.BASE)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No compiler but that for CPUs is installed."""
    found = importlib.util.find_spec
    hidden = ("libtpu", "jax_plugins")
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name.startswith(hidden) else found(name, *rest),
    )


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(("target", "extra"), [("tpu-v5e:2x4", "bvc[tpu]"), ("h100:8", "bvc[cuda]")])
def test_a_compiler_that_is_not_installed_is_told_with_the_extra_that_brings_it(
    target: str, extra: str
) -> None:
    with pytest.raises(Failed) as failed:
        find_compiler(find_target(target))
    (found,) = failed.value.diagnostics
    assert found.code == "B0545"
    assert extra in (found.help or "")


@pytest.mark.usefixtures("bare")
def test_the_command_says_it_and_ends_with_one() -> None:
    done = CliRunner().invoke(app, ["plan", SPEC, "--target", "tpu-v5e:1x1", "--compile"])
    assert done.exit_code == 1
    assert "error[B0545]" in done.output


@pytest.mark.slow
def test_the_compiler_of_this_machine_stands_beside_the_estimate() -> None:
    """The model of a CPU's compiler is coarse, and on eight of them activations are no longer what counts."""
    done = CliRunner().invoke(app, ["plan", SMALL, "--compile", "--json"])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.output)
    compiled = found["compiled"]
    assert compiled["compiler"].startswith("jaxlib ")
    assert compiled["peak"] == pytest.approx(found["memory"]["total"], rel=0.3)


@pytest.mark.skipif(importlib.util.find_spec("libtpu") is None, reason="libtpu is not installed")
@pytest.mark.slow
def test_an_absent_tpu() -> None:
    done = CliRunner().invoke(app, ["plan", SPEC, "--target", "tpu-v5e:1x1", "--compile"])
    assert done.exit_code == 0, done.output
    assert "by libtpu" in done.output


def test_a_compiler_that_dies_is_told_with_its_last_words(
    monkeypatch: pytest.MonkeyPatch, program: Any
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(Failed) as failed:
        with_compiled(plan(program("mesh=data"), this_machine()), SPEC, "")
    assert failed.value.diagnostics[0].code == "B0546"
    assert "exit status 1" in failed.value.diagnostics[0].notes[0]
