"""The types of a pipeline: every feature followed through every op, without data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bvc.compile.blame import blamed
from bvc.compile.dims import matching
from bvc.compile.pipeline.op import build_op
from bvc.component.error import PortError
from bvc.component.feature import Dim, Feature, Features
from bvc.component.port import Port
from bvc.diagnostics import Diagnostic, Failed, Label
from bvc.diagnostics.catalog import pipeline as catalog
from bvc.ir import OpNode

_TEMPLATE = re.compile(r"^\*?\{(?:self\.)?(?P<name>\w+)\}$")


@dataclass(frozen=True, slots=True)
class TypedOp:
    """An op that was built, and what it does to the features of an example.

    Attributes:
        node: the call.
        call: the op with its settings.
        before: features that arrive.
        after: features that leave.
        moves: for an op that only moves features around: new name -> old name; None for all others.
    """

    node: OpNode
    call: Any
    before: Features
    after: Features
    moves: Mapping[str, str] | None = None


@dataclass
class Typing:
    """Features after each op so far, and who wrote or dropped what."""

    features: dict[str, Feature]
    ops: list[TypedOp] = field(default_factory=list[TypedOp])
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])
    writers: dict[str, OpNode] = field(default_factory=dict[str, OpNode])
    droppers: dict[str, OpNode] = field(default_factory=dict[str, OpNode])

    def writer(self, feature: str) -> Label | None:
        """Points at the op that wrote a feature."""
        return _label(self.writers.get(feature), f"this op writes `{feature}`")

    def dropper(self, feature: str) -> Label | None:
        """Points at the op that dropped a feature."""
        return _label(self.droppers.get(feature), f"this op drops `{feature}`")


def type_pipeline(features: Features, ops: Sequence[OpNode]) -> tuple[Features, list[Diagnostic]]:
    """Features of an example after the last op, and what does not fit.

    After the first op that does not fit, what it writes is unknown and nothing more is said.

    Args:
        features: features of a raw example.
        ops: the calls, in order.
    """
    typing = follow(features, ops)
    return typing.features, typing.diagnostics


def follow(features: Features, ops: Sequence[OpNode]) -> Typing:
    """Like `type_pipeline`, with the ops as they were built and typed."""
    typing = Typing(dict(features))
    for node in ops:
        before = dict(typing.features)
        follow_op = _moved if "example" in node.component.call.given else _read
        try:
            with blamed(node):
                call = build_op(node)
                found = follow_op(typing, node, call)
        except Failed as failure:
            typing.diagnostics += failure.diagnostics
            break
        if found is None:
            break
        after, moves = found
        for name in before.keys() - after.keys():
            typing.droppers[name] = node
        for name, feature in after.items():
            if before.get(name) is not feature:
                typing.writers[name] = node
                typing.droppers.pop(name, None)
        typing.features = after
        typing.ops.append(TypedOp(node, call, before, after, moves))
    return typing


def _moved(
    typing: Typing, node: OpNode, call: Any
) -> tuple[dict[str, Feature], Mapping[str, str] | None] | None:
    """An op that takes the whole example. One without a method `typed` only moves features around."""
    before = typing.features
    carried = {name: feature for name, feature in before.items() if name.startswith("_")}
    typed = getattr(call, "typed", None)
    try:
        after = typed(example=before) if typed else call(example=before)
    except PortError as error:
        typing.diagnostics.append(_refused(typing, node, error))
        return None
    after = {**after, **carried}
    if typed:
        return after, None
    names = {id(feature): name for name, feature in before.items()}
    return after, {name: names[id(feature)] for name, feature in after.items()}


def _read(typing: Typing, node: OpNode, call: Any) -> tuple[dict[str, Feature], None] | None:
    """An op with ports: match them, then work out what it writes."""
    ports: dict[str, Feature] = {}
    bound: dict[str, Dim] = {}
    for name, port in node.component.call.ports.items():
        feature = typing.features.get(node.reads[name])
        if feature is None and port.optional:
            continue
        wrong = _mismatch(typing, node, port, feature)
        if wrong is not None:
            typing.diagnostics.append(wrong)
            return None
        assert feature is not None
        ports[name] = feature
        _bind(port, feature, bound)
    typed = getattr(call, "typed", None)
    try:
        written = {"": typed(**ports)} if typed else _outputs(typing, node, call, ports, bound)
    except PortError as error:
        typing.diagnostics.append(_refused(typing, node, error))
        return None
    return {**typing.features, **{node.writes[name]: feature for name, feature in written.items()}}, None


def _mismatch(typing: Typing, node: OpNode, port: Port, feature: Feature | None) -> Diagnostic | None:
    name = node.reads[port.name]
    place = node.origins.get("from", node.origins.get("key", node.origin))
    wanted = port.annotation
    if feature is None:
        unread = [label for writer in typing.writers if (label := typing.writer(writer))][-1:]
        return catalog.feature_missing(
            node.name, name, f": {wanted}", place, typing.features, typing.dropper(name), unread
        )
    if port.dtypes and feature.dtype not in port.dtypes:
        help = f"`{name}` must be {wanted} here: bring it there by an op before, or read another feature by `from=...`"
        if node.component.kind == "filter":
            help = f"a filter sees the raw example: read a feature that is {wanted} by `from=...`"
        elif feature.dtype == "bytes":
            help = f"decode `{name}` before: write `decode` above this op"
        elif port.dtypes == ("bytes",):
            help = f"`{name}` is decoded already: remove this op, or move it to the front"
        return catalog.feature_dtype(node.name, name, str(feature), wanted, place, typing.writer(name), help)
    if matching(port, feature.shape) is None:
        return catalog.feature_shape(node.name, name, str(feature), wanted, place, typing.writer(name))
    return None


def _bind(port: Port, feature: Feature, bound: dict[str, Any]) -> None:
    """Remember what the named dims of a port are; `*name` is a tuple of dims."""
    words = next(words for words in port.shapes if matching(_only(port, words), feature.shape) is not None)
    star = next((i for i, word in enumerate(words) if str(word).startswith("*")), None)
    shape = feature.shape
    if star is not None:
        count = len(shape) - len(words) + 1
        bound[str(words[star])] = shape[star : star + count]
        shape = (*shape[:star], *shape[star + count :])
        words = (*words[:star], *words[star + 1 :])
    for word, dim in zip(words, shape, strict=True):
        if isinstance(word, str):
            bound[word] = dim


def _only(port: Port, words: tuple[Dim, ...]) -> Port:
    return Port(port.name, port.dtypes, (words,))


def _outputs(
    typing: Typing, node: OpNode, call: Any, ports: Mapping[str, Feature], bound: Mapping[str, Any]
) -> dict[str, Feature]:
    found: dict[str, Feature] = {}
    taken = {dim for feature in typing.features.values() for dim in feature.shape if isinstance(dim, str)}
    for name, port in node.component.call.outputs.items():
        dtype = port.dtypes[0] if len(port.dtypes) == 1 else next(iter(ports.values())).dtype
        shape: list[Dim] = []
        for word in port.shapes[0]:
            shape += _dims(word, node, call, bound, taken)
        found[name] = Feature(dtype, tuple(shape))
    return found


def _dims(word: Dim, node: OpNode, call: Any, bound: Mapping[str, Any], taken: set[str]) -> Sequence[Dim]:
    if isinstance(word, int):
        return (word,)
    template = _TEMPLATE.match(word)
    if template:
        value = getattr(call, template["name"], None) if node.component.is_class else None
        if value is None:
            name = template["name"]
            value = node.settings.get(name, node.component.settings[name].default)
        return (value,) if isinstance(value, int) else (_fresh(str(value), taken),)
    if word.startswith("*"):
        return bound[word]
    return (bound[word],) if word in bound else (_fresh(word, taken),)


def _fresh(name: str, taken: set[str]) -> str:
    """A name of a dim that no feature has yet."""
    tried, number = name, 1
    while tried in taken:
        number += 1
        tried = f"{name}{number}"
    return tried


def _refused(typing: Typing, node: OpNode, error: PortError) -> Diagnostic:
    if error.name not in typing.features:
        return catalog.feature_missing(
            node.name, error.name, "", node.origin, typing.features, typing.dropper(error.name), ()
        )
    return catalog.op_refuses(
        node.name,
        error.name,
        error.reason,
        node.origin,
        typing.features,
        typing.writer(error.name),
        error.help,
    )


def _label(node: OpNode | None, text: str) -> Label | None:
    return Label(node.origin.mend, text) if node else None
