"""Caption metrics against numbers of COCO's caption evaluation (`tests/reference/evaluators/captions.json`).

The file was written by pycocoevalcap's BLEU, ROUGE-L and CIDEr-D on captions that are words already.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bvc.library.text.caption_scores import bleu, cider, rouge_l, words

RECORDED = json.loads(
    (Path(__file__).parents[2] / "reference" / "evaluators" / "captions.json").read_text(encoding="utf-8")
)
CAPTIONS = [text.split() for text in RECORDED["captions"]]
REFERENCES = [[text.split() for text in several] for several in RECORDED["references"]]


def test_recorded_numbers():
    assert bleu(CAPTIONS, REFERENCES) == pytest.approx(RECORDED["bleu"], rel=1e-7)
    found = [rouge_l(*pair) for pair in zip(CAPTIONS, REFERENCES, strict=True)]
    assert np.mean(found) == pytest.approx(RECORDED["rouge"], rel=1e-9)
    assert cider(CAPTIONS, REFERENCES) == pytest.approx(RECORDED["cider_each"], rel=1e-9)


def test_a_perfect_caption_and_an_empty_one():
    references = [[["a", "red", "star", "on", "black"]], [["two", "rings", "beside", "a", "cross"]]]
    perfect = [several[0] for several in references]
    assert bleu(perfect, references) == [1.0] * 4 and rouge_l(perfect[0], references[0]) == 1
    assert cider(perfect, references) == pytest.approx([10.0, 10.0])
    empty: list[list[str]] = [[], []]
    assert bleu(empty, references) == [0.0] * 4 and rouge_l([], references[0]) == 0
    assert cider(empty, references) == [0.0, 0.0]


def test_words_of_a_caption():
    assert words("A man's T-shirt, (red) & 2.5 m long.") == [
        "a",
        "man's",
        "t-shirt",
        "red",
        "2.5",
        "m",
        "long",
    ]
