"""Where every parameter and every piece of optimizer state lives: one PartitionSpec per array leaf."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import jax
import numpy as np
from jax.sharding import PartitionSpec
from jaxtyping import PyTree

from bvc.compile.mesh.mesh import Grid
from bvc.component.mesh import MeshContext
from bvc.component.names import Parameter, leaf_names, parameters
from bvc.component.shard import Shard
from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import mesh as catalog
from bvc.diagnostics.catalog import rules as rules_catalog
from bvc.ir import LayoutRule


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one array leaf lives.

    Attributes:
        name: the leaf's name, `*` for the number of the layer.
        shape: its shape, with the dim of a stack.
        axis: the mesh axis that splits it; None: every device holds it all.
        dim: the dim that is split, counted from the end.
    """

    name: str
    shape: tuple[int, ...]
    axis: str | None = None
    dim: int = 0

    @property
    def spec(self) -> PartitionSpec:
        """The leaf's PartitionSpec."""
        if self.axis is None:
            return PartitionSpec()
        return PartitionSpec(*[None] * (len(self.shape) + self.dim), self.axis)


@dataclass(frozen=True, slots=True)
class Layout:
    """One placement for each array leaf of the model, in tree order.

    `frozen` are the layouts of the frozen modules by name; there, names of leaves begin with `frozen/NAME/`.
    """

    leaves: tuple[Placement, ...]
    frozen: Mapping[str, Layout] = field(default_factory=dict[str, "Layout"])

    @property
    def specs(self) -> tuple[PartitionSpec, ...]:
        """The PartitionSpecs in tree order."""
        return tuple(leaf.spec for leaf in self.leaves)

    def shards(self, model: PyTree, mesh: MeshContext) -> PyTree:
        """Inside `shard_map`: the model with this device's parts marked as such, to be gathered where used.

        Parts along the tensor axis are used as they are.
        """
        leaves, tree = jax.tree.flatten(model)
        marked = [
            leaf if place.axis in (None, mesh.tensor) else Shard(leaf, place.dim, place.axis)
            for place, leaf in zip(self.leaves, leaves, strict=True)
        ]
        return jax.tree.unflatten(tree, marked)

    def of_state(self, state: PyTree) -> PyTree[PartitionSpec]:
        """PartitionSpecs for optimizer state: a leaf under a parameter's name lies as the parameter does.

        State of the parameter's shape takes its spec. State that averages dims away (factored moments) keeps the
        parameter's split where that dim survives. Everything else, counters for example, is replicated.
        """
        placed = {place.name: place for place in self.leaves}

        def spec(path: tuple[Any, ...], leaf: Any) -> PartitionSpec:
            keys = [step.key for step in path if isinstance(step, jax.tree_util.DictKey)]
            owner = next((placed[key] for key in reversed(keys) if key in placed), None)
            return PartitionSpec() if owner is None else _derived(owner, tuple(leaf.shape))

        return jax.tree_util.tree_map_with_path(spec, state)


def lay_out(
    rules: Sequence[LayoutRule], model: PyTree, grid: Grid, frozen: Mapping[str, PyTree] | None = None
) -> Layout:
    """Apply ordered rules to the names of the parameters; without a match a parameter is replicated.

    Args:
        rules: `[[layout]]` of a spec.
        model: the model's arrays (or ShapeDtypeStructs).
        grid: the mesh.
        frozen: those of the frozen modules, by name.

    Raises:
        Failed: a rule matches nothing, names an axis or a dim that does not exist or does not divide, or
            separates layers of one stack.
    """
    wrong: dict[int, Diagnostic] = {}  # by rule: what holds for many parameters is told for the first of them
    modules = {"": model} | {f"frozen/{name}/": module for name, module in (frozen or {}).items()}
    laid = {prefix: _placements(rules, module, prefix, grid, wrong) for prefix, module in modules.items()}
    names = [name for _, found in laid.values() for name in found]
    diagnostics = [*_unknown(rules, names, grid.axes), *wrong.values()]
    if diagnostics:
        raise Failed(diagnostics)
    beside = {name: Layout(laid[f"frozen/{name}/"][0]) for name in frozen or {}}
    return Layout(laid[""][0], beside)


