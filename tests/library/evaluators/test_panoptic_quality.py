"""Panoptic quality from COCO's files and back, and annotations that do not fit."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from bvc.diagnostics import Failed
from bvc.library.coco.panoptic import read_annotations
from bvc.library.evaluators.panoptic_quality import PanopticQuality
from bvc.runtime.evaluate import prepare
from tests.parity.evaluators import rows_of, run

CATEGORIES = [{"id": 1, "name": "person", "isthing": 1}, {"id": 92, "name": "banner", "isthing": 0}]
SEMANTICS = np.repeat([[0, 1, 1, 2]], 4, axis=0).astype(np.int32)
INSTANCES = np.repeat([[0, 5, 6, 7]], 4, axis=0).astype(np.int32)


def png(ids: np.ndarray) -> bytes:
    held = io.BytesIO()
    colours = np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=-1).astype(np.uint8)
    PIL.Image.fromarray(colours).save(held, "PNG")
    return held.getvalue()


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """Two images of 8 x 8 pixels; what is predicted at half the size is what is annotated."""
    told = []
    with zipfile.ZipFile(tmp_path / "maps.zip", "w") as archive:
        for number in (139, 285):
            ids = np.repeat(np.repeat(SEMANTICS * 70_000 + INSTANCES, 2, axis=0), 2, axis=1)
            ids = np.where(ids == 0, 0, ids)
            archive.writestr(f"panoptic_val/{number:012d}.png", png(ids))
            segments = [
                {"id": int(i), "category_id": 92 if i > 140_000 else 1, "iscrowd": 0}
                for i in np.unique(ids)
                if i
            ]
            told.append({"image_id": number, "file_name": f"{number:012d}.png", "segments_info": segments})
    (tmp_path / "val.json").write_text(json.dumps({"categories": CATEGORIES, "annotations": told}))
    return tmp_path


def evaluator(coco: Path, **settings: Any) -> PanopticQuality:
    files = {"annotations": str(coco / "val.json"), "maps": str(coco / "maps.zip")}
    return PanopticQuality(data=None, pipeline=None, view="any", **files, **settings)


def measured(
    evaluator: PanopticQuality, semantics: np.ndarray, numbers: tuple[int, ...] = (139, 285)
) -> dict[str, float]:
    count = len(numbers)
    rows = rows_of(
        semantics=np.stack([semantics] * count),
        instances=np.stack([INSTANCES] * count),
        image_id=np.array(numbers),
    )
    return run(evaluator, {"images": rows}, {"images": lambda batch: {k: batch[k] for k in rows[0]}})


def test_what_is_annotated_is_perfect(coco: Path) -> None:
    found = measured(evaluator(coco), SEMANTICS)
    assert set(found.values()) == {1.0}
    assert list(found)[:3] == ["All_pq", "All_sq", "All_rq"] and len(found) == 9


def test_a_category_that_never_occurs_is_left_out(coco: Path) -> None:
    nothing = np.where(SEMANTICS == 2, 0, SEMANTICS)
    found = measured(evaluator(coco), nothing)
    assert found["Things_pq"] == 1 and found["Stuff_pq"] == 0 and found["All_pq"] == 0.5


def test_predictions_come_out_in_the_form_in_which_annotations_come_in(coco: Path) -> None:
    keeping = evaluator(coco, save=True)
    state = keeping.start()
    arrays = {"semantics": SEMANTICS[None], "instances": INSTANCES[None], "image_id": np.array([139])}
    files = keeping.files(keeping.update(state, "images", arrays))
    for name, data in files.items():
        (coco / name).parent.mkdir(exist_ok=True)
        (coco / name).write_bytes(data)
    table = json.loads(files["predictions.json"])
    (coco / "again.json").write_text(json.dumps({**table, "categories": CATEGORIES}))
    ids, segments = read_annotations(str(coco / "again.json"), str(coco / "predictions")).truth(139)
    truth, annotated = keeping.annotations.truth(139)
    assert [segment.category for segment in segments] == [segment.category for segment in annotated]
    assert len(np.unique(ids * 1_000_000 + truth)) == len(np.unique(truth)) == 4


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("images", "image 7, which is not annotated"),
        ("classes", "class 3 predicted in image 139, but 2 categories"),
        ("maps", "no map `000000000139.png`"),
        ("segments", "the map of image 139 has segments 70005 that are not annotated"),
        ("table", "a file that holds no panoptic annotations"),
    ],
)
def test_what_does_not_fit_is_told(coco: Path, broken: str, said: str) -> None:
    table = json.loads((coco / "val.json").read_text())
    if broken == "maps":
        zipfile.ZipFile(coco / "maps.zip", "w").close()
    if broken == "segments":
        table["annotations"][0]["segments_info"].pop(0)
    if broken == "table":
        del table["categories"]
    (coco / "val.json").write_text(json.dumps(table))
    semantics = SEMANTICS + (broken == "classes")
    with pytest.raises(Failed, match=f"B0534: .*{said}"):
        if broken == "table":
            prepare("recorded", evaluator(coco))
        measured(evaluator(coco), semantics, (7,) if broken == "images" else (139, 285))
