"""A linear map of the last dim."""

from __future__ import annotations

from typing import Literal

import equinox as eqx
from jaxtyping import Array, Float, Int

from bvc.component import complete
from bvc.component.execution import execution
from bvc.library.layers.initializers import Parameter

Dtype = Literal["float32", "bfloat16"]
"""Precision of matrix products; parameters are float32 whatever it is."""


def rows(x: Float[Array, "*b d"]) -> Float[Array, "*n d"]:
    """On CPU one row for each token: each further dim of a product with its bias costs gradients copies there."""
    return x.reshape(-1, x.shape[-1]) if execution().unroll else x


class Dense(eqx.Module):
    """`x @ kernel + bias`, computed in `dtype`; without `bias` if it is None."""

    kernel: Float[Array, "d c"]
    bias: Float[Array, "c"] | None
    dtype: Dtype = eqx.field(static=True)

    def __init__(self, kernel: Parameter, bias: Parameter | None, dtype: Dtype = "float32") -> None:
        self.kernel = kernel
        self.bias = bias
        self.dtype = dtype

    def __call__(self, x: Float[Array, "*b d"]) -> Float[Array, "*b c"]:
        """Map the last dim."""
        y = complete(rows(x).astype(self.dtype) @ self.kernel.astype(self.dtype), x, self.kernel)
        y = y if self.bias is None else y + self.bias.astype(self.dtype)
        return y.reshape(*x.shape[:-1], y.shape[-1])


class Embedding(eqx.Module):
    """A table of vectors, looked up by number."""

    embedding: Float[Array, "v d"]

    def __call__(self, index: Int[Array, "*b"]) -> Float[Array, "*b d"]:
        """The vectors of these entries."""
        return self.embedding[index]

    def attend(self, x: Float[Array, "*b d"]) -> Float[Array, "*b v"]:
        """The product with every vector of the table: logits over the vocabulary."""
        return x @ self.embedding.T
