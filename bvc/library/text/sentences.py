"""A sentencepiece model file."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from bvc.component import DataError


@dataclass(frozen=True)
class SentencePiece:
    """A loaded model; `start` is None where it has no start token."""

    file: str
    processor: Any

    @staticmethod
    @functools.lru_cache(maxsize=8)
    def load(file: str) -> SentencePiece:
        """The model in a file, kept for the next call.

        Raises:
            DataError: the file cannot be read, or is no sentencepiece model.
        """
        import sentencepiece

        try:
            with open(file, "rb") as opened:
                serialized = opened.read()
        except OSError as error:
            raise DataError(f"a tokenizer that cannot be read: {error.strerror}", file) from error
        try:
            return SentencePiece(file, sentencepiece.SentencePieceProcessor(model_proto=serialized))
        except RuntimeError as error:
            raise DataError("a file that is no sentencepiece model", file) from error

    @property
    def start(self) -> int | None:
        """Id of the start token."""
        found = self.processor.bos_id()
        return None if found < 0 else found

    @property
    def end(self) -> int:
        """Id of the end token.

        Raises:
            DataError: the model has none.
        """
        found = self.processor.eos_id()
        if found < 0:
            raise DataError("a sentencepiece model without an end token", self.file)
        return found

    def encode(self, text: str) -> list[int]:
        """Ids of the pieces of `text`."""
        return self.processor.encode(text)

    def decode(self, tokens: list[int]) -> str:
        """The text of ids; those that the model does not have are left out."""
        known = [token for token in tokens if token < self.processor.get_piece_size()]
        return self.processor.decode(known)

    def number(self, piece: int | str) -> int:
        """An id as it is, or the id of a piece."""
        return piece if isinstance(piece, int) else self.processor.piece_to_id(piece)
