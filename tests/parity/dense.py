"""Recorded evaluators of images: depth, PSNR, Frechet distance, panoptic quality."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from bvc.library.coco.panoptic import Segment
from bvc.library.evaluators._frechet import frechet_distance
from bvc.library.evaluators.depth import Depth
from bvc.library.evaluators.fid import quantized
from bvc.library.evaluators.panoptic_quality import matched, qualities, resized, segments
from bvc.library.evaluators.psnr import Psnr
from tests.parity.evaluators import compared, rows_of, run
from tests.parity.reference import Comparison, Reference, close, compares


@compares("depth metrics, PSNR, Frechet distance")
def images(reference: Reference) -> Iterator[Comparison]:
    """Errors of depth, PSNR."""
    inputs = reference.group("inputs")
    small = inputs["depth_gt_small"]
    true = np.asarray(jax.image.resize(small, (len(small), 426, 560), "nearest"))
    found = run(
        Depth(data=None, pipeline=None),
        {"images": rows_of(depth=inputs["depth_pred"], labels=true)},
        {"images": lambda batch: {"depth": batch["depth"], "labels": batch["labels"]}},
    )
    yield from compared(reference, "nyu_depth", found)
    evaluator = Psnr(data=None, pipeline=None, view="image")
    yield close(
        "psnr per_image",
        evaluator.images(jnp.asarray(inputs["img_a"]), jnp.asarray(inputs["img_b"]))["psnr"],
        reference.group("outputs")["psnr/per_image"],
        1e-5,
    )
    found = run(
        evaluator,
        {"images": rows_of(prediction=inputs["img_a"], labels=inputs["img_b"])},
        {"images": lambda batch: {"prediction": batch["prediction"], "labels": batch["labels"]}},
    )
    yield close("psnr PSNR", found["PSNR"], reference.group("outputs")["psnr/PSNR"], 1e-5)
    outputs = reference.group("outputs")
    for number in range(3):
        distance = frechet_distance(inputs[f"fid_a{number}"], inputs[f"fid_b{number}"])
        yield close(f"fid{number}", distance, outputs[f"fid{number}/fid"], 1e-6)
    ours = quantized(jnp.asarray(inputs["fid_pixels"]))
    yield close("coltran_quantization", ours, outputs["coltran_quantization/quantized"], 0.0)


@compares("panoptic quality")
def panoptic(reference: Reference) -> Iterator[Comparison]:
    """Maps at the size of the image; matches, and what is averaged over them, of one image and of all."""
    inputs, outputs = reference.group("inputs"), reference.group("outputs")
    meta = reference.meta
    place = {category["id"]: number for number, category in enumerate(meta["categories"])}
    things = np.array([bool(category["isthing"]) for category in meta["categories"]])
    for case, described in meta["cases"].items():
        if case == "resized":
            ids = np.array([0, *(category["id"] for category in meta["categories"])])
            for name in sorted(name for name in inputs if name.startswith("pred")):
                shape = inputs[name.replace("pred", "gt_ids")].shape
                semantics, instances = (resized(inputs[name][..., channel], shape) for channel in (0, 1))
                ours = np.stack([ids[semantics], instances], -1)
                yield close(f"resized/{name}", ours, outputs[f"resized/{name}"], 0.0)
            continue
        total = np.zeros((len(place), 4))
        truths, predictions = (np.atleast_1d(described["inputs"][name]).tolist() for name in ("gt", "pred"))
        for truth, prediction in zip(truths, predictions, strict=True):
            ids = inputs[truth].astype(np.int64)
            annotated = [
                Segment(each["id"], place[each["category_id"]], bool(each["iscrowd"]))
                for each in meta["gt_segments"][truth]
            ]
            maps = [resized(inputs[prediction][..., channel], ids.shape) for channel in (0, 1)]
            total += matched(ids, annotated, segments(*maps, things), len(place))
        yield close(f"{case}/per_class", total, outputs[f"{case}/per_class_iou_tp_fp_fn"], 1e-9)
        for group, members in {"All": things | True, "Things": things, "Stuff": ~things}.items():
            each = qualities(total[members])
            yield close(f"{case}/{group}_n", float(len(each)), outputs[f"{case}/{group}_n"], 1e-9)
            for number, name in enumerate(("pq", "sq", "rq")):
                ours = each[:, number].mean() if len(each) else 0.0
                yield close(f"{case}/{group}_{name}", ours, outputs[f"{case}/{group}_{name}"], 1e-9)
