"""Tokenize a text with a sentencepiece model."""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Int32

from bvc.component import DataError, Feature, InputFile, Text, Texts, component
from bvc.component.annotation import Count
from bvc.library.text.ascii import lowered
from bvc.library.text.choose import one_text
from bvc.library.text.sentences import SentencePiece


@component("op", writes="labels")
class Tokenize:
    """Ids of a text's pieces in a sentencepiece model, cut or padded to a length (big_vision/pp/ops_text.py).

    Of several texts one is drawn at random, or all are kept. Each of several texts is cut and ended by itself;
    big_vision's `sticky` leaves the end token out of a text that is too long and not the longest.

    Settings:
        max_len: number of ids
        eos: "none", "yes" for an end token that may be cut off, "sticky" for one that is kept in the last place
        model: file of the sentencepiece model
        lower: lowercase ASCII letters before
        sample_if_multi: draw one of several texts; false: keep all
        pad_value: what fills the rest: an id, or a piece
        add_bos: a start token first
    """

    def __init__(
        self,
        max_len: Count,
        eos: Literal["none", "yes", "sticky"] = "none",
        *,
        model: InputFile,
        lower: bool = True,
        sample_if_multi: bool = True,
        pad_value: int | str = "<pad>",
        add_bos: bool = False,
    ) -> None:
        self.max_len = max_len
        self.eos = eos
        self.model = model
        self.lower = lower
        self.sample = sample_if_multi
        self.pad = pad_value
        self.add_bos = add_bos

    def __call__(
        self, text: Text | Texts, rng: np.random.Generator
    ) -> Int32[np.ndarray, "... {self.max_len}"]:
        """The ids, or one row of them for each text."""
        if self.sample or isinstance(text, str):
            return self._ids(one_text(text, rng))
        return np.stack([self._ids(each) for each in text]) if text else np.zeros((0, self.max_len), np.int32)

    def typed(self, text: Feature) -> Feature:
        """A row of ids, or one for each text."""
        return Feature("int32", (self.max_len,) if self.sample else (*text.shape, self.max_len))

    def _ids(self, text: str) -> Int32[np.ndarray, "max_len"]:
        model = SentencePiece.load(self.model)
        ids = model.encode(lowered(text) if self.lower else text)
        if self.add_bos:
            if model.start is None:
                raise DataError("a sentencepiece model without a start token", self.model)
            ids = [model.start, *ids]
        if self.eos != "none":
            room = self.max_len - 1 if self.eos == "sticky" else self.max_len
            ids = [*ids[:room], model.end]
        padded = np.full(self.max_len, model.number(self.pad), np.int32)
        padded[: min(len(ids), self.max_len)] = ids[: self.max_len]
        return padded
