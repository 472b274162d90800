"""How long a step takes on a target at its peak rates (roofline model, Williams et al. 2009).

Every op takes the longer of its products and of its traffic with memory; what is fused into an op (`fusion.py`)
costs no traffic. Collectives are taken to run beside the computation. Peak rates are never reached, so a step takes
longer; only where a compiler fuses more than this model knows, attention above all, can it be faster.
"""

from __future__ import annotations

from dataclasses import dataclass

from bvc.plan.flops import matrix_flops
from bvc.plan.memory.fusion import fuse
from bvc.plan.ops import Op, Ops
from bvc.plan.target import Target


@dataclass(frozen=True, slots=True)
class Roofline:
    """Seconds of one step on one device.

    Attributes:
        computation: products and memory traffic of all ops, one after another.
        collectives: sending what the step sends.
        products: the products alone, at the peak rate; the rest is waiting for memory.
    """

    computation: float
    collectives: float
    products: float

    @property
    def step(self) -> float:
        """Computation and collectives at once."""
        return max(self.computation, self.collectives)


def time_step(step: Ops, sent: int, target: Target, network: int = 0) -> Roofline | None:
    """The time of a step, or None if the target's rates are not known.

    Args:
        step: the ops on one device.
        sent: bytes that a device sends in a step.
        target: the hardware.
        network: how many of them go to other slices.
    """
    if target.memory_rate is None or target.link_rate is None or not target.flop_rate:
        return None
    if network and target.network_rate is None:
        return None
    computation, products = _seconds(step, target, target.memory_rate)
    between = network / target.network_rate if target.network_rate else 0.0
    return Roofline(computation, (sent - network) / target.link_rate + between, products)


def _seconds(body: Ops, target: Target, memory_rate: float) -> tuple[float, float]:
    """Seconds of all ops, and of their products alone."""
    fused = fuse(body, target.kind)
    total = products = 0.0
    for op in body.ops:
        if op.inner:
            inner = [_seconds(part, target, memory_rate) for part in op.inner]
            longest = max(inner)
            total += op.repeats * longest[0]
            products += op.repeats * longest[1]
            continue
        written = [value.bytes for value in op.outputs if value in fused.stored]
        if written:
            traffic = sum(written) + sum(value.bytes for value in fused.reads(op))
            product = matrix_flops(op) / _rate(op, target)
            total += max(product, traffic / memory_rate)
            products += product
    return total, products


def _rate(op: Op, target: Target) -> float:
    """FLOPs per second for the operands of a product; a dtype of the same size counts alike."""
    dtype = op.inputs[0].dtype if op.inputs else ""
    narrow = dtype in ("bfloat16", "float16")
    return target.flop_rate["bfloat16" if narrow else "float32"]
