"""Recall of image-text retrieval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from bvc.component import Data, Pipeline, Stream, View, component

RANKS = (1, 5, 10)
_ROWS = 1024
"""Rows of the similarity matrix that are in memory at a time."""


class ImageArrays(TypedDict):
    """Embeddings of images, in dataset order."""

    embedding: Float[Array, "b d"]


class TextArrays(TypedDict):
    """Embeddings of captions, and the number of the image of each."""

    embedding: Float[Array, "b d"]
    parent: Int[Array, "b"]


State = dict[str, list[np.ndarray]]


@component("evaluator")
class Retrieval:
    """Recall@1, 5 and 10 from images to texts and back (big_vision `image_text/retrieval.py`).

    An image is found if any of its captions is among the first k by inner product, a caption if its image is.
    Metrics: `img2txt_recall@k`, `txt2img_recall@k`.

    Settings:
        data: images, each with one or several captions
        image_pipeline: what `image_view` reads
        text_pipeline: what `text_view` reads; it sees one caption at a time, in the feature named by `text`
        text: the feature that holds the captions of an image
        image_view: embeds images
        text_view: embeds texts
    """

    def __init__(
        self,
        *,
        data: Data,
        image_pipeline: Pipeline,
        text_pipeline: Pipeline,
        text: str = "captions/text",
        image_view: View = "embed_image",
        text_view: View = "embed_text",
    ) -> None:
        self._streams = {
            "image": Stream(data, image_pipeline, image_view),
            "text": Stream(data, text_pipeline, text_view, expand=text),
        }

    def streams(self) -> Mapping[str, Stream]:
        """Every image, then every caption."""
        return self._streams

    def image(self, embed_image: Float[Array, "b d"]) -> ImageArrays:
        """The embedding of each image."""
        return {"embedding": embed_image}

    def text(self, embed_text: Float[Array, "b d"], _parent: Int[Array, "b"]) -> TextArrays:
        """The embedding of each caption."""
        return {"embedding": embed_text, "parent": _parent}

    def start(self) -> State:
        """Nothing seen."""
        return {"image": [], "text": [], "parent": []}

    def update(self, state: State, stream: str, arrays: Mapping[str, Shaped[np.ndarray, "b *dims"]]) -> State:
        """Collect embeddings."""
        state[stream].append(arrays["embedding"])
        if stream == "text":
            state["parent"].append(arrays["parent"])
        return state

    def result(self, state: State) -> dict[str, float]:
        """Recalls in [0, 1]."""
        return recalls(*(np.concatenate(state[name]) for name in ("image", "text", "parent")))


def recalls(
    image: Float[np.ndarray, "n d"], text: Float[np.ndarray, "m d"], parent: Int[np.ndarray, "m"]
) -> dict[str, float]:
    """Recalls both ways; `parent` is the number of the image of each text."""
    numbers = np.arange(len(image))
    ranks = {
        "img2txt": _ranks(image, text, numbers, parent),
        "txt2img": _ranks(text, image, parent, numbers),
    }
    return {
        f"{direction}_recall@{k}": float(np.mean(rank < k))
        for direction, rank in ranks.items()
        for k in RANKS
    }


def _ranks(
    queries: Float[np.ndarray, "n d"],
    answers: Float[np.ndarray, "m d"],
    wanted: Int[np.ndarray, "n"],
    offered: Int[np.ndarray, "m"],
) -> Int[np.ndarray, "n"]:
    """How many answers come before the first right one; among equally similar ones those that stand first.

    An answer is right where the image it belongs to (`offered`) is that of the query (`wanted`).
    """
    ranks: list[np.ndarray] = []
    for start in range(0, len(queries), _ROWS):
        rows = slice(start, start + _ROWS)
        similarity = queries[rows] @ answers.T
        right = wanted[rows, None] == offered[None, :]
        best = np.where(right, similarity, -np.inf).max(axis=1, keepdims=True)
        first = np.argmax(right & (similarity == best), axis=1)[:, None]
        before = np.arange(len(answers))[None, :] < first
        ranks.append(((similarity > best) | ((similarity == best) & before)).sum(axis=1))
    return np.concatenate(ranks)
