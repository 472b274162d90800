"""From a recorded call of big_vision's mini-language to a pipeline as a spec writes it, run by the public path."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bvc.component.registry import find
from bvc.spec.formatting import call_literal
from tests.parity.reference import Comparison
from tests.pipelines import run

_RENAMED = {"inkey": "from", "outkey": "to", "key_result": "to", "vocab_path": "vocab"}
_POSITIONS = {
    "bert_tokenize": ("vocab", "max_len"),
    "tokenize": ("max_len", "eos", "model"),
    "inception_crop": ("size", "area_min", "area_max", "method", "antialias"),
    "decode_jpeg_and_inception_crop": ("size", "area_min", "area_max", "ratio_min", "ratio_max"),
    "concat": ("inkeys", "to", "axis"),
    "randu": ("to",),
}
_NAMED = {"strfmt": "format"}
_FILES = {"vocab", "model", "mapping", "font", "fallback"}


def spec_calls(recorded: str, folder: Path) -> list[str]:
    """The op calls of a spec that mean what big_vision's string means; names of files are looked for in `folder`."""
    return [_call(section.strip(), folder) for section in recorded.split("|") if section.strip()]


def values(reference_inputs: Mapping[str, np.ndarray], case: Mapping[str, Any]) -> dict[str, Any]:
    """The example of a case: feature -> array, text or texts."""
    return {
        key: plain(reference_inputs[name] if isinstance(name, str) and name in reference_inputs else name)
        for key, name in case["inputs"].items()
    }


def plain(value: Any) -> Any:
    """A recorded value as a source gives it: texts are `str`, arrays are arrays."""
    array = np.asarray(value)
    if array.dtype.kind == "U" or (array.size == 0 and isinstance(value, list)):
        return array.tolist()
    return array.astype(np.float32) if isinstance(value, float) else array


def applied(recorded: str, example: Mapping[str, Any], folder: Path, index: int = 0) -> dict[str, Any]:
    """The example after big_vision's calls, as bvc computes it."""
    return run(example, *spec_calls(recorded, folder), index=index)


def compared(name: str, ours: Any, theirs: np.ndarray, tolerance: Mapping[str, Any]) -> Comparison:
    """The largest difference over what its tolerance allows for it (so 1 is the limit); 0 where it is exact."""
    if isinstance(ours, str | list):
        return Comparison(name, float(np.any(np.asarray(ours) != theirs)), 0.0)
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    if tolerance["kind"] == "allclose" and theirs.dtype.kind == "i" and ours.dtype.kind == "f":
        theirs = theirs.astype(np.float32)  # whole numbers given for values are numbers in bvc
    if ours.shape != theirs.shape or ours.dtype.kind != theirs.dtype.kind:
        shown = f"{name} ({ours.dtype}{ours.shape}, recorded {theirs.dtype}{theirs.shape})"
        return Comparison(shown, float("inf"), 1.0)
    difference = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
    if tolerance["kind"] == "exact":
        return Comparison(name, float(difference.max(initial=0.0)), 0.0)
    if tolerance["kind"] == "allclose":
        allowed = tolerance["atol"] + tolerance["rtol"] * np.abs(theirs)
        return Comparison(name, float((difference / np.maximum(allowed, 1e-30)).max(initial=0.0)), 1.0)
    shares = [
        (difference.max(initial=0.0), tolerance.get("max_abs")),
        ((difference > 0).mean(), tolerance.get("max_frac_differing")),
        (difference.mean(), tolerance.get("max_mean_abs")),
    ]
    return Comparison(name, max(float(found) / limit for found, limit in shares if limit), 1.0)


def _call(section: str, folder: Path) -> str:
    tree = ast.parse(section, mode="eval").body
    if isinstance(tree, ast.Name):
        return tree.id
    assert isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name)
    name = tree.func.id
    given = {
        _RENAMED.get(word.arg or "", word.arg or ""): ast.literal_eval(word.value) for word in tree.keywords
    }
    args = [ast.literal_eval(argument) for argument in tree.args]
    named = _POSITIONS.get(name, ())
    given = {**dict(zip(named, args, strict=False)), **given}
    positional = [] if named else args
    name, given = _as_bvc(name, given)
    words = [_literal(value, folder) for value in positional]
    words += [f"{key}={_literal(_file(key, value, folder), folder)}" for key, value in given.items()]
    return f"{name}({', '.join(words)})"


def _as_bvc(name: str, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Where bvc takes pairs and lists, or another name."""
    for pair in ("area", "ratio"):
        if f"{pair}_min" in given or f"{pair}_max" in given:
            low, high = {"area": (5, 100), "ratio": (0.75, 1.33)}[pair]
            given[pair] = [given.pop(f"{pair}_min", low), given.pop(f"{pair}_max", high)]
    if "key" in given and name != "onehot":
        given = {word: value for word, value in given.items() if word not in ("from", "to")}
    if given.get("size", 0) is None:
        del given["size"]
    component = find("op", _NAMED.get(name, name))
    if "from" in given and "to" not in given and component is not None and component.call.ports:
        given["to"] = component.writes or next(iter(component.call.ports))
    return _NAMED.get(name, name), given


def _file(key: str, value: Any, folder: Path) -> Any:
    if key in _FILES and isinstance(value, str):
        return str(folder / Path(value).name)
    return value


def _literal(value: Any, folder: Path) -> str:
    if isinstance(value, str) and value.startswith("<this folder>/"):
        value = str(folder / Path(value).name)
    if value is None:
        return "'same'"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_literal(item, folder) for item in value)}]"
    return call_literal(value)
