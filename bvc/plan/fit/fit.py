"""A spec and a target -> the fastest way to run it that fits."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from bvc.compile.mesh.mesh import resolve_mesh
from bvc.compile.program import Program
from bvc.component.names import parameters
from bvc.plan.fit.candidate import MIN_SIZE, Candidate, Flags, Given, Precision, candidates, flags, tunables
from bvc.plan.fit.price import Load, Pricing
from bvc.plan.fit.search import Search
from bvc.plan.plan import Plan
from bvc.plan.target import Target

# What the layers of `bvc/library/layers` let a tensor axis split: end of the name, rank, dim of heads or hidden units.
_TENSOR = (
    (r"attention/(query|key|value)/kernel", 3, 1),
    (r"attention/(query|key|value)/bias", 2, 0),
    (r"attention/out/kernel", 3, 0),
    (r"mlp/up/kernel", 2, 1),
    (r"mlp/up/bias", 1, 0),
    (r"mlp/down/kernel", 2, 0),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A way to run a spec: what chooses it, and what it costs."""

    candidate: Candidate
    flags: Flags
    plan: Plan


@dataclass(frozen=True, slots=True)
class Fit:
    """What came of a search.

    Attributes:
        given: the spec as it is.
        exact: the fastest choice that fits at the precision of the spec, if any.
        fastest: of all choices, where a lower precision is faster or the only one to fit.
        least: where nothing fits, the choice that needs least memory of those that were planned.
        candidates: how many were compared.
        planned: for how many of them a step was traced; the others could not be better.
    """

    given: Choice
    exact: Choice | None
    fastest: Choice | None
    least: Choice | None
    candidates: int
    planned: int


def fit(program: Program, load: Load, target: Target, *, names_split: bool, min_size: str = MIN_SIZE) -> Fit:
    """Search mesh, layout, remat, accumulation and precision.

    Parameters are kept in bfloat16 only if nothing fits otherwise: most updates are smaller than it resolves.

    Args:
        program: of the spec as it is.
        load: binds the spec with further settings.
        target: hardware whose rates are known.
        names_split: whether the spec has `mesh.batch`.
        min_size: smaller parameters are not split by the rules that are tried.

    Raises:
        Failed: the spec as it is does not suit the target.
    """
    given = describe(program, target, names_split, min_size)
    pricing = Pricing(load, target, given, program)
    before = pricing.plan(given.candidate)
    ways = candidates(given, target.devices)
    weights = 4 * sum(row.count for row in before.parameters) / (target.memory_rate or math.inf)
    search = Search(target.memory, weights, pricing.held, pricing.price)
    if (cost := pricing.price(given.candidate)) is not None:
        search.known[given.candidate] = cost

    def fastest(*precisions: Precision) -> Candidate | None:
        return search.fastest([way for way in ways if way.precision in precisions])

    exact, best = fastest("given"), fastest("given", "products")
    compared = [way for way in ways if way.precision != "parameters"]
    if best is None:
        best, compared = fastest("parameters"), ways
    least = search.smallest(ways) if best is None else None

    def choice(way: Candidate | None) -> Choice | None:
        return None if way is None else Choice(way, flags(way, given), pricing.plan(way))

    return Fit(
        Choice(given.candidate, (), before),
        choice(exact),
        choice(best if best != exact else None),
        choice(least),
        len(compared),
        len(search.known),
    )


def describe(program: Program, target: Target, names_split: bool, min_size: str = MIN_SIZE) -> Given:
    """What the spec of a program says of all that may vary.

    Raises:
        Failed: its mesh does not suit the target.
    """
    experiment = program.experiment
    grid = resolve_mesh(experiment.mesh, target.devices, target.name)
    models = tuple(tunables(experiment.model))
    remats = {model.remat for model in models if model.remats}
    remat = remats.pop() if len(remats) == 1 else None
    ruled, parts = bool(experiment.layout), experiment.run.accumulate
    own = Candidate(tuple(grid.axes.items()), grid.batch, ruled, remat, parts, "given")
    return Given(own, models, experiment.train.batch, names_split, tensor_rules(program), min_size)


def tensor_rules(program: Program) -> tuple[tuple[str, int], ...]:
    """(pattern of names, dim) for the parameters of stacked blocks that an axis `tensor` can split."""
    found: dict[tuple[str, int], None] = {}
    for each in parameters(program.params):
        if each.layer is None:
            continue
        name = re.sub(r"/\d+/", "/.*/", each.name, count=1)
        for end, rank, dim in _TENSOR:
            matched = re.fullmatch(f"(.+?)/{end}", name)
            if matched and len(each.shape) == rank:
                found[(f"{matched[1]}/{end}", dim)] = None
    return tuple(found)
