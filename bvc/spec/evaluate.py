"""Values of expressions, each with the chain of places through which it came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bvc.diagnostics import Failed, Label, Place
from bvc.diagnostics.catalog import expressions as catalog
from bvc.diagnostics.catalog import fragments
from bvc.spec import arithmetic
from bvc.spec.expression import (
    Apply,
    Binary,
    Choice,
    Expression,
    Index,
    Literal,
    Member,
    Name,
    Root,
    Unary,
)
from bvc.spec.layers import Branch, Found, Row
from bvc.spec.report import Missing
from bvc.spec.scope import Scope
from bvc.spec.text import Text
from bvc.spec.tree import Leaf, Scalar
from bvc.spec.written import kind

if TYPE_CHECKING:
    from bvc.spec.resolve import Resolver

MOST_DEPTH = 120


class Evaluator:
    """Evaluates expressions; `resolver` gives the values of what they name."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self.depth = 0

    def name(self, node: Name, text: Text, scope: Scope) -> Found:
        """What a bare name means: a loop variable, a param or a let, in this order."""
        if node.name in scope.variables:
            return scope.variables[node.name]
        if node.name in scope.home.params:
            return self.resolver.param(scope.home.params[node.name])
        layer = scope.home.lets.items.get(node.name)
        if layer is not None:
            return self.resolver.layer(layer)
        if scope.home.lost:
            raise Failed(scope.home.lost)
        place = text.place(node.start, node.end)
        raise Missing(
            catalog.unknown_name(place, node.name, list(scope.names()), list(scope.home.tree.items))
        )

    def root(self, node: Root, text: Text, scope: Scope) -> Found:
        """The tree that `.path` reads."""
        if not self.resolver.complete:
            labels = tuple(Label(r.place, f"read by this {r.what}") for r in self.resolver.reading[-1:])
            raise Failed(fragments.path_too_early(text.place(node.start, node.end), labels))
        return Found(scope.home.tree)

    def expression(self, node: Expression, text: Text, scope: Scope) -> Found:
        """The value of an expression. Raises `Failed`, or `Missing` for what `??` may replace."""
        if self.depth >= MOST_DEPTH:
            raise Failed(catalog.too_deep_references(text.place(node.start, node.end)))
        self.depth += 1
        try:
            return self._expression(node, text, scope)
        finally:
            self.depth -= 1

    def _expression(self, node: Expression, text: Text, scope: Scope) -> Found:
        match node:
            case Literal():
                return Found(Leaf(node.value, scope.origin(text.place(node.start, node.end))))
            case Name():
                return self.name(node, text, scope)
            case Root():
                return self.root(node, text, scope)
            case Member():
                place = text.place(node.key_start, node.end)
                return self._member(self.expression(node.of, text, scope), node.key, place, node, text)
            case Index():
                place = text.place(node.key.start, node.key.end)
                key = self.scalar(node.key, text, scope)
                return self._member(self.expression(node.of, text, scope), key, place, node, text)
            case Choice():
                test = self.truth(node.test, text, scope, "if")
                return self.expression(node.value if test else node.other, text, scope)
            case Binary(operator="??"):
                try:
                    return self.expression(node.left, text, scope)
                except Missing:
                    return self.expression(node.right, text, scope)
            case Unary() | Binary() | Apply():
                return Found(Leaf(self._computed(node, text, scope), scope.origin()))

    def _computed(self, node: Unary | Binary | Apply, text: Text, scope: Scope) -> Scalar:
        place = text.place(node.start, node.end)
        if isinstance(node, Unary):
            if node.operator == "not":
                return not self.truth(node.operand, text, scope, "not")
            return arithmetic.negate(self.scalar(node.operand, text, scope), place)
        if isinstance(node, Apply):
            values = [self.scalar(argument, text, scope) for argument in node.arguments]
            return arithmetic.apply(node.function, values, place)
        if node.operator in ("and", "or"):
            left = self.truth(node.left, text, scope, node.operator)
            if left == (node.operator == "or"):
                return left
            return self.truth(node.right, text, scope, node.operator)
        if node.operator in ("in", "not in"):
            return self._contains(node, text, scope) == (node.operator == "in")
        left, right = self.scalar(node.left, text, scope), self.scalar(node.right, text, scope)
        reckon = arithmetic.calculate if node.operator in arithmetic.ARITHMETIC else arithmetic.compare
        try:
            return reckon(node.operator, left, right, place)
        except Failed as failed:
            operands = [
                (text.value[o.start : o.end], value) for o, value in ((node.left, left), (node.right, right))
            ]
            raise Failed(catalog.with_operands(d, operands) for d in failed.diagnostics) from None

    def scalar(self, node: Expression, text: Text, scope: Scope) -> Scalar:
        """The value of an operand, which must be a scalar."""
        found = self.expression(node, text, scope).node
        if isinstance(found, Leaf):
            return found.value
        what = "a table" if isinstance(found, Branch) else "an array"
        raise Failed(catalog.not_a_scalar(text.place(node.start, node.end), what))

    def truth(self, node: Expression, text: Text, scope: Scope, what: str) -> bool:
        """The value of a condition, which must be a bool."""
        value = self.scalar(node, text, scope)
        if not isinstance(value, bool):
            raise Failed(catalog.not_a_bool(text.place(node.start, node.end), what, kind(value)))
        return value

    def _contains(self, node: Binary, text: Text, scope: Scope) -> bool:
        wanted = self.scalar(node.left, text, scope)
        found = self.expression(node.right, text, scope).node
        if isinstance(found, Branch):
            return wanted in self.resolver.rows(found)
        if isinstance(found, Row):
            return wanted in [
                self.resolver.plain(self.resolver.layer(item).node) for item, _ in self.resolver.items(found)
            ]
        if isinstance(found.value, str) and isinstance(wanted, str):
            return wanted in found.value
        raise Failed(catalog.nothing_in(text.place(node.right.start, node.right.end), kind(found.value)))

    def _member(self, of: Found, key: Scalar, place: Place, node: Member | Index, text: Text) -> Found:
        whole = text.value[node.of.start : node.of.end]
        if isinstance(of.node, Leaf):
            raise Failed(fragments.no_rows(place, whole, kind(of.node.value)))
        if isinstance(of.node, Branch):
            layer = self.resolver.rows(of.node).get(str(key))
            if layer is None:
                rows = list(of.node.items)
                raise Missing(fragments.missing_row(place, str(key), whole, rows, of.node.place))
            found = self.resolver.layer(layer)
            return Found(found.node, (*of.trail, *found.trail))
        items = self.resolver.items(of.node)
        if isinstance(key, str) and key.isdecimal() and isinstance(node, Member):
            key = int(key[:9])
        if not isinstance(key, int) or isinstance(key, bool):
            raise Failed(fragments.item_not_a_number(place, whole, kind(key)))
        if not 0 <= key < len(items):
            raise Missing(fragments.missing_item(place, key, whole, len(items)))
        layer, trail = items[key]
        found = self.resolver.layer(layer)
        return Found(found.node, (*of.trail, *trail, *found.trail))
