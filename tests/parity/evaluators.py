"""Recorded evaluators: the same data in memory, through bvc's evaluators as the runtime runs them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bvc.compile.pipeline.run import Pipeline
from bvc.component.feature import Feature
from bvc.library.evaluators.classification import Classification
from bvc.library.evaluators.distance import Distance, Measured
from bvc.library.evaluators.fewshot_lsr import draw, least_squares
from bvc.library.evaluators.mean import Mean
from bvc.library.evaluators.perplexity import Perplexity
from bvc.library.evaluators.retrieval import Retrieval
from bvc.library.evaluators.scoring_classifier import ScoringClassifier
from bvc.library.evaluators.zeroshot import Zeroshot, class_embeddings
from bvc.library.losses.cross_entropy import token_xent
from bvc.library.text.canonical import canonical
from bvc.library.text.prompts import expanded
from bvc.runtime.evaluate import MeasuredStream, evaluate
from bvc.runtime.feed.feed import EvalFeed
from tests.parity.reference import Comparison, Reference, close, compares

Rows = Sequence[Mapping[str, Any]]
Ports = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def padded(rows: Rows, batch: int, expand: str | None = None) -> EvalFeed:
    """The batches of an evaluation over these examples."""
    example = dict(rows[0])
    if expand:
        example[expand] = example[expand][0]
    features = {name: Feature(value.dtype.name, value.shape) for name, value in example.items()}
    return EvalFeed(rows, Pipeline((), features), batch=batch, expand=expand)


def run(
    evaluator: Any, rows: Mapping[str, Rows], ports: Mapping[str, Ports], batch: int = 8, devices: int = 1
) -> dict[str, float]:
    """Run an evaluator; `ports` makes the ports of each stream's measure from a batch, split over devices."""
    mesh = jax.sharding.Mesh(jax.devices()[:devices], "data")
    spread = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("data"))
    streams: list[MeasuredStream] = []
    for name, stream in evaluator.streams().items():

        def measure(params: Any, batch: Any, name: str = name) -> Any:
            return getattr(evaluator, name)(**ports[name](batch))

        opened = functools.partial(padded, rows[name], batch, stream.expand)
        place = functools.partial(jax.device_put, device=spread)
        streams.append(MeasuredStream(name, opened, place, jax.jit(measure)))
    return evaluate("recorded", evaluator, streams, {})


def rows_of(**columns: np.ndarray) -> list[dict[str, Any]]:
    """Columns as examples."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def compared(reference: Reference, case: str, found: Mapping[str, float]) -> Iterator[Comparison]:
    described = reference.meta["cases"][case]
    recorded = {key: reference.group("outputs")[name] for key, name in described["outputs"].items()}
    rtol = max(described["tolerance"]["rtol"], described["tolerance"]["atol"])
    assert list(found) == list(recorded)
    for name, value in recorded.items():
        yield close(f"{case} {name}", found[name], value, rtol)


@compares("image-text retrieval recall")
def retrieval(reference: Reference) -> Iterator[Comparison]:
    """Recalls both ways, of images with several captions."""
    for case, described in reference.meta["cases"].items():
        image, text, parent = (
            reference.group("inputs")[described["inputs"][name]]
            for name in ("img", "txt", "text_image_correspondence")
        )
        images = rows_of(image=image)
        captions = [{"captions": list(text[parent == number])} for number in range(len(image))]
        found = run(
            Retrieval(data=None, image_pipeline=None, text_pipeline=None, text="captions"),
            {"image": images, "text": captions},
            {
                "image": lambda batch: {"embed_image": batch["image"]},
                "text": lambda batch: {"embed_text": batch["captions"], "_parent": batch["_parent"]},
            },
        )
        yield from compared(reference, case, found)


def classified(loss: Any, logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Metrics of a classifier."""
    ports: Ports = lambda batch: {"logits": batch["logits"], "labels": batch["labels"]}  # noqa: E731
    evaluator = Classification(data=None, pipeline=None, loss=loss)
    return run(evaluator, {"examples": rows_of(logits=logits, labels=labels)}, {"examples": ports})


