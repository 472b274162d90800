"""Tables laid over each other before anything is resolved.

Tables merge, arrays and scalars replace, the nearer layer wins. What a layer cut (`unset`) stays away
when something is laid beneath it later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bvc.diagnostics import Diagnostic, Failed, Place
from bvc.spec.tree import Leaf
from bvc.spec.written import Written, WrittenArray, WrittenScalar, WrittenTable

if TYPE_CHECKING:
    from bvc.spec.scope import Scope

Places = tuple[Place, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A value on its way: what was found, and the references through which it came."""

    node: Leaf | Branch | Row
    trail: Places = ()


@dataclass(slots=True, eq=False)
class Slot:
    """A scalar not yet resolved. `beneath` are the places that it replaced, nearest first."""

    written: WrittenScalar
    scope: Scope
    name: str
    beneath: Places = ()
    trail: Places = ()
    found: Found | None = None
    failure: Failed | None = None
    busy: bool = False

    @property
    def place(self) -> Place:
        """Where it was written."""
        return self.written.place


@dataclass(slots=True, eq=False)
class Row:
    """An array not yet resolved. `spliced` are its items once references to arrays are replaced."""

    items: list[Layer]
    place: Place
    scope: Scope
    name: str
    beneath: Places = ()
    trail: Places = ()
    spliced: list[tuple[Layer, Places]] | None = None
    busy: bool = False


@dataclass(slots=True, eq=False)
class Cut:
    """A pattern of `unset`: what it removes stays away beneath. `matched` tells whether it removed any."""

    segments: tuple[str, ...]
    mark: Mark

    def rest(self) -> Cut:
        """The pattern one table further down."""
        return Cut(self.segments[1:], self.mark)

    def fits(self, key: str) -> bool:
        """Whether the first segment stands for `key`."""
        return self.segments[0] in ("*", key)


@dataclass(slots=True, eq=False)
class Mark:
    """An item of an `unset` array; `own` where it stands in the file itself, not in one that it uses."""

    pattern: str
    place: Place
    own: bool
    matched: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """A `use` key: what to lay beneath the table."""

    items: tuple[WrittenScalar, ...]
    place: Place
    scope: Scope


@dataclass(slots=True, eq=False)
class Branch:
    """A table under construction.

    `use`, `given` (the key `with`) and `loop` (the key `for`) stand beside the items. `pending` are
    patterns that a nearer layer cut while the names that `loop` makes were not known. A table with
    `failures` lacks something that an error kept away, so nothing may be said of what it lacks.
    """

    place: Place
    scope: Scope
    name: str
    items: dict[str, Layer] = field(default_factory=dict[str, "Layer"])
    keys: dict[str, Place] = field(default_factory=dict[str, Place])
    use: Use | None = None
    given: Branch | None = None
    loop: Branch | None = None
    cuts: tuple[Cut, ...] = ()
    pending: tuple[Cut, ...] = ()
    failures: tuple[Diagnostic, ...] = ()
    trail: Places = ()
    busy: bool = False

    def become(self, other: Branch) -> None:
        """Takes over the content of `other`, keeping its own identity."""
        self.place, self.items, self.keys = other.place, other.items, other.keys
        self.use, self.given, self.loop = other.use, other.given, other.loop
        self.cuts, self.pending, self.failures = other.cuts, other.pending, other.failures


Layer = Slot | Row | Branch


def wrap(written: Written, scope: Scope, name: str = "") -> Layer:
    """The layer that a written value makes."""
    if isinstance(written, WrittenScalar):
        return Slot(written, scope, name)
    if isinstance(written, WrittenArray):
        items = [wrap(item, scope, f"{name}[{index}]") for index, item in enumerate(written.items)]
        return Row(items, written.place, scope, name)
    return branch(written, scope, name)


