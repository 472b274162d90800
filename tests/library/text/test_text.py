"""Tokenizers, tables and fonts that cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bvc.component import DataError
from bvc.library.text import unifont
from bvc.library.text.choose import one_text
from bvc.library.text.sentences import SentencePiece
from bvc.library.text.wordpiece import WordPiece, words
from tests.pipelines import run

PP = Path("tests/reference/pp")


def test_words() -> None:
    assert words("Don't STOP—é\u4e2d5€ \t$x\x00y") == [
        "don",
        "'",
        "t",
        "stop",
        "—",
        "e",
        "中",
        "5€",
        "$",
        "x",
        "y",
    ]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"cat\ndog\n"])
def test_a_file_that_is_no_vocabulary(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "vocab.txt"
    file.write_bytes(content)
    with pytest.raises(DataError, match="vocabulary"):
        WordPiece.load(str(file))


def test_files_that_are_not_there(tmp_path: Path) -> None:
    for load in (WordPiece.load, SentencePiece.load, lambda path: unifont.font(16, "area", path)):
        with pytest.raises(DataError, match="cannot be read"):
            load(str(tmp_path / "absent"))


def test_files_of_another_kind() -> None:
    with pytest.raises(DataError, match="no sentencepiece model"):
        SentencePiece.load(str(PP / "bert_vocab.txt"))
    with pytest.raises(DataError, match="a font that cannot be read"):
        unifont.font(16, "area", str(PP / "bert_vocab.txt"))
    with pytest.raises(DataError, match="a table that cannot be read"):
        run({"t": "cat"}, f"lookup('{PP / 'lookup.txt'}', sep=',', from='t', to='n')")


def test_a_model_without_a_start_token() -> None:
    with pytest.raises(DataError, match="without a start token"):
        run({"t": "cat"}, f"tokenize(4, model='{PP / 'sp_unigram.model'}', add_bos=true, from='t')")


def test_each_of_several_texts_is_drawn_as_often() -> None:
    rng = np.random.default_rng(0)
    texts = ["a", "b", "c"]
    drawn = [one_text(texts, rng) for _ in range(900)]
    assert all(abs(drawn.count(text) - 300) < 70 for text in texts)
    assert one_text([], rng) == one_text([], None) == ""
    assert one_text(texts, None) == "a"
