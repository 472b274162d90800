"""The tokens of GIVT that stand for no code: what starts a sequence, and what marks hidden codes."""

from __future__ import annotations

from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from bvc.component import PortError
from bvc.library.layers.initializers import RandomKey, normal

Labels = Int[Array, "b"]
MaskStyle = Literal["replace", "concat"]

_MARKS = {"replace": 1, "concat": 3}
_ALWAYS = 0.999
"""A rate of hidden labels from which on big_vision hides them at evaluation too: a model without conditions."""


class LabelTable(eqx.Module):
    """One table, as big_vision keeps it: classes (or a single start), marks of hidden codes, no class.

    The marks are a hidden code's token; with `concat` one for "hidden", one for "seen", and what a hidden code's own
    token is replaced by.
    """

    embedding: Float[Array, "v d"]
    classes: int | None = eqx.field(static=True)
    marks: MaskStyle | None = eqx.field(static=True)
    drop: float = eqx.field(static=True)

    def __init__(
        self, width: int, classes: int | None, *, marks: MaskStyle | None, drop: float, key: RandomKey
    ) -> None:
        self.classes = classes
        self.marks = marks
        self.drop = drop
        rows = (classes or 1) + _MARKS.get(marks or "", 0) + (drop > 0)
        self.embedding = normal(key, (rows, width), 1.0)

    def first(
        self, labels: Labels | None, batch: int, dropped: Bool[Array, "b"] | None
    ) -> Float[Array, "b 1 d"]:
        """The token that starts a sequence: of its class, of no class where it is dropped, or the same for all.

        Raises:
            PortError: labels without classes, or classes without labels.
        """
        if (labels is None) != (self.classes is None):
            raise PortError("labels", "are given exactly if the model has classes")
        numbers = jnp.zeros((batch,), jnp.int32) if labels is None else labels
        if labels is not None and self.drop >= _ALWAYS:
            dropped = jnp.ones((batch,), bool)
        if dropped is not None:
            numbers = jnp.where(dropped, self._first_mark + _MARKS.get(self.marks or "", 0), numbers)
        return self.embedding[numbers][:, None]

    def hide(self, x: Float[Array, "b t d"], hidden: Bool[Array, "b t"]) -> Float[Array, "b t d"]:
        """Embedded codes, with marks for those that are hidden."""
        marks = self.embedding[self._first_mark :]
        where = hidden[..., None]
        if self.marks == "replace":
            return jnp.where(where, marks[0], x)
        flags = jnp.where(where, marks[0], marks[1])
        return jnp.concatenate([flags[..., ::2], jnp.where(where, marks[2], x)[..., ::2]], axis=-1)

    @property
    def _first_mark(self) -> int:
        """Without classes the start shares its entry with the first mark, as in big_vision."""
        return self.classes or 0
