"""Recorded losses with their gradients."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bvc.component import Loss, MeshContext
from bvc.library.losses import cross_entropy
from bvc.library.losses.contrastive import sigmoid_pairs, softmax_pairs
from bvc.library.losses.distance import distance
from bvc.library.objectives.token_xent import token_xent
from tests.parity.optim import within
from tests.parity.reference import Comparison, Reference, absent, compares


@compares("sigmoid_xent, softmax_xent, weighted_softmax_xent")
def cross_entropies(reference: Reference) -> Iterator[Comparison]:
    """Cross-entropies of classes and of tokens; a sum is differentiated where nothing is reduced."""
    for name, case in reference.meta["cases"].items():
        given = _given(reference, case)
        options = _options(case["op"])
        reduced = options.get("reduction", "True") == "True"

        def loss(logits: Any, op: str = case["op"], given: Any = given, options: Any = options) -> Any:
            return _cross_entropy(op, logits, given, options)

        found = loss(given["logits"])
        total = jax.grad(lambda logits, loss=loss, reduced=reduced: _reduced(loss(logits), reduced))(
            given["logits"]
        )
        ours = {"loss": jnp.mean(found) if reduced else found, "grad": total}
        yield from _compared(reference, name, case, ours)


@compares("bidirectional softmax contrastive")
def contrastive(reference: Reference) -> Iterator[Comparison]:
    """The pairwise losses, with gradients of all that they read; `ncorrect` is a metric that bvc does not have."""
    alone = MeshContext()
    for name, case in reference.meta["cases"].items():
        given = _given(reference, case)
        mask = given.pop("mask").astype(bool) if "mask" in given else None
        reduced = name.endswith("_mean") or name.startswith("siglip")

        def loss(given: Any, mask: Any = mask, reduced: bool = reduced) -> tuple[Any, Any]:
            image, text, t = given["zimg"], given["ztxt"], given["t"]
            if "b" in given:
                total = sigmoid_pairs(image, text, t, given["b"], alone)
                return total / len(image), total
            per_image = softmax_pairs(image, text, t, alone, mask=mask)
            kept = len(image) if mask is None else jnp.sum(mask)
            return (jnp.sum(per_image) / kept if reduced else jnp.sum(per_image)), per_image

        (total, each), gradients = jax.value_and_grad(loss, has_aux=True)(given)
        ours = {
            "loss": total if reduced else each,
            **{f"grad_{key}": value for key, value in gradients.items()},
        }
        yield from _compared(reference, name, case, ours, skip={"ncorrect"})


@compares("distillation distances")
def distances(reference: Reference) -> Iterator[Comparison]:
    """Distances alone, and their sum over two teachers."""
    for name, case in reference.meta["cases"].items():
        given = _given(reference, case)
        kind = (re.search(r"kind': '(\w+)'", case["op"]) or re.search(r"distance=(\w+)", case["op"])).group(1)  # type: ignore[union-attr]
        numbers = {key: float(value) for key, value in re.findall(r"'(t|ls|k)': ([\d.]+)", case["op"])}
        options: dict[str, Any] = {"t": numbers.get("t", 1.0), "smoothing": numbers.get("ls", 0.0)}
        options["k"] = int(numbers.get("k", 1))
        teachers = [given[key] for key in ("teacher", "teacher2") if key in given]

        def summed(student: Any, kind: Any = kind, options: Any = options, teachers: Any = teachers) -> Any:
            return sum(distance(student, teacher, kind, **options) for teacher in teachers)

        trainer = name.startswith("trainer")
        reduce: Callable[[Any], Any] = jnp.mean if trainer else jnp.sum
        gradient = jax.grad(lambda student, f=summed, r=reduce: r(f(student)))(given["student"])
        each = summed(given["student"])
        ours = {"dist": each, "distill_loss": jnp.mean(each), "grad": gradient}
        if trainer:
            ours |= {
                "entropy_student": _entropy(given["student"]),
                "entropy_teacher": _entropy(given["teacher"]),
                "task_loss_student": jnp.mean(cross_entropy.softmax_xent(given["student"], given["labels"])),
            }
        yield from _compared(reference, name, case, ours)


def _cross_entropy(op: str, logits: Any, given: Mapping[str, Any], options: Mapping[str, str]) -> Any:
    labels = given["labels"]
    if op.startswith("sigmoid_xent"):
        return cross_entropy.sigmoid_xent(logits, labels)
    if op.startswith("softmax_xent"):
        kl, axis = options.get("kl") == "True", int(options.get("axis", -1))
        return cross_entropy.softmax_xent(logits, labels, kl=kl, axis=axis)
    smoothing = float(options.get("label_smoothing", 0.0))
    if op.startswith("captioner"):
        loss: Loss = token_xent(logits, labels, given.get("label_masks"), smoothing=smoothing)
        return loss.total / loss.weight
    normalize = options["normalize"] == "True"
    return cross_entropy.token_xent(
        logits, labels, given.get("weights"), smoothing=smoothing, normalize=normalize
    )


def _reduced(values: Any, mean: bool) -> Any:
    return jnp.mean(values) if mean else jnp.sum(values)


def _entropy(logits: Any) -> Any:
    logs = jax.nn.log_softmax(logits)
    return -jnp.mean(jnp.sum(jnp.exp(logs) * logs, axis=-1))


def _given(reference: Reference, case: Mapping[str, Any]) -> dict[str, Any]:
    inputs = reference.group("inputs")
    return {
        key: jnp.asarray(inputs[name] if isinstance(name, str) else name)
        for key, name in case["inputs"].items()
    }


def _options(op: str) -> dict[str, str]:
    return dict(re.findall(r"(\w+)=([^,)\s]+)", op))


def _compared(
    reference: Reference,
    name: str,
    case: Mapping[str, Any],
    ours: Mapping[str, Any],
    skip: set[str] | None = None,
) -> Iterator[Comparison]:
    outputs = reference.group("outputs")
    for output, place in case["outputs"].items():
        if output in (skip or set()):
            continue
        label = f"{name}/{output}"
        found = ours.get(output)
        yield (
            absent(label, 0)
            if found is None
            else within(label, found, np.asarray(outputs[place]), case["tolerance"])
        )
