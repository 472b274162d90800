"""Zero-shot classification by hand: labels that are several or none, lists that do not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bvc.component import DataError, SettingError
from bvc.library.evaluators.zeroshot import State, Zeroshot, class_embeddings
from bvc.library.sources.prompts import Prompts


def evaluator() -> Zeroshot:
    return Zeroshot(name="x", data=None, prompts=None, image_pipeline=None, text_pipeline=None)


def test_any_of_several_labels_is_right_and_none_drops_out() -> None:
    state = evaluator().update(State(), "prompt", {"embedding": np.eye(3), "label": np.arange(3)})
    images = {"embedding": np.eye(3)[[0, 1, 2, 0]], "label": np.array([[1, 0], [1, -1], [0, -1], [-1, -1]])}
    assert evaluator().result(evaluator().update(state, "image", images)) == {"x_accuracy": 2 / 3}


def test_classes_and_labels_that_do_not_fit_are_told() -> None:
    with pytest.raises(DataError, match="no prompt for class 1"):
        class_embeddings(np.ones((2, 4)), np.array([0, 2]))
    with pytest.raises(DataError, match="no image with a label"):
        evaluator().result(State())
    state = evaluator().update(State(), "prompt", {"embedding": np.eye(3), "label": np.arange(3)})
    with pytest.raises(DataError, match="an image of class 3, but prompts for 3 classes"):
        evaluator().update(state, "image", {"embedding": np.eye(3), "label": np.arange(3) + 1})


def test_lists_come_from_files(tmp_path: Path) -> None:
    names, templates = tmp_path / "names.txt", tmp_path / "templates.txt"
    names.write_text("Red Star, five-pointed\ngreen_star\n")
    templates.write_text("{}\na {}.\n")
    found = list(Prompts(classes=str(names), templates=str(templates)).open("all", ""))
    assert [prompt["text"] for prompt in found] == ["red star", "a red star", "green star", "a green star"]
    assert [int(prompt["label"]) for prompt in found] == [0, 0, 1, 1]


def test_lists_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text("a\n\nb\n")
    with pytest.raises(DataError, match="an empty line"):
        Prompts(classes=str(file)).open("all", "")
    with pytest.raises(DataError, match="a template without a place for a name"):
        file.write_text("a photo\n")
        Prompts(classes=("a",), templates=str(file)).open("all", "")
    with pytest.raises(DataError, match="cannot be read"):
        Prompts(classes=str(tmp_path / "none.txt")).open("all", "")
    with pytest.raises(SettingError, match='holds "a photo", which has no place'):
        Prompts(classes=("a",), templates=("a photo",))
    with pytest.raises(SettingError, match="holds nothing"):
        Prompts(classes=())
