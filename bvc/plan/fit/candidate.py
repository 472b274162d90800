"""The ways to run an experiment that a search compares, and the `--set` flags that choose each."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, get_args

from bvc.compile.mesh.mesh import TENSOR
from bvc.ir import ModelNode

Precision = Literal["given", "products", "parameters"]
"""As the spec says; matrix products in bfloat16; parameters and the optimizer's state in bfloat16 too."""

REMATS = ("none", "dots", "full")
"""Settings of `remat`, those that compute least again first."""
_AXES = ("data", "fsdp", TENSOR)
"""Axes of the meshes that are tried."""
_MOST_TENSOR = 8
"""Sizes of the tensor axis that are tried at most: every layer waits for its sums."""

MIN_SIZE = "64 KiB"
"""Smaller parameters stay whole: to gather them takes longer than to hold them."""

Flags = tuple[tuple[str, str], ...]
"""Settings as the command line takes them: path and text of the value."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to run an experiment.

    Attributes:
        axes: name and size of every mesh axis, in the order of the device grid.
        split: the axes over which the batch is split.
        ruled: whether parameters lie by the rules of the spec, instead of by those that suit the axes.
        remat: of every model that has this setting; None: as the spec says.
        parts: in how many a device works off its examples.
        precision: of products and parameters.
    """

    axes: tuple[tuple[str, int], ...]
    split: tuple[str, ...]
    ruled: bool
    remat: str | None
    parts: int
    precision: Precision

    def size(self, axis: str) -> int:
        """Devices along an axis; 1 if there is none of that name."""
        return dict(self.axes).get(axis, 1)

    @property
    def shards(self) -> int:
        """How many ways the batch is split."""
        return math.prod(self.size(axis) for axis in self.split)

    @property
    def devices(self) -> int:
        """How many devices the mesh has."""
        return math.prod(size for _, size in self.axes)


@dataclass(frozen=True, slots=True)
class Tunable:
    """A trained model of a spec: where its table stands, and its settings that may vary (None: it has none such)."""

    path: str
    remat: str | None
    remats: tuple[str, ...]
    dtype: str | None


@dataclass(frozen=True, slots=True)
class Given:
    """What the spec itself says, with sizes for the target.

    Attributes:
        candidate: as one of the ways.
        models: the trained models.
        batch: examples of a step.
        names_split: whether the spec names the axes that split it.
        tensor: our rules for an axis `tensor`: pattern and dim.
        min_size: smaller parameters are not split by our rule.
    """

    candidate: Candidate
    models: tuple[Tunable, ...]
    batch: int
    names_split: bool
    tensor: tuple[tuple[str, int], ...]
    min_size: str


def tunables(node: ModelNode, path: str = "model") -> Iterator[Tunable]:
    """The models of a spec that have one of the settings which the search varies."""
    known = node.component.settings
    remats = tuple(
        each for each in REMATS if "remat" in known and each in get_args(known["remat"].annotation)
    )
    remat = node.settings.get("remat", known["remat"].default) if remats else None
    dtype = None
    if "dtype" in known and "bfloat16" in get_args(known["dtype"].annotation):
        dtype = node.settings.get("dtype", known["dtype"].default)
    if remats or dtype:
        yield Tunable(path, remat, remats, dtype)
    for name, value in node.settings.items():
        yield from _inside(value, f"{path}.{name}")


def _inside(value: Any, path: str) -> Iterator[Tunable]:
    if isinstance(value, ModelNode):
        yield from tunables(value, path)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _inside(item, f"{path}.{name}")


def candidates(given: Given, devices: int) -> list[Candidate]:
    """What the spec says, and all ways that differ from it in mesh, layout, remat, accumulation and precision.

    Meshes have the axes `data`, `fsdp` and, where rules for it are known, `tensor`; numbers of parts are powers of two.
    """
    found = [given.candidate]
    remats = sorted({remat for model in given.models for remat in model.remats}, key=REMATS.index)
    uniform = given.candidate.remat is not None
    ways: list[str | None] = [*remats] if uniform or not remats else [None, *remats]
    precisions: list[Precision] = ["given", "parameters"]
    if any(model.dtype == "float32" for model in given.models):
        precisions.insert(1, "products")
    for axes, ruled in product(_meshes(given, devices), {given.candidate.ruled, False}):
        shards = devices // dict(axes).get(TENSOR, 1)
        if given.batch % shards:
            continue
        split = tuple(axis for axis, _ in axes if axis != TENSOR)
        for parts, remat, precision in product(_halvings(given.batch // shards), ways or [None], precisions):
            found.append(Candidate(axes, split, ruled, remat, parts, precision))
    return list(dict.fromkeys(found))


def _meshes(given: Given, devices: int) -> Iterator[tuple[tuple[str, int], ...]]:
    """Every grid of the devices; other axes that the spec names have size 1."""
    own = [
        axis for axis, _ in given.candidate.axes
    ]  # all stay: a table that is set lies over that of the spec
    names = own + [axis for axis in _AXES if axis not in own]
    sizes = [size for size in range(1, devices + 1) if devices % size == 0]
    for tensor in [size for size in sizes if size <= (_MOST_TENSOR if given.tensor else 1)]:
        for fsdp in sizes:
            if devices % (tensor * fsdp) == 0:
                grid = {"data": devices // tensor // fsdp, "fsdp": fsdp, TENSOR: tensor}
                sized = ((axis, grid.get(axis, 1)) for axis in names)
                yield tuple((axis, size) for axis, size in sized if size > 1 or axis in own)


def _halvings(examples: int) -> Iterator[int]:
    parts = 1
    while examples % parts == 0:
        yield parts
        parts *= 2


def flags(candidate: Candidate, given: Given) -> Flags:
    """The settings that make the spec be run in this way; those that it has already are left out."""
    own = given.candidate
    found: list[tuple[str, str]] = []
    if candidate.axes != own.axes:
        found.append(("mesh.axes", _table({axis: str(size) for axis, size in candidate.axes})))
        if given.names_split:
            found.append(("mesh.batch", json.dumps(candidate.split)))
    if not candidate.ruled:
        rules = _rules(candidate, given)
        if rules or own.ruled:
            found.append(("layout", f"[{', '.join(rules)}]"))
    if candidate.parts != own.parts:
        found.append(("run.accumulate", str(candidate.parts)))
    for model in given.models:
        if candidate.remat in model.remats and candidate.remat != model.remat:
            found.append((f"{model.path}.remat", f'"{candidate.remat}"'))
        if candidate.precision != "given" and model.dtype == "float32":
            found.append((f"{model.path}.dtype", '"bfloat16"'))
    if candidate.precision == "parameters":
        found.append(("precision.parameters", '"bfloat16"'))
    return tuple(found)


def _rules(candidate: Candidate, given: Given) -> list[str]:
    rules: list[str] = []
    if candidate.size(TENSOR) > 1:
        rules += [
            _table({"match": json.dumps(match), "shard": _table({"dim": str(dim), "axis": f'"{TENSOR}"'})})
            for match, dim in given.tensor
        ]
    if candidate.size("fsdp") > 1:
        whole = {"match": '".*"', "shard": '"fsdp"', "min_size": f'"{given.min_size}"'}
        rules.append(_table(whole))
    return rules


def _table(items: Mapping[str, str]) -> str:
    return f"{{ {', '.join(f'{key} = {value}' for key, value in items.items())} }}"
