"""Zero-shot classification by the texts that name the classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from bvc.component import Data, DataError, Pipeline, Stream, View, component


class Arrays(TypedDict):
    """Embeddings of prompts or images, and what they are of."""

    embedding: Float[Array, "b d"]
    label: Int[Array, "b"] | Int[Array, "b n"]


@dataclass
class State:
    """Prompts seen so far; with the first images they become one embedding for each class."""

    prompts: list[np.ndarray] = field(default_factory=list[np.ndarray])
    labels: list[np.ndarray] = field(default_factory=list[np.ndarray])
    classes: np.ndarray | None = None
    correct: int = 0
    count: int = 0


@component("evaluator")
class Zeroshot:
    """Accuracy of the class whose prompts lie nearest to an image (big_vision `discriminative_classifier.py`).

    A class is the normalized mean of the embeddings of its prompts (arXiv:2103.00020). Any of several labels
    counts as right, -1 is no label, and an image without any label drops out. Metric: `NAME_accuracy`.

    Settings:
        name: of the data, in the name of the metric
        data: labelled images
        prompts: texts with `label`, such as the source `prompts` gives
        image_pipeline: what `image_view` reads, and `label`
        text_pipeline: what `text_view` reads of a prompt's `text`, and `label`
        image_view: embeds images
        text_view: embeds texts
    """

    def __init__(
        self,
        *,
        name: str,
        data: Data,
        prompts: Data,
        image_pipeline: Pipeline,
        text_pipeline: Pipeline,
        image_view: View = "embed_image",
        text_view: View = "embed_text",
    ) -> None:
        self._name = name
        self._streams = {
            "prompt": Stream(prompts, text_pipeline, text_view),
            "image": Stream(data, image_pipeline, image_view),
        }

    def streams(self) -> Mapping[str, Stream]:
        """Every prompt, then every image."""
        return self._streams

    def prompt(self, embed_text: Float[Array, "b d"], label: Int[Array, "b"]) -> Arrays:
        """The embedding of each prompt."""
        return {"embedding": embed_text, "label": label}

    def image(self, embed_image: Float[Array, "b d"], label: Int[Array, "b"] | Int[Array, "b n"]) -> Arrays:
        """The embedding of each image."""
        return {"embedding": embed_image, "label": label}

    def start(self) -> State:
        """Nothing seen."""
        return State()

    def update(self, state: State, stream: str, arrays: Mapping[str, Shaped[np.ndarray, "b *dims"]]) -> State:
        """Collect prompts; count images that are right.

        Raises:
            DataError: an image has a label that no prompt has.
        """
        embedding, label = arrays["embedding"].astype(np.float64), arrays["label"]
        if stream == "prompt":
            state.prompts.append(embedding)
            state.labels.append(label)
            return state
        if state.classes is None:
            state.classes = class_embeddings(np.concatenate(state.prompts), np.concatenate(state.labels))
        label = label.reshape(len(label), -1)
        if label.max(initial=-1) >= len(state.classes):
            raise DataError(
                f"an image of class {label.max()}, but prompts for {len(state.classes)} classes",
                help="the list of class names must be that of the data",
            )
        labelled = (label >= 0).any(axis=1)
        best = np.argmax(embedding @ state.classes.T, axis=1)
        state.correct += int((label == best[:, None]).any(axis=1).sum())
        state.count += int(labelled.sum())
        return state

    def result(self, state: State) -> dict[str, float]:
        """The accuracy, in [0, 1].

        Raises:
            DataError: no image has a label.
        """
        if not state.count:
            raise DataError("no image with a label", help="`label` holds the number of a class; -1 is none")
        return {f"{self._name}_accuracy": state.correct / state.count}


def class_embeddings(
    prompts: Float[np.ndarray, "n d"], label: Int[np.ndarray, "n"]
) -> Float[np.ndarray, "classes d"]:
    """The mean of the prompts of each class, of norm 1.

    Raises:
        DataError: a class below the largest one has no prompt.
    """
    count = np.bincount(label)
    if not count.all():
        raise DataError(f"no prompt for class {int(np.argmin(count > 0))}")
    total = np.zeros((len(count), prompts.shape[1]))
    np.add.at(total, label, prompts)
    mean = total / count[:, None]
    return mean / (1e-8 + np.linalg.norm(mean, axis=1, keepdims=True))
