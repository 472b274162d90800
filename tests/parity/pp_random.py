"""Recorded distributions of random ops: Kolmogorov-Smirnov at recorded quantiles, chi-square on counts, p > 0.001."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import PIL.Image

from bvc.library.imaging import randaug as pixels
from bvc.library.ops.randaug import OPERATIONS
from tests.parity._pp import compared, spec_calls, values
from tests.parity.reference import Comparison, Reference, compares
from tests.pipelines import compiled, feature_of

DRAWS = 3000
_KS = 1.95
"""Critical value of the Kolmogorov-Smirnov statistic at p = 0.001, times sqrt(1/n + 1/m)."""


@compares("distribution facts of random crops / flips")
def random_crops(reference: Reference) -> Iterator[Comparison]:
    """Geometry of crops, and what else is drawn."""
    outputs = reference.group("outputs")
    for name, case in reference.meta["cases"].items():
        recorded = case.get("n_draws", reference.meta["n_draws"])
        found = _drawn(reference, case)
        for output, place in case["outputs"].items():
            theirs = outputs[place]
            if output == "perms":
                theirs = theirs[np.lexsort(theirs.T[::-1])]
            yield _alike(f"{name}/{output}", found[output], theirs, recorded, reference)


@compares("magnitude -> argument tables and selection frequencies")
def randaug_mapping(reference: Reference) -> Iterator[Comparison]:
    """Which operations are drawn, how often, with which sign, and with which argument."""
    outputs, cases = reference.group("outputs"), reference.meta["cases"]
    seen = _operations_drawn()
    names = outputs["selection/op_names"].tolist()
    counts = np.array([len(seen[_FUNCTIONS[name]]) for name in names])
    yield _chi2("selection/counts", counts, outputs["selection/counts"])
    for name, theirs in zip(
        outputs["selection/negative_names"].tolist(), outputs["selection/negative_fraction"], strict=True
    ):
        arguments = np.array([args[0] for args in seen[_FUNCTIONS[name]]])
        limit = _KS * math.sqrt(1 / len(arguments) + 16 / cases["selection"]["n_draws"])
        yield Comparison(
            f"selection/negative/{name}", abs(float((arguments < 0).mean()) - float(theirs)), limit
        )
    for row, magnitude in enumerate(reference.group("inputs")["magnitudes"].tolist()):
        for name in names:
            theirs = outputs[f"table/randaug/{name}"][row]
            ours = _arguments(name, magnitude)[: len(theirs)]
            yield Comparison(
                f"table/{name}/{magnitude:g}",
                float(np.max(np.abs(np.abs(np.array(ours)) - np.abs(theirs)), initial=0.0)),
                1e-5 * max(1.0, float(np.max(np.abs(theirs), initial=0.0))),
            )


@compares("whole randaug with the selected operations and signs forced")
def randaug_forced(reference: Reference) -> Iterator[Comparison]:
    """Whole calls with the operations, signs and centres that were recorded."""
    for name, case in reference.meta["cases"].items():
        image = reference.group("inputs")[case["inputs"]["image"]]
        magnitude = float(case["op"].rstrip(")").split(",")[1])
        for operation, sign in zip(case["selected"], case["signs"], strict=False):
            forced = _Forced(sign, case["cutout_center"])
            image = OPERATIONS[operation](image, magnitude, forced)
        theirs = reference.group("outputs")[case["outputs"]["image"]]
        yield compared(name, image, theirs, case["tolerance"])


class _Forced(np.random.Generator):
    """A generator whose draws are known."""

    def __init__(self, sign: int, centre: tuple[int, int]) -> None:
        super().__init__(np.random.PCG64())
        self.sign, self.centre = sign, list(centre)

    def random(self) -> float:  # type: ignore[override]
        return 0.75 if self.sign > 0 else 0.25

    def integers(self, high: int) -> int:  # type: ignore[override]
        return self.centre.pop(0)


def _drawn(reference: Reference, case: Mapping[str, Any]) -> dict[str, Any]:
    """Every recorded quantity of a case, drawn anew by ours; quantiles as the draws themselves."""
    calls = spec_calls(case["op"], reference.file.parent)
    example, finish = _example(case)
    features = {name: feature_of(value) for name, value in example.items()}
    pipeline = compiled(features, *calls)
    return finish([pipeline.apply(example, 0, 0, index) for index in range(DRAWS)])


def _example(
    case: Mapping[str, Any],
) -> tuple[dict[str, Any], Callable[[list[dict[str, Any]]], dict[str, Any]]]:
    inputs, op = case["inputs"], case["op"]
    if "height" in inputs:
        height, width = inputs["height"], inputs["width"]
        if op.startswith("decode_jpeg"):
            encoded = io.BytesIO()
            PIL.Image.new("RGB", (width, height)).save(encoded, "JPEG")
            return {"image": encoded.getvalue()}, lambda made: _geometry(made, height, width, placed=False)
        image = np.stack(np.indices((height, width)), axis=-1).astype(np.int32)
        if op.startswith("flip_lr"):
            return {"image": image}, lambda made: {
                "n_flipped": np.array([sum(int(each["image"][0, 0, 1] > 0) for each in made), len(made)])
            }
        return {"image": image}, lambda made: _geometry(made, height, width)
    if op.startswith("randu"):
        return {}, lambda made: {"quantiles": np.array([each["k"] for each in made])}
    if op.startswith("make_canonical"):
        return values({}, case), _permutations
    return values({}, case), lambda made: _choices(made, len(inputs["x"]))


def _geometry(made: list[dict[str, Any]], height: int, width: int, placed: bool = True) -> dict[str, Any]:
    h, w = np.array([each["image"].shape[:2] for each in made]).T
    found = {
        "area_quantiles": h * w / (height * width),
        "area_hist_20_bins": np.histogram(h * w / (height * width), 20, (0, 1))[0],
        "aspect_w_over_h_quantiles": w / h,
        "height_frac_quantiles": h / height,
        "width_frac_quantiles": w / width,
        "frac_full_image": np.mean((h == height) & (w == width)),
        "frac_full_height": np.mean(h == height),
        "frac_full_width": np.mean(w == width),
    }
    if not placed:
        return found
    corners = np.array([each["image"][0, 0] for each in made])
    for axis, side, of in (("y", h, height), ("x", w, width)):
        offset = corners[:, 0 if axis == "y" else 1]
        inside = side < of
        found[f"{axis}_offset_rel_quantiles"] = (
            (offset / np.maximum(of - side, 1))[inside] if inside.any() else offset
        )
        found[f"{axis}_offset_max_gap"] = (of - side - offset)[inside].min() if inside.any() else -1
        found[f"{axis}_offset_counts"] = np.bincount(offset, minlength=of - side.min() + 1)
    return found


def _permutations(made: list[dict[str, Any]]) -> dict[str, Any]:
    drawn = np.array([each["labels"][0, ::2, 0][:3] for each in made])
    perms, counts = np.unique(drawn, axis=0, return_counts=True)
    return {"perms": perms, "counts": counts}


def _choices(made: list[dict[str, Any]], size: int) -> dict[str, Any]:
    drawn = [np.atleast_1d(each["x"]) for each in made]
    return {
        "counts": np.bincount(np.concatenate(drawn), minlength=size),
        "always_sorted": np.asarray(all((np.diff(each) > 0).all() for each in drawn)),
        "same_entries_for_all_keys": np.asarray(
            all((each["x"] * 10 == each.get("y", each["x"] * 10)).all() for each in made)
        ),
        "length_counts": np.bincount([len(each) for each in drawn]),
    }


def _alike(name: str, ours: Any, theirs: np.ndarray, recorded: int, reference: Reference) -> Comparison:
    limit = _KS * math.sqrt(1 / DRAWS + 1 / recorded)
    if "quantiles" in name:
        levels = np.array(reference.meta["quantile_levels"])
        below = np.array([np.mean(ours < quantile - 1e-9) for quantile in theirs])
        up_to = np.array([np.mean(ours <= quantile + 1e-9) for quantile in theirs])
        return Comparison(name, float(np.max(np.maximum(below - levels, levels - up_to))), limit)
    if name.split("/")[1].startswith("frac"):
        return Comparison(name, abs(float(ours) - float(theirs)), limit)
    if name.endswith("n_flipped"):
        return Comparison(name, abs(float(ours[0]) / float(ours[1]) - float(theirs) / recorded), limit)
    if "counts" in name or "hist" in name:
        size = max(len(ours), len(theirs))
        return _chi2(name, np.pad(ours, (0, size - len(ours))), np.pad(theirs, (0, size - len(theirs))))
    return Comparison(name, float(np.sum(np.asarray(ours) != theirs)), 0.0)


def _chi2(name: str, ours: np.ndarray, theirs: np.ndarray) -> Comparison:
    """Two-sample chi-square over the critical value at p = 0.001 (Wilson and Hilferty's approximation)."""
    total = ours + theirs
    kept = total > 0
    a, b, both = ours[kept].astype(float), theirs[kept].astype(float), total[kept]
    weight = math.sqrt(b.sum() / a.sum())
    statistic = float(np.sum((a * weight - b / weight) ** 2 / both))
    freedom = max(int(kept.sum()) - 1, 1)
    critical = freedom * (1 - 2 / (9 * freedom) + 3.09 * math.sqrt(2 / (9 * freedom))) ** 3
    return Comparison(name, statistic / critical, 1.0)


_FUNCTIONS = {
    "AutoContrast": "autocontrast",
    "SolarizeAdd": "solarize_add",
    "ShearX": "shear_x",
    "ShearY": "shear_y",
    "TranslateX": "translate_x",
    "TranslateY": "translate_y",
    **{
        name: name.lower()
        for name in ("Equalize", "Invert", "Rotate", "Posterize", "Solarize", "Color", "Contrast")
    },
    **{name: name.lower() for name in ("Brightness", "Sharpness", "Cutout")},
}


class _Recorder:
    """Replaces the pixel operations by ones that only remember what they were called with."""

    def __init__(self) -> None:
        self.calls: dict[str, list[tuple[float, ...]]] = {name: [] for name in _FUNCTIONS.values()}

    def __enter__(self) -> _Recorder:
        self.kept = {name: getattr(pixels, name) for name in self.calls}
        for name in self.calls:
            setattr(pixels, name, self._remember(name))
        return self

    def __exit__(self, *_: object) -> None:
        for name, function in self.kept.items():
            setattr(pixels, name, function)

    def _remember(self, name: str) -> Callable[..., np.ndarray]:
        def call(image: np.ndarray, *args: Any) -> np.ndarray:
            self.calls[name].append(args)
            return image

        return call


def _operations_drawn() -> dict[str, list[tuple[float, ...]]]:
    image = np.zeros((4, 4, 3), np.uint8)
    pipeline = compiled({"image": feature_of(image)}, "randaug(2, 15)")
    with _Recorder() as recorder:
        for index in range(DRAWS):
            pipeline.apply({"image": image}, 0, 0, index)
    return recorder.calls


def _arguments(name: str, magnitude: float) -> tuple[float, ...]:
    with _Recorder() as recorder:
        OPERATIONS[name](np.zeros((4, 4, 3), np.uint8), magnitude, np.random.default_rng(0))
    return recorder.calls[_FUNCTIONS[name]][0]
