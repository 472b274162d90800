"""Values of slots and arrays, lazily, each with the chain of places through which it came."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from bvc.diagnostics import Diagnostic, Failed, Origin, Place, Sources
from bvc.diagnostics.catalog import expressions, fragments, params
from bvc.spec.evaluate import Evaluator
from bvc.spec.expression import Expression
from bvc.spec.layers import Branch, Found, Layer, Places, Row, Slot
from bvc.spec.params import Param, fits
from bvc.spec.report import Exceeded
from bvc.spec.scope import Scope
from bvc.spec.template import Template, template
from bvc.spec.text import Text
from bvc.spec.tree import Leaf
from bvc.spec.weave import literal_leaf, woven
from bvc.spec.written import WrittenScalar, kind

MOST_REFERENCES = 32
MOST_ITEMS = 30_000


@dataclass(frozen=True, slots=True)
class Reading:
    """A condition, loop or `use` that is being decided, before the tree exists."""

    place: Place
    what: str


class Resolver:
    """Resolves slots, arrays and params. Each is resolved at most once.

    Until `complete` is set the tree is still being put together and `.paths` cannot be read. `expand`
    lays `use` beneath a table of `[let]` when the table is first read.
    """

    def __init__(self, sources: Sources, expand: Callable[[Branch], None]) -> None:
        self.sources = sources
        self.expand = expand
        self.complete = False
        self.reading: list[Reading] = []
        self.stack: list[Slot | Row] = []
        self.evaluator = Evaluator(self)
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
            except Exceeded:
                raise
            except Failed as failed:
                told = Failed(located(diagnostic, slot.scope) for diagnostic in failed.diagnostics)
                if self.complete:
                    slot.failure = told
                raise told from None
        return slot.found

    def _resolved(self, slot: Slot) -> Found:
        written, scope = slot.written, slot.scope
        if written.text is None:
            return Found(Leaf(written.value, scope.origin(written.place)), slot.trail)
        pieces = self.template(written)
        lone = pieces.lone
        if lone is not None:
            found = self.evaluator.expression(lone.expression, pieces.text, scope)
            return Found(found.node, (*slot.trail, written.place, *found.trail))
        if not pieces.holes:
            return Found(literal_leaf(pieces, scope.origin(written.place)), slot.trail)
        values = [self.forced(hole.expression, pieces.text, scope) for hole in pieces.holes]
        return Found(woven(pieces, values, scope.origin(written.place)), slot.trail)

    def forced(self, node: Expression, text: Text, scope: Scope) -> tuple[object, Origin]:
        """The plain value of an expression inside a text, and its origin; a table is an error there."""
        found = self.evaluator.expression(node, text, scope)
        place = text.place(node.start, node.end)
        value = self.plain(found.node)
        if isinstance(value, dict):
            raise Failed(expressions.table_in_text(place, text.value[node.start : node.end]))
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
            raise Exceeded(expressions.too_much_work(place, MOST_ITEMS))

    # params

    def param(self, param: Param) -> Found:
        """The value of a param, checked against its declaration."""
        if param.value is None:
            raise Failed(param.lacking)
        found = self.layer(param.value)
        if not param.checked:
            try:
                self._check(param, found)
            except Failed as failed:
                raise Failed(located(d, param.value.scope) for d in failed.diagnostics) from None
            param.checked = True
        return found

    def _type_of_default(self, param: Param) -> str:
        """The type that an expression as default gives; empty where it has no value for these params."""
        if not param.given or not isinstance(param.default, Slot):
            return ""
        try:
            node = self.slot(param.default).node
        except Exceeded:
            raise
        except Failed:
            return ""
        return kind(self.plain(node)).partition(" ")[2] if isinstance(node, Leaf) else ""

    def _check(self, param: Param, found: Found) -> None:
        type_ = param.type or self._type_of_default(param)
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

    # bounds

    @contextmanager
    def _entered(self, node: Slot | Row, frames: int) -> Generator[None, None, None]:
        """Around the work on a slot or array: notices cycles and chains that are too long."""
        if node.busy:
            ring = self.stack[self.stack.index(node) :]
            steps = [(step.name, step.place) for step in ring]
            raise Failed(fragments.cycle(steps))
        depth = self.evaluator.depth
        if len(self.stack) >= MOST_REFERENCES:
            raise Failed(expressions.too_deep_references(node.place))
        node.busy = True
        self.stack.append(node)
        self.evaluator.depth += frames
        try:
            yield
        finally:
            node.busy = False
            self.stack.pop()
            self.evaluator.depth = depth

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


def located(diagnostic: Diagnostic, scope: Scope) -> Diagnostic:
    """Adds in which generated table a mistake is; one in the standard library is told at its `use`."""
    place = diagnostic.place
    if place is None or diagnostic.origin is not None:
        return diagnostic
    origin = scope.origin(place)
    if origin.mend != place:
        return fragments.inside(diagnostic, place, origin)
    return replace(diagnostic, origin=origin)
