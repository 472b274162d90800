"""How much captions say what people said: BLEU, ROUGE-L and CIDEr-D over words.

All take one caption and several references per image, as lists of words. The numbers are those of COCO's caption
evaluation (arXiv:1504.00325), which writes 1e-15 for a BLEU without any match; here it is 0.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

Words = Sequence[str]
Counts = Counter[tuple[str, ...]]

ORDERS = 4
"""N-grams of 1 to 4 words."""
_BETA = 1.2
_SIGMA = 6.0

_WORD = re.compile(r"[^\W_]+(?:[-'.,/][^\W_]+)*|'[^\W_]+")


def words(caption: str) -> list[str]:
    """Words in lower case, without punctuation; inner hyphens, apostrophes and points stay.

    Stands in for the Penn Treebank tokenizer of COCO's evaluation, which also splits contractions.
    """
    return _WORD.findall(caption.lower())


def bleu(captions: Sequence[Words], references: Sequence[Sequence[Words]]) -> list[float]:
    """BLEU of 1 to 4 words over the whole set (Papineni et al., ACL 2002), the nearest reference's length counting."""
    hits, guesses = np.zeros(ORDERS), np.zeros(ORDERS)
    length = wanted = 0
    for caption, several in zip(captions, references, strict=True):
        length += len(caption)
        wanted += min((abs(len(each) - len(caption)), len(each)) for each in several)[1]
        for order in range(ORDERS):
            own, most = _grams(caption, order + 1), Counter[tuple[str, ...]]()
            for each in several:
                most |= _grams(each, order + 1)
            hits[order] += sum((own & most).values())
            guesses[order] += sum(own.values())
    brevity = min(1.0, math.exp(1 - wanted / length)) if length else 0.0
    precision = hits / np.maximum(guesses, 1)
    return [brevity * float(np.prod(precision[:order])) ** (1 / order) for order in range(1, ORDERS + 1)]


def rouge_l(caption: Words, references: Sequence[Words]) -> float:
    """F-measure of the longest common subsequence (Lin, ACL 2004), recall weighing 1.2 times as much."""
    common = [_common(caption, each) for each in references]
    precision = max(common) / len(caption) if caption else 0.0
    recall = max(found / len(each) if each else 0.0 for found, each in zip(common, references, strict=True))
    if not precision or not recall:
        return 0.0
    return (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)


def cider(captions: Sequence[Words], references: Sequence[Sequence[Words]]) -> list[float]:
    """CIDEr-D of each image (arXiv:1411.5726), 10 at best; rare n-grams of the references weigh more."""
    frequency = Counter[tuple[str, ...]]()
    for several in references:
        frequency.update(
            {gram for each in several for order in range(ORDERS) for gram in _grams(each, order + 1)}
        )
    images = math.log(len(references))

    def weights(text: Words, order: int) -> dict[tuple[str, ...], float]:
        return {
            gram: count * (images - math.log(max(1, frequency[gram])))
            for gram, count in _grams(text, order).items()
        }

    found: list[float] = []
    for caption, several in zip(captions, references, strict=True):
        total = 0.0
        for order in range(1, ORDERS + 1):
            own = weights(caption, order)
            for each in several:
                penalty = math.exp(-((len(caption) - len(each)) ** 2) / (2 * _SIGMA**2))
                total += penalty * _likeness(own, weights(each, order))
        found.append(10 * total / ORDERS / len(several))
    return found


def _likeness(own: dict[tuple[str, ...], float], other: dict[tuple[str, ...], float]) -> float:
    """Cosine, with what the caption says more often than the reference cut off."""
    norms = math.hypot(*own.values()) * math.hypot(*other.values())
    shared = sum(min(value, other[gram]) * other[gram] for gram, value in own.items() if gram in other)
    return shared / norms if norms else 0.0


def _grams(text: Words, order: int) -> Counts:
    return Counter(tuple(text[i : i + order]) for i in range(len(text) - order + 1))


def _common(one: Words, other: Words) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for word in one:
        diagonal = 0
        for i, each in enumerate(other, 1):
            diagonal, row[i] = row[i], diagonal + 1 if word == each else max(row[i], row[i - 1])
    return row[-1]
