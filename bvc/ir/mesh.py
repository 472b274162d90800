"""The grid of devices, and how parameters lie on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bvc.diagnostics import Origin


@dataclass(frozen=True, slots=True)
class Mesh:
    """`[mesh]`: sizes of named axes (None: what is left), and the axes that split the batch."""

    axes: Mapping[str, int | None]
    batch: tuple[str, ...]
    origin: Origin
    axis_origins: Mapping[str, Origin] = field(default_factory=dict[str, Origin])


@dataclass(frozen=True, slots=True)
class LayoutRule:
    """One `[[layout]]` rule: parameters whose name matches are sharded over `axis`, or replicated (None).

    `dim` None is the largest dim that divides. Parameters smaller than `min_size` bytes stay replicated.
    """

    match: str
    axis: str | None
    dim: int | None
    min_size: int
    origin: Origin
    origins: Mapping[str, Origin] = field(default_factory=dict[str, Origin])

    def place(self, key: str) -> Origin:
        """Where a key of the rule is written."""
        return self.origins.get(key, self.origin)
