"""A resize followed by a crop, as one: only what the crop keeps is computed.

A resize says `size(height, width)` of its result and computes a `window` of it; a crop says the `place(height, width)`
that it keeps, with `rng` where it is random. The pixels are those of both, one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bvc.compile.pipeline.run import Step


@dataclass(frozen=True)
class Windowed:
    """The resize and the crop."""

    resize: Any
    crop: Any

    def __call__(self, **ports: Any) -> Any:
        """The kept window of the resized image; `rng` for the crop beside the image."""
        rng = {name: ports.pop(name) for name in ("rng",) if name in ports}
        (image,) = ports.values()
        place = self.crop.place(*self.resize.size(*image.shape[-3:-1]), **rng)
        return self.resize.window(image, place)


def join_windows(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps with every resize and the crop that follows it joined."""
    joined: list[Step] = []
    for step in steps:
        before = joined[-1] if joined else None
        if before is not None and _joins(before, step):
            joined[-1] = replace(step, call=Windowed(before.call, step.call), reads=before.reads)
        else:
            joined.append(step)
    return tuple(joined)


def _joins(resize: Step, crop: Step) -> bool:
    if not (hasattr(resize.call, "window") and hasattr(resize.call, "size") and hasattr(crop.call, "place")):
        return False
    between = list(resize.writes.values())
    return not resize.given and list(crop.reads.values()) == between == list(crop.writes.values())
