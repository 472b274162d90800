"""What a compiler says of a step."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Compiled:
    """Memory of one device as the compiler of the target counts it.

    Attributes:
        compiler: its name and version.
        peak: bytes at the worst moment, arguments included; of a step that was refused what it would have taken.
        refused: whether the compiler itself found the memory too small. Those for GPUs never do.
        seconds: what asking took, on this machine.
    """

    compiler: str
    peak: int
    refused: bool
    seconds: float
