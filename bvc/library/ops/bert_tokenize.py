"""Tokenize a text as BERT does."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int32

from bvc.component import DataError, InputFile, Text, Texts, component
from bvc.component.annotation import Count
from bvc.library.text.choose import one_text
from bvc.library.text.wordpiece import WordPiece

START = "[CLS]"


@component("op", writes="labels")
class BertTokenize:
    """Ids of BERT's word pieces, `[CLS]` first, no `[SEP]`, cut or padded with 0 (big_vision, flaxformer/bert_ops.py).

    Of several texts one is drawn at random.

    Settings:
        max_len: number of ids
        vocab: vocabulary file, one piece per line
        sample_if_multi: draw one of several texts; false: take the first
    """

    def __init__(self, max_len: Count, vocab: InputFile, sample_if_multi: bool = True) -> None:
        self.max_len = max_len
        self.vocab = vocab
        self.sample = sample_if_multi

    def __call__(self, text: Text | Texts, rng: np.random.Generator) -> Int32[np.ndarray, "{self.max_len}"]:
        """Ids of the pieces."""
        tokenizer = WordPiece.load(self.vocab)
        start = tokenizer.ids.get(START)
        if start is None:
            raise DataError(f"a vocabulary without `{START}`", self.vocab)
        ids = [start, *tokenizer(one_text(text, rng if self.sample else None))][: self.max_len]
        padded = np.zeros(self.max_len, np.int32)
        padded[: len(ids)] = ids
        return padded
