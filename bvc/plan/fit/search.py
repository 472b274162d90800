"""Best first: the candidate that may be the fastest is looked at next, until none that is left may be as fast.

What a candidate costs takes a traced step (half a second), so most are ruled out by what is known of others (Land and
Doig 1960). With everything else equal

- more parts never make a step faster, and need hardly less memory than their examples are fewer;
- where a device holds more of the parameters, its computation is never shorter, nor its memory smaller;
- products take at least as long with a longer tensor axis, with recomputation, and in higher precision;
- activations move at least as much with a longer tensor axis, whatever the rest of the mesh: only the weights move
  less, and no more is gained than they take.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bvc.compile.mesh.mesh import TENSOR
from bvc.plan.fit.candidate import REMATS, Candidate

_MOVES = 8
"""How often a part of the batch, and the update, move all weights through memory at most: they are gathered, read
forward and twice backward, their gradients written, read and added up, moments read and written.
"""
_LEAST = 0.8
"""Of what a step allocates for each example, the share that remains at least in more parts (0.91 was seen): its peak
may then lie where fewer weights are whole.
"""


@dataclass(frozen=True, slots=True)
class Held:
    """What is known of a candidate without a trace, on one device.

    Attributes:
        bytes: of the parameters, the optimizer's state and whatever else a step is given.
        seconds: that the update takes at least, for the memory that it must read and write.
    """

    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What a step costs on one device.

    Attributes:
        bytes: in all at the peak.
        step: of those, what the step allocates itself.
        collectives: seconds that it sends.
        computation: seconds that it computes, beside that.
        products: of these in matrix products alone.
    """

    bytes: int
    step: int
    collectives: float
    computation: float
    products: float

    @property
    def merit(self) -> tuple[float, float]:
        """Less is better: how long a step takes, to a hundredth; then how long it sends, if that went not on beside."""
        return pace(max(self.computation, self.collectives)), self.collectives


def pace(seconds: float) -> float:
    """The same number for times that differ by less than a hundredth: no roofline is as exact."""
    return math.floor(math.log(seconds) / math.log(1.01)) if seconds > 0 else -math.inf


@dataclass
class Search:
    """Candidates with what is known of them.

    Attributes:
        memory: bytes of a device.
        weights: seconds in which a device moves all parameters once through its memory.
        held: what a candidate holds; None if it cannot be run.
        price: what it costs; None if it cannot be run.
    """

    memory: int
    weights: float
    held: Callable[[Candidate], Held | None]
    price: Callable[[Candidate], Cost | None]
    known: dict[Candidate, Cost] = field(default_factory=dict[Candidate, Cost], init=False)

    def fastest(self, candidates: Sequence[Candidate]) -> Candidate | None:
        """The fastest of the candidates that fit; None if none does."""
        waiting = [(0.0, _rank(each), number) for number, each in enumerate(candidates)]
        heapq.heapify(waiting)
        best: Candidate | None = None
        while waiting:
            bound, rank, number = heapq.heappop(waiting)
            candidate = candidates[number]
            if best is not None and pace(bound) > self.known[best].merit[0]:
                break
            if candidate not in self.known:
                seconds = self._least_seconds(candidate)
                if seconds > bound:
                    heapq.heappush(waiting, (seconds, rank, number))
                if seconds > bound or not self._may_fit(candidate):
                    continue
                price = self.price(candidate)
                if price is None:
                    continue
                self.known[candidate] = price
            cost = self.known[candidate]
            if cost.bytes <= self.memory and (best is None or cost.merit < self.known[best].merit):
                best = candidate
        return best

    def smallest(self, candidates: Sequence[Candidate]) -> Candidate:
        """Of those whose cost is known the one that needs least memory; that which holds least is looked at for it."""

        def held(candidate: Candidate) -> tuple[float, int]:
            known = self.held(candidate)
            return math.inf if known is None else known.bytes, -candidate.parts

        again = [each for each in candidates if each.remat in (None, REMATS[-1])] or candidates
        lightest = min(again, key=held)
        price = self.price(lightest)
        if price is not None:
            self.known[lightest] = price
        return min(self.known, key=lambda each: self.known[each].bytes)

    def _may_fit(self, candidate: Candidate) -> bool:
        """Whether what a device holds, and what a step allocates at least, leave that open."""
        held = self.held(candidate)
        if held is None:
            return False
        step = [
            cost.step * (1 if each.parts == candidate.parts else _LEAST * each.parts / candidate.parts)
            for each, cost in self._alike(candidate)
        ]
        return held.bytes + max(step, default=0.0) <= self.memory

    def _least_seconds(self, candidate: Candidate) -> float:
        """How long a step takes at least."""
        held = self.held(candidate)
        update = 0.0 if held is None else held.seconds
        least = [self._products(candidate) + update]
        least += [cost.computation for _, cost in self._alike(candidate)]
        least += [
            cost.computation - _MOVES * (each.parts + 1) * self.weights
            for each, cost in self.known.items()
            if _wider(each, candidate)
            and each.parts <= candidate.parts
            and (each.remat, each.precision) == (candidate.remat, candidate.precision)
        ]
        return max(least)

    def _alike(self, candidate: Candidate) -> list[tuple[Candidate, Cost]]:
        """Known ones of which a device holds at most as much, in at most as many parts, and are the same else."""
        held = self.held(candidate)
        return [
            (each, cost)
            for each, cost in self.known.items()
            if held is not None
            and _kind(each) == _kind(candidate)
            and each.parts <= candidate.parts
            and cost.bytes - cost.step <= held.bytes
        ]

    def _products(self, candidate: Candidate) -> float:
        """Seconds that its products take at least."""
        return max(
            (
                cost.products
                for each, cost in self.known.items()
                if _wider(each, candidate)
                and each.remat in (candidate.remat, REMATS[0])
                and (each.precision == candidate.precision or each.precision != "given")
            ),
            default=0.0,
        )


def _kind(candidate: Candidate) -> tuple[object, ...]:
    """What must be equal for one candidate to say something of another."""
    return (
        candidate.ruled,
        candidate.remat,
        candidate.precision,
        candidate.shards,
        tuple(axis for axis, size in candidate.axes if size > 1 and axis != "data"),
    )


def _wider(one: Candidate, other: Candidate) -> bool:
    """Whether the first splits the batch at least as often, and with its tensor axis uses all devices."""
    return one.shards >= other.shards and one.shards * one.size(TENSOR) == one.devices


def _rank(candidate: Candidate) -> tuple[int, ...]:
    """Among candidates of the same bound those first that are likely to be fast, and that say most of others."""
    remat = REMATS.index(candidate.remat) if candidate.remat in REMATS else 0
    return (
        ("parameters", "products", "given").index(candidate.precision),
        remat,
        candidate.size(TENSOR),
        candidate.parts,
        -candidate.size("fsdp"),
    )
