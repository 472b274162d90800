"""A file becomes a tree: its chain of bases, params, whens, settings and loops (phases 1 to 5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import fragments, params
from bvc.spec.commandline import Given, Setting
from bvc.spec.document import Document, When, use_items
from bvc.spec.files import Files, resolved
from bvc.spec.layers import Branch, Cut, Layer, Mark, Places, branch, over, wrap
from bvc.spec.loops import expand_loops
from bvc.spec.names import check_names
from bvc.spec.params import Declaration, Param, merged, type_of
from bvc.spec.parse import parse
from bvc.spec.report import Exceeded, Report
from bvc.spec.resolve import Reading, Resolver
from bvc.spec.scope import Home, Scope
from bvc.spec.settings import lay_settings
from bvc.spec.written import Written, WrittenArray, WrittenScalar, WrittenTable

MOST_FILES = 12
_CONDITION = "condition"


@dataclass(frozen=True, slots=True, eq=False)
class Outside:
    """What comes to a file from outside: `with` of a nested use, or the command line."""

    given: Mapping[str, Layer] = field(default_factory=dict[str, Layer])
    typed: Sequence[Given] = ()
    settings: Sequence[Setting] = ()
    via: Places = ()
    user: Home | None = None


class Mounter:
    """Mounts files of one load."""

    def __init__(self, files: Files, resolver: Resolver, report: Report) -> None:
        self.files = files
        self.resolver = resolver
        self.report = report
        self.marks: list[Mark] = []
        self.lost: list[Diagnostic] = []  # what kept bases away from the file that is being mounted

    def mount(self, main: Document, outside: Outside) -> Home:
        """The file as a tree whose loops are done and whose inner `use` are not."""
        home = Home(main.file, via=outside.via, outer=outside.user)
        scope = Scope(home)
        home.lets = Branch(main.root.place, scope, "")
        home.tree = Branch(main.root.place, scope, "")
        self.lost = []
        chain = self._chain(main)
        home.lost = tuple(self.lost)
        self._declare(chain, scope, outside)
        for document in chain:
            self._lay_lets(document, scope)
        tree = home.tree
        for document in chain:
            tree = self._lay(tree, document, scope, own=document is main)
        home.tree.become(tree)  # what `names` suggest from, while conditions are read
        check_names(chain, scope, self.resolver, self.report)
        for document in chain:
            if document.lets is not None:
                self._check_uses(document.lets, document.file)
            for when in document.whens:
                tree = self._apply(tree, when, scope, own=document is main)
        home.tree.become(tree)
        lay_settings(home, outside.settings, self.report)
        expand_loops(home.tree, self.resolver, self.report)
        return home

    # phase 1

    def _chain(self, main: Document) -> list[Document]:
        found: dict[str, Document] = {}
        for document in self._walk(main, [main.file]):
            found.setdefault(document.file, document)
        return list(found.values())

    def _walk(self, document: Document, path: list[str]) -> Iterator[Document]:
        for base in document.bases:
            name = str(base.value)
            file = resolved(name, document.file)
            if file in path:
                self.report.tell(fragments.file_cycle(base.place, [*path[path.index(file) :], file]))
                continue
            if len(path) >= MOST_FILES:
                self.report.tell(fragments.files_too_deep(base.place, MOST_FILES))
                continue
            try:
                used = self.files.used(name, base.place, document.file)
            except Failed as failed:
                self.report.add(failed.diagnostics)
                self.lost.extend(failed.diagnostics)
                continue
            yield from self._walk(used, [*path, file])
        yield document

    def _lay_lets(self, document: Document, scope: Scope) -> None:
        if document.lets is None:
            return
        lets = scope.home.lets
        high = branch(document.lets, scope)
        for name in high.items:
            if name in scope.home.params:
                self.report.tell(params.name_taken(high.keys[name], name, scope.home.params[name].place))
        lets.become(over(lets, high))

    def _lay(self, tree: Branch, document: Document, scope: Scope, *, own: bool) -> Branch:
        assert document.plain is not None
        return over(tree, self._layer(document.plain, document.unset, scope, own=own))

    def _layer(
        self,
        plain: WrittenTable,
        unset: Sequence[tuple[tuple[str, ...], WrittenScalar]],
        scope: Scope,
        *,
        own: bool,
    ) -> Branch:
        high = branch(plain, scope)
        for path, item in unset:
            mark = Mark(str(item.value), item.place, own)
            self.marks.append(mark)
            high.cuts = (*high.cuts, Cut(path, mark))
        return high

    # phase 2

    def _declare(self, chain: Sequence[Document], scope: Scope, outside: Outside) -> None:
        found: dict[str, Declaration] = {}
        for document in chain:
            for declaration in document.params:
                found[declaration.name] = merged(found.get(declaration.name), declaration)
        home = scope.home
        for name, declaration in found.items():
            default = wrap(declaration.default, scope, name) if declaration.default is not None else None
            type_, place = declaration.type, declaration.type_place
            if not type_ and declaration.default is not None:
                type_, place = type_of(declaration.default), declaration.default.place
            home.params[name] = Param(
                name,
                declaration.place,
                type_,
                place or declaration.place,
                default,
                default,
                declaration.choices,
                declaration.doc,
            )
        for name, layer in outside.given.items():
            if name in home.params:
                home.params[name].value = layer
                home.params[name].given = True
        for given in outside.typed:
            self._give(given, scope)
        for param in home.params.values():
            self._require(param, scope)

    def _give(self, given: Given, scope: Scope) -> None:
        home = scope.home
        param = home.params.get(given.name)
        if param is None:
            self.report.tell(
                params.unknown_param(given.name_place, given.name, home.file, sorted(home.params))
            )
            return
        textual = given.text is not None and self._takes_text(param)
        quoted = isinstance(given.value, WrittenScalar) and isinstance(given.value.value, str)
        written = given.text if textual and not quoted and given.text is not None else given.value
        param.value = wrap(written, scope, given.name)
        param.given = True

    def _takes_text(self, param: Param) -> bool:
        """Whether what is typed for the param is a text without need of quotes."""
        if param.type:
            return param.type in ("string", "duration")
        if param.choices is not None:
            return all(isinstance(c, WrittenScalar) and isinstance(c.value, str) for c in param.choices.items)
        return False

    def _require(self, param: Param, scope: Scope) -> None:
        if param.value is None:
            via = scope.home.via
            place = via[0] if via else param.place
            lacking = params.param_required(
                place, param.name, scope.home.file, param.place, command_line=not via
            )
            param.lacking = (lacking,)
            self.report.tell(lacking)

    # phase 3

    def _apply(self, tree: Branch, when: When, scope: Scope, *, own: bool) -> Branch:
        if not self._holds(when, scope):
            self._check_uses(when.plain, when.condition.place.file)
            return tree
        return over(tree, self._layer(when.plain, when.unset, scope, own=own))

    def _check_uses(self, node: Written, file: str) -> None:
        """Reads the files that an untaken block or a let names, whether or not they will be used."""
        if isinstance(node, WrittenArray):
            for item in node.items:
                self._check_uses(item, file)
        if not isinstance(node, WrittenTable):
            return
        for item in use_items(node.items.get("use")):
            name = str(item.value).partition("#")[0]
            if "${" not in name:
                try:
                    self.files.used(name, item.place, file)
                except Failed as failed:
                    self.report.add(failed.diagnostics)
        for value in node.items.values():
            self._check_uses(value, file)

    def _holds(self, when: When, scope: Scope) -> bool:
        text = when.condition.text
        assert text is not None
        self.resolver.reading.append(Reading(when.condition.place, _CONDITION))
        try:
            expression, _ = parse(text)
            return self.resolver.evaluator.truth(expression, text, scope, "if")
        except Exceeded:
            raise
        except Failed as failed:
            self.report.add(failed.diagnostics)
            return False
        finally:
            self.resolver.reading.pop()
