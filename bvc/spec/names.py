"""Syntax and names of every expression of a file, whether or not anything will read its value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import expressions, fragments
from bvc.spec.document import Document
from bvc.spec.expression import Binary, Expression, Name, Root, parts
from bvc.spec.parse import parse
from bvc.spec.report import Report
from bvc.spec.resolve import Resolver
from bvc.spec.scope import Scope
from bvc.spec.template import template
from bvc.spec.text import Text, decode
from bvc.spec.written import Written, WrittenArray, WrittenScalar, WrittenTable

Variables = frozenset[str]


def check_names(chain: Sequence[Document], scope: Scope, resolver: Resolver, report: Report) -> None:
    """Checks all files of a chain, whose names are one: untaken whens and overridden values too."""
    checker = _Checker(scope, resolver)
    for document in chain:
        checker.collect(document.plain)
        for when in document.whens:
            checker.collect(when.plain)
    for document in chain:
        for declaration in document.params:
            if declaration.default is not None:
                checker.node(declaration.default, frozenset())
        if document.lets is not None:
            checker.node(document.lets, frozenset())
        if document.plain is not None:
            checker.node(document.plain, frozenset())
        for when in document.whens:
            checker.condition(when.condition, frozenset())
            checker.node(when.plain, frozenset())
    report.add(checker.wrong)


class _Checker:
    def __init__(self, scope: Scope, resolver: Resolver) -> None:
        self.known = frozenset(scope.names())
        self.lost = bool(scope.home.lost)
        self.tree = list(scope.home.tree.items)
        self.resolver = resolver
        self.wrong: list[Diagnostic] = []
        self.loops: dict[str, Variables] = {}  # the variables of each generated table, by its name

    def collect(self, node: Written | None) -> None:
        """Learns the loop variables: a nearer table of the same name has them without a `for`."""
        if isinstance(node, WrittenArray):
            for item in node.items:
                self.collect(item)
        elif isinstance(node, WrittenTable):
            for key, value in node.items.items():
                if isinstance(value, WrittenTable) and isinstance(
                    loop := value.items.get("for"), WrittenTable
                ):
                    self.loops[key] = self.loops.get(key, frozenset()) | frozenset(loop.items)
                self.collect(value)

    def node(self, node: Written, variables: Variables) -> None:
        if isinstance(node, WrittenTable):
            self.table(node, variables)
        elif isinstance(node, WrittenArray):
            for item in node.items:
                self.node(item, variables)
        elif node.text is not None:
            self.string(node, variables, early=False)

    def table(self, table: WrittenTable, variables: Variables) -> None:
        for key, value in table.items.items():
            inner = variables | self.loops.get(key, frozenset())
            if key in self.loops:
                place = table.keys[key]
                source = self.resolver.sources[place.file]
                self.text(decode(source, place.file, place.start, place.end), inner, early=True)
            if key == "use":
                for item in value.items if isinstance(value, WrittenArray) else (value,):
                    if isinstance(item, WrittenScalar):
                        self.string(item, variables, early=True)
            elif key == "for" and isinstance(value, WrittenTable):
                self.loop(value, variables - frozenset(value.items))
            else:
                self.node(value, inner)

    def loop(self, loop: WrittenTable, variables: Variables) -> None:
        for value in loop.items.values():
            if isinstance(value, WrittenScalar) and value.text is not None and "${" not in value.text.value:
                self.condition(value, variables)
            elif not isinstance(value, WrittenScalar):
                self.node(value, variables)

    def string(self, written: WrittenScalar, variables: Variables, *, early: bool) -> None:
        try:
            pieces = self.resolver.template(written)
        except Failed as failed:
            self.wrong.extend(failed.diagnostics)
            return
        for hole in pieces.holes:
            self.expression(hole.expression, pieces.text, variables, early)

    def text(self, text: Text, variables: Variables, *, early: bool) -> None:
        try:
            holes = template(text).holes
        except Failed as failed:
            self.wrong.extend(failed.diagnostics)
            return
        for hole in holes:
            self.expression(hole.expression, text, variables, early)

    def condition(self, written: WrittenScalar, variables: Variables) -> None:
        """A string that is an expression as it stands."""
        text = written.text
        assert text is not None
        if "${" in text.value:
            start = text.value.index("${")
            self.wrong.append(expressions.hole_in_condition(text.place(start, start + 2), "a condition"))
            return
        try:
            expression, _ = parse(text)
        except Failed as failed:
            self.wrong.extend(failed.diagnostics)
            return
        self.expression(expression, text, variables, early=True)

    def expression(self, node: Expression, text: Text, variables: Variables, early: bool) -> None:
        for name in _read(node):
            place = text.place(name.start, name.end)
            if isinstance(name, Root):
                if early:
                    self.wrong.append(fragments.path_too_early(place))
            elif name.name not in variables and name.name not in self.known and not self.lost:
                known = [*variables, *self.known]
                self.wrong.append(expressions.unknown_name(place, name.name, known, self.tree))


def _read(node: Expression) -> Iterator[Name | Root]:
    """The names that an expression reads; not the left side of `??`, which may be missing."""
    if isinstance(node, (Name, Root)):
        yield node
    elif isinstance(node, Binary) and node.operator == "??" and isinstance(node.left, Name):
        yield from _read(node.right)
    else:
        for part in parts(node):
            yield from _read(part)
