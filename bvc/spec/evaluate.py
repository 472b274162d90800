"""Values of expressions and slots, lazily, each with the chain of places through which it came."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from bvc.diagnostics import Diagnostic, Failed, Label, Origin, Place, Sources
from bvc.diagnostics.catalog import fragments, params
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
from bvc.spec.layers import Branch, Found, Layer, Places, Row, Slot
from bvc.spec.params import Param, fits
from bvc.spec.report import Exceeded, Missing
from bvc.spec.scope import Scope
from bvc.spec.template import Template, template
from bvc.spec.text import Text
from bvc.spec.tree import Leaf, Scalar
from bvc.spec.weave import literal_leaf, woven
from bvc.spec.written import WrittenScalar, kind

MOST_REFERENCES = 32
MOST_DEPTH = 220
MOST_ITEMS = 100_000


@dataclass(frozen=True, slots=True)
class Reading:
    """A condition, loop or `use` that is being decided, before the tree exists."""

    place: Place
    what: str


class Evaluator:
    """Resolves slots and expressions. Each slot is resolved at most once.

    Until `complete` is set the tree is still being put together and `.paths` cannot be read. `expand`
    lays `use` beneath a table of `[let]` when the table is first read.
    """

    def __init__(self, sources: Sources, expand: Callable[[Branch], None]) -> None:
        self.sources = sources
        self.expand = expand
        self.complete = False
        self.reading: list[Reading] = []
        self.stack: list[Slot | Row] = []
        self.depth = 0
        self.spent = 0
        self.templates: dict[WrittenScalar, Template | Failed] = {}

    # slots and arrays

    def template(self, written: WrittenScalar) -> Template:
        """The pieces of a string. Raises `Failed` where a hole is no expression."""
        known = self.templates.get(written)
        if known is None:
            assert written.text is not None
            try:
                known = template(written.text)
            except Failed as failed:
                known = failed
            self.templates[written] = known
        if isinstance(known, Failed):
            raise Failed(known.diagnostics)
        return known

    def layer(self, layer: Layer) -> Found:
        """The value of a layer: scalars resolved, tables and arrays as they are."""
        return self.slot(layer) if isinstance(layer, Slot) else Found(layer, layer.trail)

    def slot(self, slot: Slot) -> Found:
        """The value of a scalar. Raises `Failed`."""
        if slot.found is not None:
            return slot.found
        if slot.failure is not None:
            raise Failed(slot.failure.diagnostics)
        with self._entered(slot, 4):
            try:
                slot.found = self._resolved(slot)
            except Missing as missing:
                raise self._remembered(slot, Failed(missing.diagnostics)) from None
            except Exceeded:
                raise
            except Failed as failed:
                raise self._remembered(slot, failed) from None
        return slot.found

    def _remembered(self, slot: Slot, failed: Failed) -> Failed:
        if self.complete:
            slot.failure = failed
        return failed

    def _resolved(self, slot: Slot) -> Found:
        written, scope = slot.written, slot.scope
        if written.text is None:
            return Found(Leaf(written.value, scope.origin(written.place)), slot.trail)
        pieces = self.template(written)
        lone = pieces.lone
        if lone is not None:
            found = self.expression(lone.expression, pieces.text, scope)
            return Found(found.node, (*slot.trail, written.place, *found.trail))
        if not pieces.holes:
            return Found(literal_leaf(pieces, scope.origin(written.place)), slot.trail)
        values = [self.forced(hole.expression, pieces.text, scope) for hole in pieces.holes]
        return Found(woven(pieces, values, scope.origin(written.place)), slot.trail)

    def forced(self, node: Expression, text: Text, scope: Scope) -> tuple[object, Origin]:
        """The plain value of an expression inside a text, and its origin; a table is an error there."""
        found = self.expression(node, text, scope)
        place = text.place(node.start, node.end)
        value = self.plain(found.node)
        if isinstance(value, dict):
            raise Failed(params.table_in_text(place, text.value[node.start : node.end]))
        places = found.node.origin.places if isinstance(found.node, Leaf) else ()
        return value, scope.origin(place, *found.trail, *places)

    def plain(self, node: Leaf | Branch | Row) -> object:
        """The bare value of a node, with everything in it resolved."""
        if isinstance(node, Leaf):
            return node.value
        if isinstance(node, Branch):
            with self.inside(node):
                return {key: self.plain(self.layer(value).node) for key, value in self.rows(node).items()}
        return [self.plain(self.layer(item).node) for item, _ in self.items(node)]

    def items(self, row: Row) -> list[tuple[Layer, Places]]:
        """The items of an array: a reference to an array gives way to that array's items.

        Raises `Failed` with all that is wrong in them.
        """
        if row.spliced is not None:
            return row.spliced
        found: list[tuple[Layer, Places]] = []
        wrong: list[Diagnostic] = []
        with self._entered(row, 3):
            for item in row.items:
                try:
                    found.extend(self._spliced(item))
                except Exceeded:
                    raise
                except Failed as failed:
                    wrong.extend(failed.diagnostics)
                self.spend(1, row.place)
        if wrong:
            raise Failed(wrong)
        row.spliced = found
        return found

    def _spliced(self, item: Layer) -> list[tuple[Layer, Places]]:
        if not isinstance(item, Slot):
            return [(item, ())]
        found = self.slot(item)
        if not isinstance(found.node, Row):
            return [(item, ())]
        inner = self.items(found.node)
        self.spend(len(inner), item.place)
        return [(layer, (*found.trail, *trail)) for layer, trail in inner]

    def rows(self, table: Branch) -> dict[str, Layer]:
        """The items of a table, once what it uses lies beneath it."""
        if table.use is not None:
            self.expand(table)
        if table.failures:
            raise Failed(table.failures)
        return table.items

    def spend(self, amount: int, place: Place) -> None:
        """Counts work. Raises `Exceeded` when a load does too much of it."""
        self.spent += amount
        if self.spent > MOST_ITEMS:
            raise Exceeded(params.too_much_work(place, MOST_ITEMS))

    # names

    def name(self, node: Name, text: Text, scope: Scope) -> Found:
        """What a bare name means: a loop variable, a param or a let, in this order."""
        if node.name in scope.variables:
            return scope.variables[node.name]
        if node.name in scope.home.params:
            return self.param(scope.home.params[node.name])
        layer = scope.home.lets.items.get(node.name)
        if layer is not None:
            return self.layer(layer)
        if scope.home.lost:
            raise Failed(scope.home.lost)
        place = text.place(node.start, node.end)
        raise Missing(params.unknown_name(place, node.name, list(scope.names()), list(scope.home.tree.items)))

    def param(self, param: Param) -> Found:
        """The value of a param, checked against its declaration."""
        if param.value is None:
            raise Failed(param.lacking)
        found = self.layer(param.value)
        if not param.checked:
            self._check(param, found)
            param.checked = True
        return found

    def _check(self, param: Param, found: Found) -> None:
        type_ = param.type
        if not type_ and param.choices is None:
            return
        value = self.plain(found.node)
        places = (
            *found.trail,
            *(found.node.origin.places if isinstance(found.node, Leaf) else (found.node.place,)),
        )
        if type_ and not fits(value, type_):
            raise Failed(params.param_type(places, param.name, type_, value, kind(value), param.declared))
        if param.choices is not None:
            allowed = [item.value for item in param.choices.items if isinstance(item, WrittenScalar)]
            if value not in allowed:
                raise Failed(params.not_a_choice(places, param.name, value, allowed, param.choices.place))

    def root(self, node: Root, text: Text, scope: Scope) -> Found:
        """The tree that `.path` reads."""
        if not self.complete:
            labels = tuple(Label(r.place, f"read by this {r.what}") for r in self.reading[-1:])
            raise Failed(fragments.path_too_early(text.place(node.start, node.end), labels))
        return Found(scope.home.tree)

    # expressions

    def expression(self, node: Expression, text: Text, scope: Scope) -> Found:
        """The value of an expression. Raises `Failed`, or `Missing` for what `??` may replace."""
        if self.depth >= MOST_DEPTH:
            raise Failed(params.too_deep_references(text.place(node.start, node.end)))
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
            raise Failed(params.with_operands(d, operands) for d in failed.diagnostics) from None

    def scalar(self, node: Expression, text: Text, scope: Scope) -> Scalar:
        """The value of an operand, which must be a scalar."""
        found = self.expression(node, text, scope).node
        if isinstance(found, Leaf):
            return found.value
        what = "a table" if isinstance(found, Branch) else "an array"
        raise Failed(params.not_a_scalar(text.place(node.start, node.end), what))

    def truth(self, node: Expression, text: Text, scope: Scope, what: str) -> bool:
        """The value of a condition, which must be a bool."""
        value = self.scalar(node, text, scope)
        if not isinstance(value, bool):
            raise Failed(params.not_a_bool(text.place(node.start, node.end), what, kind(value)))
        return value

    def _contains(self, node: Binary, text: Text, scope: Scope) -> bool:
        wanted = self.scalar(node.left, text, scope)
        found = self.expression(node.right, text, scope).node
        if isinstance(found, Branch):
            return wanted in self.rows(found)
        if isinstance(found, Row):
            return wanted in [self.plain(self.layer(item).node) for item, _ in self.items(found)]
        if isinstance(found.value, str) and isinstance(wanted, str):
            return wanted in found.value
        raise Failed(params.nothing_in(text.place(node.right.start, node.right.end), kind(found.value)))

    def _member(self, of: Found, key: Scalar, place: Place, node: Member | Index, text: Text) -> Found:
        whole = text.value[node.of.start : node.of.end]
        if isinstance(of.node, Leaf):
            raise Failed(fragments.no_rows(place, whole, kind(of.node.value)))
        if isinstance(of.node, Branch):
            layer = self.rows(of.node).get(str(key))
            if layer is None:
                rows = list(of.node.items)
                raise Missing(fragments.missing_row(place, str(key), whole, rows, of.node.place))
            found = self.layer(layer)
            return Found(found.node, (*of.trail, *found.trail))
        items = self.items(of.node)
        if isinstance(key, str) and key.isdecimal() and isinstance(node, Member):
            key = int(key[:9])
        if not isinstance(key, int) or isinstance(key, bool):
            raise Failed(fragments.item_not_a_number(place, whole, kind(key)))
        if not 0 <= key < len(items):
            raise Missing(fragments.missing_item(place, key, whole, len(items)))
        layer, trail = items[key]
        found = self.layer(layer)
        return Found(found.node, (*of.trail, *trail, *found.trail))

    # bounds

    @contextmanager
    def _entered(self, node: Slot | Row, frames: int) -> Generator[None, None, None]:
        """Around the work on a slot or array: notices cycles and chains that are too long."""
        if node.busy:
            ring = self.stack[self.stack.index(node) :]
            steps = [(step.name, step.place) for step in ring]
            raise Failed(fragments.cycle(steps))
        depth = self.depth
        if len(self.stack) >= MOST_REFERENCES:
            raise Failed(params.too_deep_references(node.place))
        node.busy = True
        self.stack.append(node)
        self.depth += frames
        try:
            yield
        finally:
            node.busy = False
            self.stack.pop()
            self.depth = depth

    @contextmanager
    def inside(self, table: Branch) -> Generator[None, None, None]:
        """Around the work on everything in a table: a table that holds itself has no end."""
        if table.busy:
            raise Failed(fragments.cycle([(table.name or "the tree", table.place)]))
        table.busy = True
        try:
            yield
        finally:
            table.busy = False
