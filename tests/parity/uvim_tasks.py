"""Recorded tasks of UViM: what the first stage reads, its loss, and what becomes of its prediction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from bvc.library.codecs.color import Color
from bvc.library.codecs.depth import Depth, centre
from bvc.library.codecs.panoptic import Panoptic
from tests.parity.optim import within
from tests.parity.reference import Comparison, Reference, compares


@compares("UViM task losses")
def tasks(reference: Reference) -> Iterator[Comparison]:
    """Encodings, losses with gradients of their mean, decodings."""
    meta, inputs = reference.meta, reference.group("inputs")
    for case, described in meta["cases"].items():
        task, what = case.split("_", 1)
        given = {name: jnp.asarray(inputs[key]) for name, key in described["inputs"].items()}
        labels = given.pop("labels", None)
        codec = _codec(task, meta, what)
        if task == "givt":
            chosen = jnp.argmax(given["depth"], axis=-1)
            ours: dict[str, Any] = {
                "depth": centre(chosen, meta["depth_bins"], meta["min_depth"], meta["max_depth"])
            }
        elif what == "input":
            ours = codec.encode(labels)
            if task == "depth":
                ours = {"depth": jnp.argmax(ours["depth"], axis=-2).astype(jnp.int32)}
        elif what == "loss":
            ours = _losses(codec, given, labels)
        else:
            ours = codec.decode(given)
            if task == "panoptic":
                ours = {"out": jnp.stack([ours["semantics"], ours["instances"]], axis=-1)}
        for name, place in described["outputs"].items():
            theirs = reference.group("outputs")[place]
            yield within(f"{case}/{name}", ours[name], theirs, described["tolerance"])


def _codec(task: str, meta: Mapping[str, Any], what: str) -> Any:
    shape = {"size": tuple(meta["input_size"]), "patch": tuple(meta["patch_size"])}
    if task == "panoptic":
        counts = {"semantics": meta["n_semantics"], "instances": meta["n_instances"]}
        least = float(what.removeprefix("predict_")) if what.startswith("predict") else 0.0
        return Panoptic(**shape, **counts, min_fraction=least)
    if task == "depth":
        ends = {"min_depth": meta["min_depth"], "max_depth": meta["max_depth"]}
        return Depth(**shape, bins=meta["depth_bins"], **ends)
    return Color(**shape)


def _losses(codec: Any, logits: Mapping[str, Any], labels: Any) -> dict[str, Any]:
    each = codec.loss(logits, labels)
    gradients = jax.grad(lambda logits: jnp.mean(sum(codec.loss(logits, labels).values())))(logits)
    found = {"loss": sum(each.values()), "grad_mean": next(iter(gradients.values()))}
    for name, values in each.items():
        found |= {f"loss_{name}": values, f"grad_mean_{name}": gradients[name]}
    return found
