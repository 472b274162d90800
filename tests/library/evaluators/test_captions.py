import json
from pathlib import Path

import numpy as np
import pytest

from bvc.diagnostics import Failed
from bvc.library.evaluators.captions import Captions
from bvc.library.text.wordpiece import WordPiece
from bvc.runtime.evaluate import prepare
from tests.parity.evaluators import rows_of, run

VOCAB = Path(__file__).parents[3] / "stdlib" / "vocab" / "shapes.txt"
TEXTS = {139: "a small red star", 285: "a large blue ring and a cross"}


@pytest.fixture
def annotations(tmp_path):
    table = [
        {"id": number, "image_id": number, "caption": f"{text.capitalize()}."}
        for number, text in TEXTS.items()
    ]
    file = tmp_path / "captions.json"
    file.write_text(json.dumps({"annotations": table}))
    return file


def evaluator(annotations, tokenizer=VOCAB):
    return Captions(data=None, pipeline=None, annotations=str(annotations), tokenizer=str(tokenizer))


def measured(evaluator, texts):
    tokens = np.zeros((len(texts), 12), np.int32)
    for row, text in zip(tokens, texts.values(), strict=True):
        ids = WordPiece.load(str(VOCAB))(text)
        row[: len(ids)] = ids
        row[len(ids) + 1 :] = ids[0]
    rows = rows_of(sequences=tokens, image_id=np.array(list(texts)))
    return run(evaluator, {"images": rows}, {"images": lambda batch: {k: batch[k] for k in rows[0]}})


def test_captions_of_people_are_perfect(annotations):
    found = measured(evaluator(annotations), TEXTS)
    assert list(found) == ["bleu-1", "bleu-2", "bleu-3", "bleu-4", "rouge", "cider"]
    assert found["bleu-4"] == found["rouge"] == 1 and found["cider"] == pytest.approx(10)


def test_captions_come_out_in_cocos_form(annotations):
    keeping = evaluator(annotations)
    assert json.loads(keeping.files({139: "a star"})["captions.json"]) == [
        {"image_id": 139, "caption": "a star"}
    ]


def test_what_does_not_fit_is_told(annotations, tmp_path):
    with pytest.raises(Failed, match="B0534: .*image 7, which has no caption"):
        measured(evaluator(annotations), {7: "a star"})
    annotations.write_text("[]")
    with pytest.raises(Failed, match="B0534: .*a file that does not hold COCO's annotations"):
        prepare("coco", evaluator(annotations))
    annotations.write_text('{"annotations": []}')
    with pytest.raises(Failed, match="B0534: .*a file that holds no captions"):
        prepare("coco", evaluator(annotations))
    annotations.write_text("{")
    with pytest.raises(Failed, match="B0534: .*annotations that cannot be read"):
        prepare("coco", evaluator(annotations))