def branch(written: WrittenTable, scope: Scope, name: str = "") -> Branch:
    """The branch that a written table makes; `use`, `with` and `for` are known to be well formed."""
    made = Branch(written.place, scope, name)
    for key, value in written.items.items():
        if key == "use" and not isinstance(value, WrittenTable):
            items = value.items if isinstance(value, WrittenArray) else (value,)
            made.use = Use(tuple(i for i in items if isinstance(i, WrittenScalar)), value.place, scope)
        elif key == "with" and isinstance(value, WrittenTable):
            made.given = branch(value, scope, f"{name}.with")
        elif key == "for" and isinstance(value, WrittenTable):
            made.loop = branch(value, scope, f"{name}.for")
        else:
            made.items[key] = wrap(value, scope, f"{name}.{key}" if name else key)
            made.keys[key] = written.keys[key]
    return made


def over(low: Branch, high: Branch) -> Branch:
    """`high` laid over `low`; both stay as they are, apart from the marks of the patterns that matched."""
    kept = prune(low, high.cuts)
    made = replace(high, items=dict(kept.items), keys={**kept.keys, **high.keys}, busy=False)
    for key, value in high.items.items():
        made.items[key] = _replaced(kept.items.get(key), value)
    if high.use is None:
        made.use = kept.use
        made.given = _merged(kept.given, high.given)
    made.loop = _merged(kept.loop, high.loop)
    made.cuts = (*kept.cuts, *high.cuts)
    made.pending = (*kept.pending, *high.pending)
    made.failures = (*kept.failures, *high.failures)
    return made


def _merged(low: Branch | None, high: Branch | None) -> Branch | None:
    return over(low, high) if low and high else high or low


def _replaced(low: Layer | None, high: Layer) -> Layer:
    if low is None:
        return high
    if isinstance(high, Branch):
        return over(low, high) if isinstance(low, Branch) else high
    before = () if isinstance(low, Branch) else low.beneath
    return replace(high, beneath=(*high.beneath, low.place, *before))


def prune(tree: Branch, cuts: Sequence[Cut]) -> Branch:
    """`tree` without what the patterns name; a table whose name is still to be made keeps them pending."""
    if not cuts:
        return tree
    made = replace(tree, items={}, keys=dict(tree.keys))
    for key, value in tree.items.items():
        if isinstance(value, Branch) and value.loop is not None and "${" in key:
            made.items[key] = replace(value, pending=(*value.pending, *cuts))
            continue
        kept = pruned(key, value, cuts)
        if kept is None:
            del made.keys[key]
        else:
            made.items[key] = kept
    return made


def pruned(key: str, value: Layer, cuts: Sequence[Cut]) -> Layer | None:
    """What the patterns leave of `value` under `key`."""
    below: list[Cut] = []
    for cut in cuts:
        if not cut.fits(key):
            continue
        if len(cut.segments) == 1:
            cut.mark.matched = True
            return None
        below.append(cut.rest())
    return prune(value, below) if isinstance(value, Branch) else value


def below(cuts: Sequence[Cut], key: str) -> tuple[Cut, ...]:
    """The patterns as they apply inside the table `key`."""
    return tuple(cut.rest() for cut in cuts if len(cut.segments) > 1 and cut.fits(key))


def rescoped(layer: Layer, scope: Scope) -> Layer:
    """A copy whose references are read in another scope: the body of a generated table."""
    if isinstance(layer, Slot):
        return replace(layer, scope=scope, found=None, failure=None)
    if isinstance(layer, Row):
        return replace(
            layer, items=[rescoped(item, scope) for item in layer.items], scope=scope, spliced=None
        )
    return rescoped_branch(layer, scope)


def rescoped_branch(tree: Branch, scope: Scope) -> Branch:
    """`rescoped` for a table."""
    return replace(
        tree,
        scope=scope,
        items={key: rescoped(value, scope) for key, value in tree.items.items()},
        use=replace(tree.use, scope=scope) if tree.use else None,
        given=rescoped_branch(tree.given, scope) if tree.given else None,
        loop=rescoped_branch(tree.loop, scope) if tree.loop else None,
    )


def referred(layer: Layer, trail: Places) -> Layer:
    """A copy that says through which references it came: a row laid beneath a table."""
    if isinstance(layer, Slot):
        return replace(layer, trail=(*trail, *layer.trail), found=None, failure=None)
    if isinstance(layer, Row):
        return replace(layer, trail=(*trail, *layer.trail), spliced=None)
    items = {key: referred(value, trail) for key, value in layer.items.items()}
    return replace(layer, items=items, trail=(*trail, *layer.trail))
