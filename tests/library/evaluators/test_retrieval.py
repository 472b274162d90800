import numpy as np
import pytest

from bvc.library.evaluators.retrieval import Retrieval, recalls
from tests.parity.evaluators import Recorded, close, run

RECORDED = Recorded("retrieval")


@pytest.mark.parametrize("case", RECORDED.cases)
def test_recalls_are_those_recorded(case):
    image, text, parent = (RECORDED.input(name + case[-1]) for name in ("img", "txt", "corr"))
    order = np.argsort(parent, kind="stable")  # captions come image by image from a data set
    text, parent = text[order], parent[order]
    rows = [{"image": row, "captions": text[parent == number]} for number, row in enumerate(image)]
    evaluator = Retrieval(data=None, image_pipeline=None, text_pipeline=None, text="captions")
    found = run(
        evaluator,
        {"image": ({"image": row["image"]} for row in rows), "text": rows},
        {
            "image": lambda batch: {"embed_image": batch["image"]},
            "text": lambda batch: {"embed_text": batch["captions"], "_parent": batch["_parent"]},
        },
    )
    close(found, RECORDED.outputs(case), atol=1e-9, rtol=0)


def test_embeddings_that_are_all_equal_stay_at_chance():
    found = recalls(np.zeros((100, 4)), np.zeros((200, 4)), np.repeat(np.arange(100), 2))
    assert found["img2txt_recall@1"] == found["txt2img_recall@1"] == 0.01
    assert found["txt2img_recall@10"] == 0.1
