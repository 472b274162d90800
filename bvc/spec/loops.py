"""Tables repeated for values (phase 5)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bvc.diagnostics import Diagnostic, Failed, Place
from bvc.diagnostics.catalog import expressions, fragments
from bvc.spec.formatting import as_text, formatted
from bvc.spec.layers import Branch, Found, Layer, Row, Slot, over, pruned, rescoped_branch
from bvc.spec.parse import parse
from bvc.spec.report import Exceeded, Report
from bvc.spec.resolve import Reading, Resolver
from bvc.spec.scope import Scope
from bvc.spec.template import Hole, Template, template
from bvc.spec.text import decode
from bvc.spec.tree import Leaf
from bvc.spec.written import kind

MOST_TABLES = 4096


@dataclass(frozen=True, slots=True, eq=False)
class _Axis:
    """A loop variable and the values that it takes, as found and bare."""

    name: str
    values: list[tuple[Found, object]]


def expand_loops(tree: Branch, resolver: Resolver, report: Report) -> None:
    """Replaces every table with `for`, in place, by the tables that it makes.

    An explicit table lies over a generated one. What is wrong goes to `report`, and the table that
    lacks generated tables says so.
    """
    _Loops(resolver, report).expand(tree)


class _Loops:
    def __init__(self, resolver: Resolver, report: Report) -> None:
        self.resolver = resolver
        self.report = report

    def expand(self, tree: Branch) -> None:
        if any("${" in key for key in tree.items):
            self.replace_generated(tree)
        for value in tree.items.values():
            self.below(value)

    def below(self, value: Layer) -> None:
        if isinstance(value, Branch):
            self.expand(value)
        elif isinstance(value, Row):
            for item in value.items:
                self.below(item)

    def replace_generated(self, tree: Branch) -> None:
        made = Branch(tree.place, tree.scope, tree.name)
        explicit = replace(tree, items={}, keys=dict(tree.keys), cuts=())
        order: list[str] = []
        for key, value in tree.items.items():
            if "${" not in key:
                explicit.items[key] = value
                order.append(key)
                continue
            place = explicit.keys.pop(key)
            try:
                for name, table in self.generated(key, place, value, tree.name):
                    if name in made.items:
                        raise Failed(fragments.made_twice(place, name, made.keys[name]))
                    made.items[name], made.keys[name] = table, place
                    order.append(name)
            except Exceeded:
                raise
            except Failed as failed:
                self.report.add(failed.diagnostics)
                explicit.failures = (*explicit.failures, *failed.diagnostics)
        merged = over(made, explicit)
        merged.items = {key: merged.items[key] for key in dict.fromkeys(order)}
        merged.cuts = tree.cuts
        tree.become(merged)

    def generated(self, key: str, place: Place, body: Layer, around: str) -> Iterator[tuple[str, Branch]]:
        if not isinstance(body, Branch) or body.loop is None:
            raise Failed(fragments.hole_without_for(place, key))
        loop = body.loop
        self.resolver.reading.append(Reading(loop.place, "loop"))
        try:
            axes = self.axes(loop)
            count = math.prod(len(axis.values) for axis in axes)
            if count > MOST_TABLES:
                raise Failed(expressions.too_many_tables(loop.place, count, MOST_TABLES))
            source = self.resolver.sources[place.file]
            pieces = template(decode(source, place.file, place.start, place.end))
            for combination in itertools.product(*(axis.values for axis in axes)):
                variables = {axis.name: found for axis, (found, _) in zip(axes, combination, strict=True)}
                bindings = tuple((axis.name, bare) for axis, (_, bare) in zip(axes, combination, strict=True))
                name = self.named(pieces, loop.scope.loop("", place, variables, bindings))
                table = f"{around}.{name}" if around else name
                self.resolver.spend(1, place)
                left = pruned(
                    name, self.body(body, body.scope.loop(table, place, variables, bindings)), body.pending
                )
                if isinstance(left, Branch):
                    yield name, left
        finally:
            self.resolver.reading.pop()

    def body(self, body: Branch, scope: Scope) -> Branch:
        return rescoped_branch(replace(body, loop=None, pending=(), name=scope.table), scope)

    def axes(self, loop: Branch) -> list[_Axis]:
        axes: list[_Axis] = []
        wrong: list[Diagnostic] = []
        for name, layer in loop.items.items():
            try:
                axes.append(_Axis(name, self.values(layer)))
            except Exceeded:
                raise
            except Failed as failed:
                wrong.extend(failed.diagnostics)
        if wrong:
            raise Failed(wrong)
        return axes

    def values(self, layer: Layer) -> list[tuple[Found, object]]:
        """What a loop variable takes: items of an array, keys of a table."""
        found = self.named_by(layer) if isinstance(layer, Slot) else Found(layer)
        node = found.node
        if isinstance(node, Branch):
            rows = self.resolver.rows(node)
            leaves = [Leaf(key, layer.scope.origin(node.keys[key])) for key in rows]
            return [(Found(leaf, found.trail), leaf.value) for leaf in leaves]
        if isinstance(node, Row):
            values: list[tuple[Found, object]] = []
            for item, trail in self.resolver.items(node):
                value = self.resolver.layer(item)
                whole = Found(value.node, (*found.trail, *trail, *value.trail))
                values.append((whole, self.resolver.plain(value.node)))
            return values
        raise Failed(fragments.bad_for(layer.place, kind(node.value)))

    def named_by(self, slot: Slot) -> Found:
        text = slot.written.text
        if text is None:
            raise Failed(fragments.bad_for(slot.place, kind(slot.written)))
        if "${" in text.value:
            raise Failed(expressions.hole_in_condition(slot.place, "a value of `for`"))
        expression, _ = parse(text)
        found = self.resolver.evaluator.expression(expression, text, slot.scope)
        return Found(found.node, (slot.place, *found.trail))

    def named(self, pieces: Template, scope: Scope) -> str:
        """The name of one generated table."""
        words: list[str] = []
        for piece in pieces.pieces:
            if not isinstance(piece, Hole):
                words.append(pieces.text.value[piece.start : piece.end])
                continue
            place = pieces.text.place(piece.start, piece.end)
            node = self.resolver.evaluator.expression(piece.expression, pieces.text, scope).node
            if not isinstance(node, Leaf):
                what = "a table" if isinstance(node, Branch) else "an array"
                raise Failed(fragments.bad_generated_name(place, what))
            word = formatted(node.value, piece.format) if piece.format else as_text(node.value)
            if word is None:
                raise Failed(expressions.format_does_not_fit(place, piece.format, as_text(node.value)))
            words.append(word)
        name = "".join(words)
        if "${" in name:
            raise Failed(fragments.bad_generated_name(pieces.text.place(0, len(pieces.text.value)), "a `${`"))
        return name
