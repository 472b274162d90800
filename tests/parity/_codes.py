"""UViM's first stage in a recorded training run: its loss on maps of labels, its codebook."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from bvc.compile.mutable import Advance
from bvc.compile.wiring import Wires, by_root
from bvc.component import Loss, MeshContext
from bvc.component.registry import find
from bvc.library.losses.cross_entropy import softmax_xent
from bvc.library.models.vqvae import VqVae
from tests.parity.reference import Reference
from tests.parity.vqvae import recorded_model

Batches = list[dict[str, np.ndarray]]


class Codes:
    """Cross-entropy of every map, a loss that draws the encoder to its codes, and what the codebook learns from."""

    coupled = False

    def __init__(self, commitment: float) -> None:
        self.commitment = commitment

    def __call__(self, model: Any, batch: Any, keys: Any, mesh: MeshContext) -> Loss:
        x = {name.removeprefix("x/"): value for name, value in batch.items() if name.startswith("x/")}
        out = model(x, batch["image"])
        count = jnp.float32(len(batch["image"]))
        told = {f"loss_{name}": _cross_entropy(out["logits"][name], x[name]) for name in x}
        told["loss_rec"] = sum(told.values(), start=jnp.zeros(()))
        away = jnp.square(out["bottleneck"] - jax.lax.stop_gradient(out["bottleneck_q"]))
        told["loss_commitment"] = jnp.sum(jnp.mean(away, axis=(1, 2)))
        metrics = {name: (value, count) for name, value in told.items()}
        counts = mesh.sum(out["counts"])
        for name, value in (("zeros", jnp.mean(counts == 0)), ("max", jnp.max(counts) / jnp.sum(counts))):
            metrics[f"codebook_{name}_ratio"] = (value / mesh.shards, jnp.float32(1 / mesh.shards))
        total = told["loss_rec"] + self.commitment * told["loss_commitment"]
        return Loss(total, count, metrics, {name: out[name] for name in ("counts", "sums")})


def codes(reference: Reference, batches: Batches) -> tuple[Any, Codes, Batches]:
    """The model, its loss, and the batches with maps as one-hot patches."""
    kwargs = reference.meta["kwargs"]
    classes = {name: shape[0] for name, shape in kwargs["inputs"].items()}
    patched = [
        {"image": batch["image"]}
        | {
            f"x/{name}": _patches(batch["labels"][..., index], count, kwargs["patch_size"])
            for index, (name, count) in enumerate(classes.items())
        }
        for batch in batches
    ]
    return recorded_model(reference), Codes(reference.meta["config"]["w_commitment"]), patched


def advance_of(model: Any) -> Advance | None:
    """How the codebook advances, whose statistics `Codes` hands over."""
    component = find("model", "vqvae")
    if not isinstance(model, VqVae) or component is None or component.advance is None:
        return None
    return Advance(component.advance[0], Wires({}), component.advance[1])


def state_series(params: Any) -> dict[str, np.ndarray]:
    """The codebook after a step."""
    if not isinstance(params, VqVae) or params.codebook is None:
        return {}
    return {
        "state/dictionary": np.asarray(params.codebook.dictionary),
        "state/counts": np.asarray(params.codebook.counts),
    }


@eqx.filter_jit
def _chosen(model: VqVae, batch: Any) -> Any:
    out = model(by_root(batch)["batch"]["x"], batch["image"])
    assert model.codebook is not None
    away = out["bottleneck"] - model.codebook.codewords()[out["code"]]
    return {"code": out["code"], "code_dist_median": jnp.median(jnp.sum(away * away, axis=-1))}


def chosen_codes(static: Any, params: Any, batch: Any) -> dict[str, np.ndarray]:
    """The codes that the next step chooses, and how near they are."""
    if not isinstance(params, VqVae):
        return {}
    return jax.device_get(_chosen(eqx.combine(params, static), batch))


def _cross_entropy(logits: Any, onehot: Any) -> Any:
    each = softmax_xent(jnp.moveaxis(logits, 2, -1), jnp.moveaxis(onehot, 2, -1))
    return jnp.sum(jnp.mean(each, axis=(1, 2)))


def _patches(labels: np.ndarray, classes: int, patch: list[int]) -> np.ndarray:
    """Maps [b h w] as one-hot patches [b t c p]; a label of -1 is all zeros."""
    onehot = (labels[..., None] == np.arange(classes)).astype(np.float32)
    b, h, w, c = onehot.shape
    cut = onehot.reshape(b, h // patch[0], patch[0], w // patch[1], patch[1], c)
    return cut.transpose(0, 1, 3, 5, 2, 4).reshape(b, -1, c, patch[0] * patch[1])
