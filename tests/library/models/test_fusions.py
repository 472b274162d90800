"""XLA on CPU must not weld the gradients of different layers into one fusion: that made a ViT 1.4 times slower."""

from __future__ import annotations

import re

import equinox as eqx
import jax
import jax.numpy as jnp

from bvc.component.execution import Execution, executing
from bvc.library.models.vit import Vit


def largest_fusion(text: str) -> int:
    """The most operands that any fusion of an HLO text has, but for those that only stack layers' gradients."""
    fusions = re.finditer(r"%(\S+) = \S+ fusion\((.*?)\), kind=", text)
    return max(len(found[2].split("%")) - 1 for found in fusions if "concatenate" not in found[1])


def test_gradients_of_layers_stay_apart() -> None:
    abstract = eqx.filter_eval_shape(
        lambda key: Vit(width=16, depth=6, heads=2, mlp_dim=32, size=16, patch=8, key=key),
        jax.eval_shape(lambda: jax.random.key(0)),
    )
    leaves, structure = jax.tree.flatten(abstract)

    def loss(leaves: list[jax.Array], image: jax.Array) -> jax.Array:
        return jnp.sum(jax.tree.unflatten(structure, leaves)(image)["pre_logits"])

    with executing(Execution(unroll=True)):
        image = jax.ShapeDtypeStruct((2, 16, 16, 3), jnp.float32)
        compiled = jax.jit(jax.grad(loss)).lower(leaves, image).compile()
    assert largest_fusion(compiled.as_text()) <= 14
