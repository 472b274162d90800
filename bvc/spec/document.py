"""What a file of the language holds: params, lets, whens, marks, what it uses, and plain keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bvc.diagnostics import Diagnostic, Place
from bvc.diagnostics.catalog import fragments, params
from bvc.spec.expression import FUNCTIONS, WORDS
from bvc.spec.key_path import unset_segments
from bvc.spec.params import Declaration, declared
from bvc.spec.written import Written, WrittenArray, WrittenScalar, WrittenTable, kind

_ROOT_ONLY = ("unset", "doc", "import")
_NOT_IN_WHEN = ("params", "let", "doc", "import", "when")
META = ("params", "let", "when", "unset", "doc", "import")


@dataclass(frozen=True, slots=True, eq=False)
class When:
    """A `[[when]]` block: its condition, what it removes and what it lays over the file."""

    condition: WrittenScalar
    unset: tuple[tuple[tuple[str, ...], WrittenScalar], ...]
    plain: WrittenTable


@dataclass(slots=True, eq=False)
class Document:
    """A parsed file. `bases` are the whole files that its root uses; other uses stay in `plain`."""

    file: str
    root: WrittenTable
    doc: str = ""
    imports: tuple[WrittenScalar, ...] = ()
    params: list[Declaration] = field(default_factory=list[Declaration])
    lets: WrittenTable | None = None
    whens: list[When] = field(default_factory=list[When])
    unset: tuple[tuple[tuple[str, ...], WrittenScalar], ...] = ()
    bases: list[WrittenScalar] = field(default_factory=list[WrittenScalar])
    plain: WrittenTable | None = None
    wrong: list[Diagnostic] = field(default_factory=list[Diagnostic])

    @property
    def let_only(self) -> bool:
        """Whether it has nothing that could lie beneath a table."""
        return (
            self.lets is not None
            and not self.bases
            and not self.whens
            and not (self.plain and self.plain.items)
        )


def document(root: WrittenTable, file: str) -> Document:
    """Sorts the content of a file. What has the wrong form is left out and told in `wrong`."""
    made = Document(file, root)
    wrong = made.wrong
    doc = root.items.get("doc")
    if doc is not None:
        if isinstance(doc, WrittenScalar) and isinstance(doc.value, str):
            made.doc = doc.value
        else:
            wrong.append(fragments.bad_root_key(doc.place, "doc", "a string", kind(doc)))
    made.imports = tuple(_strings(root.items.get("import"), "import", wrong))
    _read_params(root.items.get("params"), made)
    _read_lets(root.items.get("let"), made)
    made.unset = _read_unset(root.items.get("unset"), wrong)
    _read_whens(root.items.get("when"), made)
    use = root.items.get("use")
    later: list[WrittenScalar] = []
    for item in use_items(use):
        (made.bases if "${" not in str(item.value) and "#" not in str(item.value) else later).append(item)
    made.plain = _plain(root, META)
    _check_tables(made.plain, "", wrong, made.plain)
    if "with" in made.plain.items and not later:
        wrong.append(fragments.with_for_nobody(made.plain.keys["with"], root=True))
        del made.plain.items["with"]
    if use is not None and made.plain.items.get("use") is use:
        del made.plain.items["use"]
        if later:
            made.plain.items["use"] = WrittenArray(tuple(later), use.place)
    return made


def _plain(table: WrittenTable, without: tuple[str, ...]) -> WrittenTable:
    return WrittenTable({k: v for k, v in table.items.items() if k not in without}, table.place, table.keys)


def use_items(use: Written | None) -> Iterator[WrittenScalar]:
    """The strings of a `use` key."""
    for item in use.items if isinstance(use, WrittenArray) else (use,):
        if isinstance(item, WrittenScalar) and item.text is not None:
            yield item


def _strings(node: Written | None, key: str, wrong: list[Diagnostic]) -> Iterator[WrittenScalar]:
    if node is None:
        return
    if not isinstance(node, WrittenArray):
        wrong.append(fragments.bad_root_key(node.place, key, "an array of strings", kind(node)))
        return
    for item in node.items:
        if isinstance(item, WrittenScalar) and item.text is not None:
            yield item
        else:
            wrong.append(fragments.bad_root_key(item.place, key, "an array of strings", kind(item)))


def _read_params(node: Written | None, made: Document) -> None:
    if node is None:
        return
    if not isinstance(node, WrittenTable):
        made.wrong.append(fragments.bad_root_key(node.place, "params", "a table", kind(node)))
        return
    for name, written in node.items.items():
        _check_name(name, node.keys[name], "a param", made.wrong)
        declaration, wrong = declared(name, node.keys[name], written)
        made.wrong.extend(wrong)
        if declaration is not None:
            made.params.append(declaration)


def _read_lets(node: Written | None, made: Document) -> None:
    if node is None:
        return
    if not isinstance(node, WrittenTable):
        made.wrong.append(fragments.bad_root_key(node.place, "let", "a table", kind(node)))
        return
    for name in node.items:
        _check_name(name, node.keys[name], "a let", made.wrong)
    made.lets = node
    _check_tables(node, "let", made.wrong, node, loops=False)


def _check_name(name: str, place: Place, what: str, wrong: list[Diagnostic]) -> None:
    if not (name.isidentifier() and name.isascii()):
        wrong.append(params.bad_name(place, name, what, "not a name that an expression can read"))
    elif name in WORDS or name in FUNCTIONS:
        wrong.append(params.bad_name(place, name, what, "a word of the language"))


def _read_unset(
    node: Written | None, wrong: list[Diagnostic]
) -> tuple[tuple[tuple[str, ...], WrittenScalar], ...]:
    if node is None:
        return ()
    if not isinstance(node, WrittenArray):
        wrong.append(fragments.bad_unset(node.place, kind(node)))
        return ()
    found: list[tuple[tuple[str, ...], WrittenScalar]] = []
    for item in node.items:
        segments = (
            unset_segments(item.value)
            if isinstance(item, WrittenScalar) and isinstance(item.value, str)
            else None
        )
        if segments is None or not isinstance(item, WrittenScalar):
            wrong.append(fragments.bad_unset(item.place, "not a path"))
        else:
            found.append((segments, item))
    return tuple(found)


def _read_whens(node: Written | None, made: Document) -> None:
    if node is None:
        return
    if not isinstance(node, WrittenArray):
        made.wrong.append(fragments.when_not_array(node.place, kind(node)))
        return
    for block in node.items:
        if not isinstance(block, WrittenTable):
            made.wrong.append(fragments.bad_when(block.place, kind(block)))
            continue
        condition = block.items.get("if")
        if not isinstance(condition, WrittenScalar) or condition.text is None:
            place = condition.place if condition is not None else block.place
            help = 'add a condition: `if = "local"`'
            made.wrong.append(
                fragments.bad_when(place, "no condition" if condition is None else "not a string", help)
            )
            continue
        for key in _NOT_IN_WHEN:
            if key in block.items:
                made.wrong.append(fragments.when_sets(block.keys[key], key))
        unset = _read_unset(block.items.get("unset"), made.wrong)
        plain = _plain(block, ("if", "unset", *_NOT_IN_WHEN))
        _check_tables(plain, "", made.wrong, plain)
        made.whens.append(When(condition, unset, plain))


def _check_tables(
    table: WrittenTable,
    name: str,
    wrong: list[Diagnostic],
    root: WrittenTable,
    *,
    loops: bool = True,
    own: str = "",
) -> None:
    """Tells of `use`, `with`, `for` and root keys of the wrong form or in the wrong place; drops them."""
    for key, value in list(table.items.items()):
        problem = _problem(table, key, value, name, own, root, loops)
        if problem is not None:
            wrong.append(problem)
            del table.items[key]
            continue
        if key in ("use", "for"):
            continue
        below = f"{name}.{key}" if name else key
        _check_below(value, below, wrong, root, loops=loops, own=key)
        if not loops and "${" in key and not (isinstance(value, WrittenTable) and "for" in value.items):
            wrong.append(fragments.hole_without_for(table.keys[key], key))
            del table.items[key]


def _check_below(
    value: Written, name: str, wrong: list[Diagnostic], root: WrittenTable, *, loops: bool, own: str
) -> None:
    if isinstance(value, WrittenTable):
        _check_tables(value, name, wrong, root, loops=loops, own=own)
    elif isinstance(value, WrittenArray):
        for index, item in enumerate(value.items):
            if isinstance(item, WrittenTable) and "for" in item.items:
                wrong.append(fragments.misplaced_for(item.keys["for"], "in an array"))
                del item.items["for"]
            _check_below(item, f"{name}[{index}]", wrong, root, loops=loops, own="")


def _problem(
    table: WrittenTable, key: str, value: Written, name: str, own: str, root: WrittenTable, loops: bool
) -> Diagnostic | None:
    place = table.keys[key]
    if key == "use":
        items = value.items if isinstance(value, WrittenArray) else (value,)
        for item in items:
            if not isinstance(item, WrittenScalar) or not item.value or item.text is None:
                empty = isinstance(item, WrittenScalar) and item.value == ""
                return fragments.bad_use(item.place, "an empty string" if empty else kind(item))
    elif key == "with":
        if not isinstance(value, WrittenTable):
            return fragments.bad_with(value.place, kind(value))
    elif key == "for":
        if table is root:
            return fragments.misplaced_for(place, "of the whole file")
        if not loops:
            return fragments.misplaced_for(place, "in `[let]`")
        if not isinstance(value, WrittenTable) or not value.items:
            return fragments.bad_for(
                value.place, kind(value) if not isinstance(value, WrittenTable) else "an empty table"
            )
        if "${" not in own:
            return fragments.for_without_hole(place, own, list(value.items))
    elif key in _ROOT_ONLY and table is not root and loops:
        return fragments.root_only(place, key, name, table.place)
    return None
