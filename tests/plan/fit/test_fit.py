"""The search on a real spec: it equals looking at everything, and its flags are what was planned."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bvc.bind import bind
from bvc.cli.app import app
from bvc.compile.program import compile_experiment
from bvc.plan.fit.candidate import Candidate, candidates, flags
from bvc.plan.fit.fit import describe, fit
from bvc.plan.fit.price import Pricing
from bvc.plan.fit.search import Search
from bvc.plan.target import find_target
from bvc.spec import load

TOY = str(Path(__file__).parent / "toy.toml")
RUN = CliRunner()


def pricing(target: str, file: str = TOY, params: str = "", min_size: str = "1 KiB") -> Pricing:
    program = compile_experiment(bind(load(file, params)))
    hardware = find_target(target)
    given = describe(program, hardware, False, min_size)
    return Pricing(lambda flags: bind(load(file, params, list(flags))), hardware, given, program)


def small(way: Candidate) -> bool:
    """Whether it belongs to the small grid on which everything is looked at."""
    if way.size("tensor") == 2:
        return (way.size("fsdp"), way.remat, way.parts) == (1, "none", 1)
    return way.size("tensor") == 1 and way.size("fsdp") in (1, 4) and way.remat != "dots" and way.parts < 4


@pytest.mark.slow
def test_equals_exhaustive_search_and_runs(tmp_path: Path) -> None:
    """On a small grid and parts of it, for every memory at which another candidate begins to fit."""
    prices = pricing("h100:8")
    prices.target = replace(prices.target, memory=2**40)
    ways = [way for way in candidates(prices.given, 8) if small(way) and way.precision != "parameters"]
    costs = {way: prices.price(way) for way in ways}
    known = {way: cost for way, cost in costs.items() if cost is not None}
    assert len(known) == len(ways) == 18
    grids: list[Callable[[Candidate], bool]] = [
        lambda way: True,
        lambda way: way.precision == "given",
        lambda way: way.size("fsdp") == 1,
        lambda way: way.size("fsdp") == 1 and way.precision == "given",
        lambda way: way.parts > 1,
    ]
    weights = 4 * sum(row.count for row in prices.plan(ways[0]).parameters) / 3.35e12
    bests: dict[Candidate, None] = {}
    for grid in grids:
        among = {way: cost for way, cost in known.items() if grid(way)}
        for memory in sorted({cost.bytes for cost in among.values()}):
            best = Search(memory, weights, prices.held, known.get).fastest(list(among))
            assert best is not None
            fitting = [cost.merit for cost in among.values() if cost.bytes <= memory]
            assert known[best].bytes <= memory
            assert known[best].merit == min(fitting)
            bests[best] = None
    assert len(bests) > 5  # what fits decides, not one candidate always
    chosen = next(way for way in bests if way.size("fsdp") > 1 and way.parts > 1)
    sets = [f"--set={path}={value}" for path, value in flags(chosen, prices.given)]
    result = RUN.invoke(app, ["run", TOY, "--workdir", str(tmp_path / "run"), *sets])
    assert result.exit_code == 0, result.output
    planned = json.loads((tmp_path / "run" / "plan.json").read_text())
    assert planned["mesh"] == dict(chosen.axes)
    assert planned["parts"] == chosen.parts


def test_what_a_device_holds_is_what_the_plan_says() -> None:
    prices = pricing("h100:8")
    way = next(way for way in candidates(prices.given, 8) if (way.size("fsdp"), way.size("tensor")) == (4, 2))
    held, cost = prices.held(way), prices.price(way)
    assert held is not None and cost is not None
    assert held.bytes == cost.bytes - cost.step
    assert held.seconds < cost.computation


def test_a_spec_with_rules_keeps_its_own_as_a_choice() -> None:
    """Its axes are a reference, its layout comes from a `when`; flags lie over both."""
    file = str(Path(TOY).parent.parent / "two_towers.toml")
    prices = pricing("h100:8", file, "mesh=fsdp", "4 KiB")
    ways = candidates(prices.given, 8)
    assert ways[0].ruled and flags(ways[0], prices.given) == ()
    assert {way.ruled for way in ways} == {True, False}
    other = next(way for way in ways if way.size("fsdp") == 8 and not way.ruled and way.remat == "full")
    experiment = prices.load(flags(other, prices.given))
    assert dict(experiment.mesh.axes) == {"data": 1, "fsdp": 8}
    assert [rule.match for rule in experiment.layout] == [".*"]
    towers = [experiment.model.settings[name].settings for name in ("image", "text")]
    assert [tower["remat"] for tower in towers] == ["full", "full"]
    matches = {match for match, _ in prices.given.tensor}
    assert "image/blocks/.*/attention/(query|key|value)/kernel" in matches
    assert not any(match.startswith("text/") for match in matches)  # BERT's heads are not split


@pytest.mark.slow
def test_flags_are_printed_and_what_changes_numbers_is_told() -> None:
    result = RUN.invoke(app, ["plan", TOY, "--target", "l4:1", "--fit"])
    assert result.exit_code == 0, result.output
    assert "ways compared" in result.output
    assert "change the numbers" in result.output
    assert """--set 'model.dtype="bfloat16"'""" in result.output


def test_nothing_fits() -> None:
    program = compile_experiment(bind(load(TOY)))
    tiny = replace(find_target("l4:1"), memory=2**16)
    found = fit(program, lambda flags: bind(load(TOY, "", list(flags))), tiny, names_split=False)
    assert found.exact is found.fastest is None
    assert found.least is not None and found.least.plan.excess > 0
    assert (
        found.planned == 2
    )  # the spec as it is, and the smallest: what a device holds alone is too much for all


def test_what_belongs_to_a_plan_is_refused() -> None:
    assert RUN.invoke(app, ["plan", TOY, "--target", "l4:1", "--fit", "--params"]).exit_code == 2


def test_a_machine_of_unknown_rates_is_told() -> None:
    result = RUN.invoke(app, ["plan", TOY, "--fit"])
    assert result.exit_code == 1
    assert "B0547" in result.output
