"""Generated captions against those of people."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TypedDict

import numpy as np
from jaxtyping import Array, Int, Shaped

from bvc.component import Data, DataError, InputFile, Pipeline, Stream, View, component
from bvc.library.coco.captions import captions_by_image, write_captions
from bvc.library.text.caption_scores import bleu, cider, rouge_l, words
from bvc.library.text.detokenize import detokenize

FILE = "captions.json"


class Arrays(TypedDict):
    """The tokens of each caption, and the number of its image."""

    sequences: Int[Array, "b t"]
    image_id: Int[Array, "b"]


State = dict[int, str]
"""Number of an image -> its caption."""


@component("evaluator")
class Captions:
    """BLEU, ROUGE-L and CIDEr of one generated caption per image (COCO's caption evaluation, arXiv:1504.00325).

    Words are what lies between spaces and punctuation, in lower case. COCO's own evaluation asks a Java program for
    them, which also splits contractions; for numbers to publish, give it `captions.json`, which is left in the work
    directory. Metrics: `bleu-1` ... `bleu-4` and `rouge` in [0, 1], `cider` in [0, 10].

    Settings:
        data: images
        pipeline: what the view reads, and the number of the image
        view: generates captions
        annotations: COCO's `captions_*.json`
        tokenizer: a sentencepiece model, or a WordPiece vocabulary (`.txt`)

    Ports:
        sequences: tokens; what follows a 0 or the end token does not count
        image_id: number of the image in the annotations; wire it by `feeds = { image_id = "batch.image/id" }`
    """

    def __init__(
        self,
        *,
        data: Data,
        pipeline: Pipeline,
        view: View = "generate",
        annotations: InputFile,
        tokenizer: InputFile,
    ) -> None:
        self._streams = {"images": Stream(data, pipeline, view)}
        self._annotations = annotations
        self._tokenizer = tokenizer

    @cached_property
    def references(self) -> dict[int, list[str]]:
        """The captions of people, read once."""
        return captions_by_image(self._annotations)

    def prepare(self) -> None:
        """Read the captions and the tokenizer."""
        _ = self.references
        detokenize([], self._tokenizer)

    def streams(self) -> Mapping[str, Stream]:
        """All images."""
        return self._streams

    def images(self, sequences: Int[Array, "b t"], image_id: Int[Array, "b"]) -> Arrays:
        """Both as they are."""
        return {"sequences": sequences, "image_id": image_id}

    def start(self) -> State:
        """Nothing seen."""
        return {}

    def update(self, state: State, stream: str, arrays: Mapping[str, Shaped[np.ndarray, "b *dims"]]) -> State:
        """Write the captions out.

        Raises:
            DataError: nobody described an image.
        """
        for tokens, number in zip(arrays["sequences"].tolist(), arrays["image_id"].tolist(), strict=True):
            if number not in self.references:
                raise DataError(
                    f"image {number}, which has no caption",
                    self._annotations,
                    "take the captions of the split that is read",
                )
            state[number] = detokenize(tokens, self._tokenizer)
        return state

    def result(self, state: State) -> dict[str, float]:
        """All metrics over all images."""
        captions = [words(text) for text in state.values()]
        references = [[words(text) for text in self.references[number]] for number in state]
        found = {f"bleu-{order}": value for order, value in enumerate(bleu(captions, references), 1)}
        found["rouge"] = float(np.mean([rouge_l(*pair) for pair in zip(captions, references, strict=True)]))
        found["cider"] = float(np.mean(cider(captions, references)))
        return found

    def files(self, state: State) -> dict[str, bytes]:
        """The captions in COCO's form."""
        return {FILE: write_captions(state)}
