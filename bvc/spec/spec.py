"""A spec: a file resolved for given params."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bvc.diagnostics import Diagnostic, Failed, Place, Sources
from bvc.diagnostics.catalog import fragments
from bvc.diagnostics.order import in_order
from bvc.spec.commandline import command_line
from bvc.spec.files import Files
from bvc.spec.finish import Finisher
from bvc.spec.layers import Branch, Mark, wrap
from bvc.spec.mount import Mounter, Outside
from bvc.spec.params import Param
from bvc.spec.report import Exceeded, Report
from bvc.spec.resolve import Resolver
from bvc.spec.scope import Home, Scope
from bvc.spec.settings import indexed, replaced
from bvc.spec.tree import Leaf, Node, Table, plain
from bvc.spec.uses import Users
from bvc.spec.written import WrittenScalar, kind


@dataclass(frozen=True, slots=True)
class ResolvedParam:
    """A param of the spec's own file, with the value that it has in this spec."""

    name: str
    type: str
    doc: str
    choices: tuple[object, ...]
    value: Node
    default: Node | None
    place: Place
    given: bool


@dataclass(frozen=True, slots=True)
class Spec:
    """A file resolved for given params.

    `tree` holds neither `params`, `let`, `when`, `use`, `for`, `unset`, `doc` nor `import`.
    """

    file: str
    tree: Table
    doc: str
    imports: tuple[Leaf, ...]
    params: dict[str, ResolvedParam]
    sources: Sources
    warnings: tuple[Diagnostic, ...]


def load(
    path: str,
    params: Mapping[str, object] | str = "",
    settings: Sequence[tuple[str, str]] = (),
    *,
    sources: Sources | None = None,
) -> Spec:
    """Reads the spec at `path`.

    `params` are `{"res": 384}` or, as on the command line, `"res=384,local"`; `settings` are pairs of a
    path of a leaf and its value in TOML. What was read stands in `sources` afterwards, also when it
    fails. Raises `Failed` with everything that is wrong.
    """
    sources = Sources() if sources is None else sources
    loading = _Loading(sources)
    try:
        spec = loading.load(path, params, settings)
    except Failed as failed:
        raise Failed(in_order((*loading.report.found, *failed.diagnostics))) from None
    return spec


class _Loading:
    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.report = Report()
        self.resolver = Resolver(sources, self._expand_let)
        self.mounter = Mounter(Files(sources, self.report), self.resolver, self.report)
        self.users = Users(self.mounter)
        self.finisher = Finisher(self.resolver, self.report)

    def _expand_let(self, table: Branch) -> None:
        self.users.expand(table)

    def load(
        self, path: str, params: Mapping[str, object] | str, settings: Sequence[tuple[str, str]]
    ) -> Spec:
        main = self.mounter.files.main(path)
        typed, set_ = command_line(path, params, settings, self.sources)
        home = self.mounter.mount(main, Outside(typed=typed, settings=set_))
        self.users.expand(home.tree)
        self.resolver.complete = True
        for mark in self.mounter.marks:
            self._judge(mark, home)
        tree = self.finisher.table(home.tree)
        resolved = {name: self._param(param, home) for name, param in home.params.items()}
        for setting in indexed(set_):
            value = self.finisher.layer(wrap(setting.value, Scope(home), setting.path), Scope(home))
            if value is not None:
                tree = replaced(tree, setting, value)
        imports = tuple(_import(item, Scope(home)) for item in main.imports)
        found = in_order(self.report.found)
        if any(diagnostic.severity == "error" for diagnostic in found):
            self.report.found.clear()
            raise Failed(found)
        params_ = {name: param for name, param in resolved.items() if param is not None}
        return Spec(path, tree, main.doc, imports, params_, self.sources, tuple(found))

    def _judge(self, mark: Mark, home: Home) -> None:
        if not mark.matched:
            depth = mark.pattern.count(".")
            known = [path for path in _paths(home.tree) if path.count(".") == depth]
            self.report.tell(fragments.matched_nothing(mark.place, mark.pattern, known, own=mark.own))

    def _param(self, param: Param, home: Home) -> ResolvedParam | None:
        if param.value is None:
            return None
        try:
            self.resolver.param(param)
        except Exceeded:
            raise
        except Failed as failed:
            self.report.add(failed.diagnostics)
            return None
        value = self.finisher.layer(param.value, Scope(home))
        default = value if param.default is param.value else self._default(param, home)
        if value is None:
            return None
        choices = (
            tuple(c.value for c in param.choices.items if isinstance(c, WrittenScalar))
            if param.choices
            else ()
        )
        return ResolvedParam(
            param.name,
            param.type or kind(plain(value)).partition(" ")[2],
            param.doc,
            choices,
            value,
            default,
            param.place,
            param.given,
        )

    def _default(self, param: Param, home: Home) -> Node | None:
        """The overridden default, where it has a value for the other params as they are."""
        if param.default is None:
            return None
        quiet = Finisher(self.resolver, Report())
        return quiet.layer(param.default, Scope(home))


def _import(item: WrittenScalar, scope: Scope) -> Leaf:
    return Leaf(item.value, scope.origin(item.place))


def _paths(table: Branch, prefix: str = "") -> list[str]:
    found: list[str] = []
    for key, value in table.items.items():
        found.append(f"{prefix}{key}")
        if isinstance(value, Branch):
            found.extend(_paths(value, f"{prefix}{key}."))
    return found
