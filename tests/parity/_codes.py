"""UViM's first stage in a recorded training run: its loss on maps of labels, its codebook."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from bvc.compile.step.mutable import Advance
from bvc.compile.wiring import Wires
from bvc.component import Loss, MeshContext
from bvc.component.registry import find
from bvc.library.codecs.panoptic import Panoptic
from bvc.library.models.label_autoencoder import LabelAutoencoder
from tests.parity.reference import Reference
from tests.parity.vqvae import recorded_model

Batches = list[dict[str, np.ndarray]]


class Codes:
    """The model's loss of every map, a loss that draws the encoder to its codes, and what the codebook learns from."""

    coupled = False

    def __init__(self, commitment: float) -> None:
        self.commitment = commitment

    def __call__(self, model: LabelAutoencoder, batch: Any, keys: Any, mesh: MeshContext) -> Loss:
        out: Any = model(batch["labels"], batch["image"])
        count = jnp.float32(len(batch["image"]))
        told = {name: jnp.sum(each) for name, each in model.losses(batch["labels"], batch["image"]).items()}
        told["loss_rec"] = told.pop("loss")
        away = jnp.square(out["bottleneck"] - jax.lax.stop_gradient(out["bottleneck_q"]))
        told["loss_commitment"] = jnp.sum(jnp.mean(away, axis=(1, 2)))
        metrics = {name: (value, count) for name, value in told.items()}
        counts = mesh.sum(out["counts"])
        for name, value in (("zeros", jnp.mean(counts == 0)), ("max", jnp.max(counts) / jnp.sum(counts))):
            metrics[f"codebook_{name}_ratio"] = (value / mesh.shards, jnp.float32(1 / mesh.shards))
        total = jnp.sum(out["loss"]) + self.commitment * told["loss_commitment"]
        return Loss(total, count, metrics, {name: out[name] for name in ("counts", "sums")})


def codes(reference: Reference, batches: Batches) -> tuple[Any, Codes, Batches]:
    """The model with the codec of its maps, and its loss."""
    kwargs = reference.meta["kwargs"]
    classes = {name: shape[0] for name, shape in kwargs["inputs"].items()}
    codec = Panoptic(size=tuple(kwargs["input_size"]), patch=tuple(kwargs["patch_size"]), **classes)
    model = LabelAutoencoder(codec=codec, autoencoder=recorded_model(reference), key=jax.random.key(0))
    return model, Codes(reference.meta["config"]["w_commitment"]), batches


def advance_of(model: Any) -> Advance | None:
    """How the codebook advances, whose statistics `Codes` hands over."""
    component = find("model", "label_autoencoder")
    if not isinstance(model, LabelAutoencoder) or component is None or component.advance is None:
        return None
    return Advance(component.advance[0], Wires({}), component.advance[1])


def state_series(params: Any) -> dict[str, np.ndarray]:
    """The codebook after a step."""
    if not isinstance(params, LabelAutoencoder):
        return {}
    codebook = params.autoencoder.codebook
    return {
        "state/dictionary": np.asarray(codebook.dictionary),
        "state/counts": np.asarray(codebook.counts),
    }


@eqx.filter_jit
def _chosen(model: LabelAutoencoder, batch: Any) -> Any:
    out: Any = model(batch["labels"], batch["image"])
    away = out["bottleneck"] - model.autoencoder.codebook.codewords()[out["code"]]
    return {"code": out["code"], "code_dist_median": jnp.median(jnp.sum(away * away, axis=-1))}


def chosen_codes(static: Any, params: Any, batch: Any) -> dict[str, np.ndarray]:
    """The codes that the next step chooses, and how near they are."""
    if not isinstance(params, LabelAutoencoder):
        return {}
    return jax.device_get(_chosen(eqx.combine(params, static), batch))