def _placements(
    rules: Sequence[LayoutRule], module: PyTree, prefix: str, grid: Grid, wrong: dict[int, Diagnostic]
) -> tuple[tuple[Placement, ...], list[str]]:
    """A placement for each leaf of one module, and the names of its parameters; adds to `wrong`."""
    found = [replace(each, name=prefix + each.name) for each in parameters(module)]
    by_leaf: dict[int, list[Parameter]] = {}
    for parameter in found:
        by_leaf.setdefault(parameter.leaf, []).append(parameter)
    leaves: list[Placement] = []
    for leaf, (_, group) in zip(leaf_names(module), sorted(by_leaf.items()), strict=True):
        name = prefix + leaf
        chosen = [next((rule for rule in rules if re.fullmatch(rule.match, p.name)), None) for p in group]
        shape = group[0].shape if group[0].layer is None else (len(group), *group[0].shape)
        split = None
        rule = next((rule for rule in chosen if rule is not None), None)
        if any(own is not rule for own in chosen) and rule is not None:
            taken = next(p for p, own in zip(group, chosen, strict=True) if own is rule)
            left = next(p for p, own in zip(group, chosen, strict=True) if own is not rule)
            wrong.setdefault(id(rule), catalog.layers_apart(taken.name, left.name, rule.place("match")))
        elif rule is not None and rule.axis in grid.axes:
            split = _split(rule, group[0], grid.axes[str(rule.axis)])
        if isinstance(split, Diagnostic):
            wrong.setdefault(id(rule), split)
        elif split is not None and rule is not None:
            leaves.append(Placement(name, shape, rule.axis, split - len(group[0].shape)))
            continue
        leaves.append(Placement(name, shape))
    return tuple(leaves), [parameter.name for parameter in found]


def _unknown(rules: Sequence[LayoutRule], names: Sequence[str], axes: Mapping[str, int]) -> list[Diagnostic]:
    diagnostics: list[Diagnostic] = []
    for rule in rules:
        if rule.axis is not None and rule.axis not in axes:
            diagnostics.append(catalog.unknown_axis(rule.axis, rule.place("shard"), list(axes)))
        if not any(re.fullmatch(rule.match, name) for name in names):
            effect = "every device would hold the parameters that it means"
            diagnostics.append(rules_catalog.no_match(rule.match, rule.place("match"), names, effect))
    return diagnostics


def _split(rule: LayoutRule, parameter: Parameter, size: int) -> int | Diagnostic | None:
    """Which dim the rule splits: None for none, a diagnostic where the rule names one that cannot be."""
    shape, place = parameter.shape, rule.place("shard")
    if rule.dim is not None:
        if rule.dim >= len(shape):
            return catalog.dim_out_of_range(parameter.name, shape, rule.dim, place)
        if shape[rule.dim] % size:
            return catalog.dim_indivisible(parameter.name, shape, rule.dim, str(rule.axis), size, place)
        return rule.dim if size > 1 else None
    if math.prod(shape) * np.dtype(parameter.dtype).itemsize <= rule.min_size or size == 1:
        return None
    dividing = [dim for dim, length in enumerate(shape) if length % size == 0]
    return max(dividing, key=lambda dim: shape[dim], default=None)


def _derived(owner: Placement, shape: tuple[int, ...]) -> PartitionSpec:
    """The spec of state of this shape: that of the parameter with some dims averaged away.

    Where equal sizes leave open which dims those are, and it matters, the state is replicated.
    """
    rank = len(owner.shape)
    split = None if owner.axis is None else rank + owner.dim
    specs = {
        PartitionSpec(*[owner.axis if dim == split else None for dim in kept])
        for kept in combinations(range(rank), len(shape))
        if tuple(owner.shape[dim] for dim in kept) == shape
    }
    return specs.pop() if len(specs) == 1 else PartitionSpec()
