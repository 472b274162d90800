"""Results that a compiler for GPUs computes in one kernel, because they read the same large array.

The earlier of two such results waits for the later one; seen where the backward pass of a layer computes an
activation again and, beside it, the gradient of what it was computed from.
"""

from __future__ import annotations

import functools
from collections import defaultdict

from bvc.plan.memory.fusion import Fused
from bvc.plan.ops import Ops, Value


def awaited(body: Ops, fused: Fused) -> dict[Value, int]:
    """For each result that waits for a sibling the index of the op that makes the sibling."""
    made = {value: index for index, op in enumerate(body.ops) for value in op.outputs}
    needed = needs(body)
    alike: dict[int, list[Value]] = defaultdict(list)
    for value in fused.sources:
        alike[value.bytes].append(value)
    found: dict[Value, int] = {}
    for values in alike.values():
        for at, first in enumerate(values):
            for second in values[at + 1 :]:
                shared = fused.sources[first] & fused.sources[second]
                large = any(root.bytes == first.bytes for root in shared)
                if large and not needed[second] >> made[first] & 1:
                    found[first] = max(found.get(first, 0), made[second])
    return found


@functools.lru_cache(maxsize=64)  # several rules ask it of one body
def needs(body: Ops) -> dict[Value, int]:
    """For each result the ops from which it is computed, as bits."""
    found: dict[Value, int] = {}
    for index, op in enumerate(body.ops):
        bits = 1 << index
        for value in op.inputs:
            bits |= found.get(value, 0)
        found.update((value, bits) for value in op.outputs)
    return found