@compares("classification evaluator")
def classification(reference: Reference) -> Iterator[Comparison]:
    """Precision and loss with one-hot, several-hot and smoothed labels."""
    for case, described in reference.meta["cases"].items():
        logits, labels = (
            reference.group("inputs")[described["inputs"][name]] for name in ("logits", "labels")
        )
        yield from compared(reference, case, classified(case.split("_", 1)[1], logits, labels))


@compares("last-batch padding")
def padding(reference: Reference) -> Iterator[Comparison]:
    """Padded last batches, and a mean into which infinities on padding must not leak."""
    inputs = reference.group("inputs")
    for case, described in reference.meta["cases"].items():
        if case == "mean_evaluator":
            continue
        x, y = (inputs[described["inputs"][name]] for name in ("x", "y"))
        numbers = np.asarray(described["inputs"]["_id"], np.int32)
        batches = list(padded(rows_of(z=x, y=y, _id=numbers), described["batch_size"]))
        for key, name in described["outputs"].items():
            found = np.stack([batch[key] for batch in batches])
            yield close(f"{case} {key}", found, reference.group("outputs")[name], 0.0)
    means: dict[str, Ports] = {
        "m1": lambda batch: {"value": batch["a"]},
        "m2": lambda batch: {"value": batch["b"] ** 2 + 1 / batch["b"]},
    }
    found = {}
    for metric, ports in means.items():
        evaluator = Mean(data=None, pipeline=None, view="any", metric=metric)
        found |= run(evaluator, {"examples": rows_of(a=inputs["a"], b=inputs["b"])}, {"examples": ports})
    yield from compared(reference, "mean_evaluator", found)


@compares("few-shot least-squares regression")
def fewshot(reference: Reference) -> Iterator[Comparison]:
    """Which examples are drawn, what they predict, how often that is right."""
    for case, described in reference.meta["cases"].items():
        words = dict(word.split("=") for word in described["op"].split()[1:])
        shots, seed, l2 = int(words["shots"]), int(words["seed"]), float(words["l2_reg"])
        x, label, test, wanted = (
            reference.group("inputs")[described["inputs"][name]]
            for name in ("x_train", "y_train", "x_test", "y_test")
        )
        chosen = draw(label, shots, seed)
        scores = least_squares(x[chosen], label[chosen], test, l2)
        recorded = {key: reference.group("outputs")[name] for key, name in described["outputs"].items()}
        yield close(f"{case} train_indices", chosen, recorded["train_indices"], 0.0)
        yield close(f"{case} predictions", np.argmax(scores, axis=1), recorded["preds64"], 0.0)
        if "scores64" in recorded:
            yield close(f"{case} scores", scores, recorded["scores64"], 1e-5)
        accuracy = np.mean(np.argmax(scores, axis=1) == wanted)
        yield close(f"{case} accuracy", accuracy, recorded["acc64"], 1e-9)
        yield close(f"{case} accuracy in float32", accuracy, recorded["acc"], 2 / len(wanted), scale=1.0)


@compares("perplexity, scoring classifier")
def captioning(reference: Reference) -> Iterator[Comparison]:
    """Negative log-likelihoods of sequences."""
    inputs = reference.group("inputs")
    for case, described in reference.meta["cases"].items():
        if case == "distance_evaluator":
            yield from _distances(reference, described)
            continue
        if case == "scoring":
            rows = rows_of(score=inputs["scores"], label=inputs["label"])
            evaluator = ScoringClassifier(data=None, pipeline=None)
            ports: Ports = lambda batch: {"score": batch["score"], "label": batch["label"]}  # noqa: E731
            found = run(evaluator, {"images": rows}, {"images": ports})["prec@1"]
            yield close(case, found, reference.group("outputs")[f"{case}/prec_at_1"], 1e-7)
            continue
        if case == "label_scores":
            yield _label_scores(reference, described)
            continue
        arrays = {port: inputs[name] for port, name in described["inputs"].items()}
        evaluator = Perplexity(data=None, pipeline=None, per_token="normTrue" in case)
        ports: Ports = lambda batch, names=tuple(arrays): {name: batch[name] for name in names}  # noqa: E731
        found = run(evaluator, {"sequences": rows_of(**arrays)}, {"sequences": ports})
        yield from compared(reference, case, found)


