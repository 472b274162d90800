import numpy as np

from bvc.library.evaluators.retrieval import recalls


def test_embeddings_that_are_all_equal_stay_at_chance():
    found = recalls(np.zeros((100, 4)), np.zeros((200, 4)), np.repeat(np.arange(100), 2))
    assert found["img2txt_recall@1"] == found["txt2img_recall@1"] == 0.01
    assert found["txt2img_recall@10"] == 0.1


def test_more_rows_than_are_compared_at_a_time():
    points = np.eye(1500, dtype=np.float32)
    found = recalls(points, points[::-1], np.arange(1500)[::-1])
    assert set(found.values()) == {1.0}
