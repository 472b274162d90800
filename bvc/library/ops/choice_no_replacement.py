"""Draw the values of an example one after another, over the epochs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bvc.component import DataError, Feature, component
from bvc.library.ops.choice import Choice, Names


@component("op")
class ChoiceNoReplacement:
    """Draw one of a feature's values, another one in every epoch until all were drawn (big_vision/pp/ops_general.py).

    Of n values, the epochs k*n to k*n + n - 1 draw each once, in an order that is new for every k and every example.
    big_vision counts visits in the memory of each host; here the epoch decides, so that a run which continues draws on.
    Several features of the same length are given together and keep the same value.

    Settings:
        key_: features to draw from and write to
        from_: features to draw from, if not `key`
        to: features to write to, if not those drawn from
    """

    def __init__(
        self, *, key_: Names | None = None, from_: Names | None = None, to: Names | None = None
    ) -> None:
        self.single = Choice("single", key_=key_, from_=from_, to=to)

    def __call__(
        self, example: Mapping[str, Any], epoch: int, rngs: Callable[[int], np.random.Generator]
    ) -> dict[str, Any]:
        """The example with the value of this epoch."""

        def drawn(length: int) -> int:
            if not length:
                raise DataError("no value to choose from")
            cycle, turn = divmod(epoch, length)
            return int(rngs(cycle).permutation(length)[turn])

        return self.single.taken(example, drawn)

    def typed(self, example: Mapping[str, Feature]) -> dict[str, Feature]:
        """The leading dim is gone."""
        return self.single.typed(example)
