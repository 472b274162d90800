"""BERT's tokenizer: words and punctuation, then the longest pieces of a vocabulary (arXiv:1609.08144)."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence

from bvc.component import DataError

UNKNOWN = "[UNK]"
MOST_BYTES = 100
"""A word that is longer in UTF-8 is unknown as a whole."""

_CJK = (
    r"\u2e80-\u2fdf\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    r"\U00020000-\U0002a6df\U0002a700-\U0002ebef\U0002f800-\U0002fa1f"
)
_CHARACTER = re.compile(rf"[{_CJK}]")


class WordPiece:
    """Ids of the pieces of a text, lowercased and without accents.

    Args:
        pieces: the vocabulary, in the order of its ids; pieces inside a word begin with `##`.
    """

    def __init__(self, pieces: Sequence[str]) -> None:
        self.ids = {piece: index for index, piece in enumerate(pieces)}
        if UNKNOWN not in self.ids:
            raise DataError(f"a vocabulary without `{UNKNOWN}`")
        self.unknown = self.ids[UNKNOWN]
        self._known: dict[str, tuple[int, ...]] = {}

    @staticmethod
    @functools.lru_cache(maxsize=8)
    def load(path: str) -> WordPiece:
        """The tokenizer of a vocabulary file with one piece per line.

        Raises:
            DataError: the file cannot be read, or is no vocabulary.
        """
        try:
            with open(path, encoding="utf-8") as file:
                pieces = [line.rstrip("\n") for line in file]
        except OSError as error:
            raise DataError(f"a vocabulary that cannot be read: {error.strerror}", path) from error
        except UnicodeDecodeError as error:
            raise DataError("a vocabulary that is no UTF-8 text", path) from error
        return WordPiece(pieces)

    def __call__(self, text: str) -> list[int]:
        """Ids of all pieces of `text`."""
        found: list[int] = []
        for word in words(text):
            ids = self._known.get(word)
            if ids is None:
                ids = self._known[word] = self._pieces(word)
            found += ids
        return found

    def _pieces(self, word: str) -> tuple[int, ...]:
        if len(word.encode()) > MOST_BYTES:
            return (self.unknown,)
        found: list[int] = []
        start = 0
        while start < len(word):
            prefix = "##" if start else ""
            for end in range(len(word), start, -1):
                piece = self.ids.get(prefix + word[start:end])
                if piece is not None:
                    found.append(piece)
                    start = end
                    break
            else:
                return (self.unknown,)
        return tuple(found)


def words(text: str) -> list[str]:
    """Lowercased words; every punctuation mark and every CJK character is a word of its own.

    >>> words("A Café-cat!")
    ['a', 'cafe', '-', 'cat', '!']
    """
    folded = unicodedata.normalize("NFD", text.casefold())
    spaced: list[str] = []
    for character in folded:
        category = unicodedata.category(character)
        if category == "Mn":
            continue
        if category.startswith(("C", "Z")) or character.isspace():
            spaced.append(" ")
        elif _is_punctuation(character, category) or _CHARACTER.match(character):
            spaced.append(f" {character} ")
        else:
            spaced.append(character)
    return "".join(spaced).split()


def _is_punctuation(character: str, category: str) -> bool:
    return category.startswith("P") or (character.isascii() and not character.isalnum())
