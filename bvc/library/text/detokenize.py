"""From tokens back to text."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from bvc.library.text.sentences import SentencePiece
from bvc.library.text.wordpiece import WordPiece

_PAD = 0


def detokenize(tokens: Sequence[int], tokenizer: str) -> str:
    """The text of tokens up to the first padding (0) or end token.

    Args:
        tokens: numbers of pieces.
        tokenizer: a sentencepiece model, or a WordPiece vocabulary (`.txt`).

    Raises:
        DataError: the file cannot be read, or is none of them.
    """
    if tokenizer.endswith(".txt"):
        pieces = _pieces(tokenizer)
        said = [pieces[token] for token in _until(tokens, (_PAD,)) if token < len(pieces)]
        whole = " ".join(piece for piece in said if not (piece.startswith("[") and piece.endswith("]")))
        return whole.replace(" ##", "")
    model = SentencePiece.load(tokenizer)
    return model.decode(_until(tokens, (_PAD, model.end)))


def _until(tokens: Sequence[int], ends: tuple[int, ...]) -> list[int]:
    stop = next((place for place, token in enumerate(tokens) if token in ends), len(tokens))
    return list(tokens[:stop])


@functools.lru_cache(maxsize=8)
def _pieces(file: str) -> list[str]:
    return list(WordPiece.load(file).ids)