def _label_scores(reference: Reference, described: Mapping[str, Any]) -> Comparison:
    """What a captioner says of each image's texts, from its logits."""
    logits, tokens = (
        jnp.asarray(reference.group("inputs")[name]) for name in ("label_logits", "label_tokens")
    )
    weights = (tokens > 0).astype(jnp.float32)
    score = jax.vmap(lambda each: -token_xent(each, tokens, weights, normalize=False))(logits)
    return close("label_scores", score, reference.group("outputs")[described["outputs"]["scores"]], 1e-5)


def _distances(reference: Reference, described: Mapping[str, Any]) -> Iterator[Comparison]:
    """`/all` is an array, which a metric of bvc is not: its values are compared where they are measured."""
    student, teacher = (
        reference.group("inputs")[described["inputs"][name]] for name in ("student", "teacher")
    )
    wanted = tuple(Measured(**table) for table in described["distances"])
    evaluator = Distance(data=None, pipeline=None, teacher="any", distances=wanted)
    found: dict[str, Any] = {
        f"{name}/all": np.asarray(values)
        for name, values in evaluator.between(jnp.asarray(student), jnp.asarray(teacher)).items()
    }
    ports: Ports = lambda batch: {"logits": batch["logits"]}  # noqa: E731
    rows = {"student": rows_of(logits=student), "teacher": rows_of(logits=teacher)}
    found |= run(evaluator, rows, dict.fromkeys(rows, ports))
    for key, name in described["outputs"].items():
        theirs = reference.group("outputs")[name].astype(np.float32)
        yield close(f"distance {key}", found[key.replace("__", "/")], theirs, 1e-5)


@compares("zero-shot classification with prompt ensembling")
def zeroshot(reference: Reference) -> Iterator[Comparison]:
    """Embeddings of classes and accuracies, with one label and several; texts of prompts."""
    inputs, outputs = reference.group("inputs"), reference.group("outputs")
    for case, described in reference.meta["cases"].items():
        if described["op"] == "zero-shot":
            arrays = {name: inputs[key] for name, key in described["inputs"].items()}
            kept = arrays["mask"]
            evaluator = Zeroshot(name="x", data=None, prompts=None, image_pipeline=None, text_pipeline=None)
            found = run(
                evaluator,
                {
                    "prompt": rows_of(embedding=arrays["text_emb"], label=arrays["text_label"]),
                    "image": rows_of(embedding=arrays["img_emb"][kept], label=arrays["labels"][kept]),
                },
                {
                    "prompt": lambda batch: {"embed_text": batch["embedding"], "label": batch["label"]},
                    "image": lambda batch: {"embed_image": batch["embedding"], "label": batch["label"]},
                },
            )
            classes = class_embeddings(arrays["text_emb"], arrays["text_label"])
            count = outputs[f"{case}/count"]
            yield close(f"{case} class_embeddings", classes, outputs[f"{case}/class_embeddings"], 1e-6)
            yield close(f"{case} accuracy", found["x_accuracy"], outputs[f"{case}/accuracy"], 1e-9)
            yield close(f"{case} count", kept.sum(), count, 0.0)
            correct = np.int32(round(found["x_accuracy"] * count))
            yield close(f"{case} correct", correct, outputs[f"{case}/correct"], 0.0)
        elif case == "prompt_expansion":
            prompts = expanded(described["inputs"]["class_names"], described["inputs"]["templates"], False)
            for name, ours in zip(("texts", "labels"), zip(*prompts, strict=True), strict=True):
                same = list(ours) == outputs[f"{case}/{name}"].tolist()
                yield Comparison(f"{case} {name}", float(not same), 0.0)
        else:
            keep = {"none": None, "braces": "{}", "comma": ","}[case.removeprefix("canonicalize_")]
            texts = [canonical(text, keep) for text in described["texts"]]
            yield Comparison(case, float(texts != outputs[f"{case}/out"].tolist()), 0.0)
