"""Evaluations of a spec on one and on eight devices: every example counts once, and bad input is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bvc.diagnostics import Failed
from bvc.library.evaluators.cka import Cka
from bvc.library.evaluators.classification import Classification
from bvc.library.evaluators.depth import Depth
from bvc.library.evaluators.distance import Distance
from bvc.library.evaluators.fewshot_lsr import FewshotLsr
from bvc.library.evaluators.mean import Mean
from bvc.library.evaluators.perplexity import Perplexity
from bvc.library.evaluators.psnr import Psnr
from bvc.library.evaluators.retrieval import Retrieval
from bvc.library.evaluators.save_predictions import SavePredictions
from bvc.library.evaluators.scoring_classifier import ScoringClassifier
from bvc.library.evaluators.zeroshot import Zeroshot
from tests.library.evaluators.topology import metrics
from tests.parity.evaluators import rows_of, run

HERE = Path(__file__).parent
RANDOM = np.random.default_rng(0)
FOUND: dict[str, Any] = {"data": None, "pipeline": None, "view": "any"}
CLASSES = np.arange(19, dtype=np.int32) % 3


def draw(*shape: int) -> np.ndarray:
    """Numbers of 19 examples, which 8 devices do not divide."""
    return RANDOM.normal(size=(19, *shape)).astype(np.float32)


EVALUATORS: dict[str, tuple[Any, dict[str, dict[str, np.ndarray]]]] = {
    "several_labels": (
        Classification(**FOUND, loss="sigmoid_xent"),
        {"examples": {"logits": draw(5), "labels": (draw(5) > 0.5).astype(np.float32)}},
    ),
    "mean": (Mean(**FOUND), {"examples": {"value": draw()}}),
    "perplexity": (
        Perplexity(**FOUND),
        {"sequences": {"logits": draw(4, 3), "labels": np.stack([CLASSES] * 4, axis=1)}},
    ),
    "distance": (
        Distance(data=None, pipeline=None, teacher="any"),
        {"student": {"logits": draw(5)}, "teacher": {"logits": draw(5)}},
    ),
    "cka": (
        Cka(data=None, pipeline=None, teacher="any"),
        {"student": {"pre_logits": draw(5)}, "teacher": {"pre_logits": draw(4)}},
    ),
    "depth": (
        Depth(**FOUND),
        {"images": {"depth": 1 + draw(3, 3) ** 2, "labels": 1 + draw(6, 6, 1) ** 2}},
    ),
    "psnr": (Psnr(**FOUND), {"images": {"prediction": draw(4, 4, 3), "labels": draw(4, 4, 3)}}),
    "scoring": (ScoringClassifier(**FOUND), {"images": {"score": draw(3), "label": CLASSES}}),
    "saved": (SavePredictions(**FOUND), {"examples": {"prediction": draw(2)}}),
    "zeroshot": (
        Zeroshot(name="x", data=None, prompts=None, image_pipeline=None, text_pipeline=None),
        {
            "prompt": {"embed_text": draw(4), "label": CLASSES},
            "image": {"embed_image": draw(4), "label": CLASSES},
        },
    ),
    "retrieval": (
        Retrieval(data=None, image_pipeline=None, text_pipeline=None, text="embed_text"),
        {"image": {"embed_image": draw(4)}, "text": {"embed_text": draw(2, 4)}},
    ),
    "fewshot": (
        FewshotLsr(name="x", data=None, test=None, pipeline=None, shots=(2,), seeds=2),
        {
            "train": {"pre_logits": draw(4), "label": CLASSES},
            "test": {"pre_logits": draw(4), "label": CLASSES},
        },
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", EVALUATORS)
def test_every_example_counts_once(name: str) -> None:
    evaluator, streams = EVALUATORS[name]
    rows = {stream: rows_of(**columns) for stream, columns in streams.items()}

    def ports(stream: str) -> Any:
        names = [*streams[stream], *(["_parent"] if evaluator.streams()[stream].expand else [])]
        return lambda batch: {port: batch[port] for port in names}

    given = {stream: ports(stream) for stream in streams}
    alone = run(evaluator, rows, given, batch=19)
    eight = run(evaluator, rows, given, batch=8, devices=8)
    assert list(alone) == list(eight)
    assert list(alone.values()) == pytest.approx(list(eight.values()), rel=1e-6)


@pytest.mark.slow
def test_zeroshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("names.txt").write_text("red star\ngreen star\nblue ring\n")
    Path("templates.txt").write_text("{}\na {}, above a {}\n")
    spec = HERE / "zeroshot.toml"
    alone, eight = metrics(spec, 1), metrics(spec, 8)
    assert list(alone) == ["several_accuracy"]
    assert alone == eight
    assert all(value * 19 == pytest.approx(round(value * 19)) for value in alone.values())

    Path("names.txt").unlink()
    with pytest.raises(Failed, match="B0502: no file `names.txt`"):
        metrics(spec, 1)
