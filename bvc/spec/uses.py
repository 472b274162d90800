"""What tables use is laid beneath them (phase 6), top down."""

from __future__ import annotations

from dataclasses import dataclass, field

from bvc.diagnostics import Diagnostic, Failed, Place
from bvc.diagnostics.catalog import fragments, params
from bvc.spec.files import resolved
from bvc.spec.key_path import segments
from bvc.spec.layers import Branch, Cut, Layer, Row, Slot, Use, below, over, referred
from bvc.spec.mount import MOST_FILES, Mounter, Outside
from bvc.spec.report import Exceeded
from bvc.spec.resolve import Reading
from bvc.spec.scope import Home
from bvc.spec.tree import Leaf
from bvc.spec.written import WrittenScalar, kind


@dataclass(slots=True, eq=False)
class _Laid:
    """What the `use` of one table brings: what lies beneath it, and the files that see the table."""

    use: Use
    given: Branch | None
    low: Branch
    homes: list[tuple[Home, tuple[str, ...]]] = field(default_factory=list[tuple[Home, tuple[str, ...]]])
    wrong: list[Diagnostic] = field(default_factory=list[Diagnostic])


class Users:
    """Expands `use` in the tables of one load."""

    def __init__(self, mounter: Mounter) -> None:
        self.mounter = mounter
        self.report = mounter.report
        self.resolver = mounter.resolver

    def expand(self, tree: Branch) -> None:
        """Lays beneath `tree`, and beneath every table in it, what it uses; in place."""
        while tree.use is not None:
            self._lay(tree, tree.use)
        if tree.given is not None:
            self.report.tell(fragments.with_for_nobody(tree.given.place, root=False))
            tree.given = None
        for key, value in list(tree.items.items()):
            self._below(value, below(tree.cuts, key))

    def _below(self, value: Layer, cuts: tuple[Cut, ...]) -> None:
        if isinstance(value, Branch):
            value.cuts = (*cuts, *value.cuts)
            self.expand(value)
        elif isinstance(value, Row):
            for item in value.items:
                self._below(item, ())

    def _lay(self, tree: Branch, use: Use) -> None:
        laid = _Laid(use, tree.given, Branch(tree.place, tree.scope, tree.name))
        tree.use = tree.given = None
        self.resolver.reading.append(Reading(use.place, "`use`"))
        for item in use.items:
            try:
                laid.low = over(laid.low, self._used(item, laid))
            except Exceeded:
                raise
            except Failed as failed:
                laid.wrong.extend(failed.diagnostics)
        self.resolver.reading.pop()
        if laid.given is not None and not laid.wrong:
            laid.wrong.extend(_not_taken(laid.given, laid))
        self.report.add(laid.wrong)
        merged = over(laid.low, tree)
        merged.failures = (*merged.failures, *laid.wrong)
        tree.become(merged)
        for home, path in laid.homes:  # names in the file now see what was laid over it
            _graft(home, path, tree)

    def _used(self, item: WrittenScalar, laid: _Laid) -> Branch:
        """What one item of a `use` lays beneath: a row of a table, a file, or a part of a file."""
        found = self.resolver.slot(Slot(item, laid.use.scope, "use"))
        if isinstance(found.node, Branch):
            self.resolver.rows(found.node)
            row = referred(found.node, found.trail)
            assert isinstance(row, Branch)
            return row
        if isinstance(found.node, Row):
            raise Failed(fragments.not_a_table(item.place, str(item.value), "an array"))
        if not isinstance(found.node.value, str):
            raise Failed(fragments.not_a_table(item.place, str(item.value), kind(found.node.value)))
        return self._file(found.node, item, laid)

    def _file(self, named: Leaf, item: WrittenScalar, laid: _Laid) -> Branch:
        name, sharp, part = str(named.value).partition("#")
        user = laid.use.scope.home
        place = item.place
        self._check_nesting(resolved(name, user.file), user, place)
        document = self.mounter.files.used(name, place, user.file)
        if document.let_only and not sharp:
            raise Failed(fragments.let_only(place, name))
        given = {} if laid.given is None else laid.given.items
        home = self.mounter.mount(document, Outside(given, via=(place, *user.via), user=user))
        if not sharp:
            laid.homes.append((home, ()))
            return home.tree
        path = segments(part)
        if path is None or any(segment.indices for segment in path):
            raise Failed(fragments.missing_path(place, part, name, part, list(home.tree.items)))
        self.expand(home.tree)
        keys = tuple(segment.key for segment in path)
        laid.homes.append((home, keys))
        return _part(home, keys, place, name)

    def _check_nesting(self, file: str, user: Home, place: Place) -> None:
        files = user.files()
        if file in files:
            raise Failed(fragments.file_cycle(place, [*files[files.index(file) :], file]))
        if len(files) >= MOST_FILES:
            raise Failed(fragments.files_too_deep(place, MOST_FILES))


def _not_taken(given: Branch, laid: _Laid) -> list[Diagnostic]:
    """Keys of `with` that no file at this table has as a param."""
    if not laid.homes:
        return [fragments.with_for_nobody(given.place, root=False)]
    known = sorted({name for home, _ in laid.homes for name in home.params})
    file = laid.homes[-1][0].file
    return [params.unknown_param(given.keys[k], k, file, known) for k in given.items if k not in known]


def _part(home: Home, path: tuple[str, ...], place: Place, name: str) -> Branch:
    """The table at `path` of a mounted file."""
    table = home.tree
    for key in path:
        below = table.items.get(key)
        if below is None:
            if table.failures:
                raise Failed(table.failures)
            raise Failed(fragments.missing_path(place, ".".join(path), name, key, list(table.items)))
        if not isinstance(below, Branch):
            what = "an array" if isinstance(below, Row) else kind(below.written)
            raise Failed(fragments.not_a_table(place, ".".join(path), what))
        table = below
    return table


def _graft(home: Home, path: tuple[str, ...], table: Branch) -> None:
    """Puts `table` where the file's own tree had the part that it uses."""
    if not path:
        home.tree = table
        return
    around = home.tree
    for key in path[:-1]:
        inner = around.items[key]
        assert isinstance(inner, Branch)
        around = inner
    around.items[path[-1]] = table
