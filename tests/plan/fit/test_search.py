"""The search finds what looking at everything finds, with costs that are made up or traced."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bvc.plan.fit.candidate import REMATS, Candidate, Precision
from bvc.plan.fit.search import Cost, Held, Search

DEVICES = 8
LEVELS: tuple[Precision, ...] = ("given", "products")


def way(fsdp: int, tensor: int, remat: str, parts: int, precision: Precision) -> Candidate:
    axes = (("data", DEVICES // fsdp // tensor), ("fsdp", fsdp), ("tensor", tensor))
    return Candidate(axes, ("data", "fsdp"), False, remat, parts, precision)


WAYS = [
    way(*each)
    for each in product((1, 2, 8), (1, 2), REMATS, (1, 4), LEVELS)
    if DEVICES % (each[0] * each[1]) == 0
]


@dataclass(frozen=True)
class Machine:
    """Costs of a model with these KiB of weights and activations of the whole batch, and these rates."""

    weights: int
    activations: int
    work: float
    link: float

    def held(self, way: Candidate) -> Held:
        own = 1024 * self.weights // way.size("fsdp") // way.size("tensor")
        return Held(3 * own, 4e-3 * own)

    def price(self, way: Candidate) -> Cost:
        again = {"none": 0.0, "dots": 0.02, "full": 0.33}[way.remat or "none"]
        kept = {"none": 1.0, "dots": 0.5, "full": 0.125}[way.remat or "none"]
        width = 2 if way.precision == "products" else 4
        tensor = way.size("tensor")
        products = self.work / DEVICES * (1 + again) * width * (1 + 0.05 * (tensor - 1))
        weights = 1024 * self.weights // tensor
        active = 1024 * self.activations * width * (1 + tensor) // (2 * DEVICES)
        step = int(active * kept / way.parts) + weights // way.size("fsdp")
        moved = 1e-3 * (active * (1 + again) + way.parts * 3 * width / 4 * weights)
        sent = weights * (2 if way.size("fsdp") == 1 else (1 + way.parts) * width / 4)
        held = self.held(way)
        computation = products + moved + held.seconds
        return Cost(held.bytes + step, step, sent / self.link, computation, products)


@settings(max_examples=40, deadline=None)
@given(
    st.builds(
        Machine, st.integers(1, 1000), st.integers(1, 10_000), st.floats(0.1, 1000), st.floats(1e-2, 1e6)
    ),
    st.integers(1, 20_000),
)
def test_finds_the_fastest_that_fits(machine: Machine, memory: int) -> None:
    search = Search(1024 * memory, 1.024 * machine.weights, machine.held, machine.price)
    fitting = [cost.merit for each in WAYS if (cost := machine.price(each)).bytes <= 1024 * memory]
    best = search.fastest(WAYS)
    assert (best is None) == (not fitting)
    if best is not None:
        assert machine.price(best).merit == min(fitting)


def test_most_is_ruled_out_without_a_look() -> None:
    """Activations that take far longer than the weights, as in training of images: a third is looked at."""
    machine = Machine(100, 100_000, 100.0, 1e6)
    search = Search(20_000_000, 100.0, machine.held, machine.price)
    assert search.fastest(WAYS) is not None
    assert len(search.known) < len(WAYS) / 3


def test_a_mesh_that_does_not_suit_is_left_out() -> None:
    machine = Machine(100, 1000, 1.0, 1e6)
    unsuited = [each for each in WAYS if each.size("fsdp") > 1]
    search = Search(
        10_000_000,
        100.0,
        lambda each: None if each in unsuited else machine.held(each),
        lambda each: pytest.fail("looked at") if each in unsuited else machine.price(each),
    )
    best = search.fastest(WAYS)
    assert best is not None
    assert best.size("fsdp") == 1
    assert search.fastest(unsuited) is None
