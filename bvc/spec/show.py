"""A resolved spec as TOML text that resolves to the same tree."""

from __future__ import annotations

from collections.abc import Iterator

from bvc.diagnostics import Origin, Place, Sources
from bvc.spec.formatting import basic_string, key, toml
from bvc.spec.spec import Spec
from bvc.spec.tree import Array, Node, Table

WIDTH = 100
_INLINE_FROM = 2  # tables nested so deep stand in braces where they fit


def show(spec: Spec, origin: bool = False) -> str:
    """The text; `load` of it gives an equal tree.

    With `origin` every leaf carries a comment: where it is used, `<-` each place that it came from, and
    after `over` the values that it replaced.
    """
    return "\n".join(_Printer(spec.sources, origin).root(spec)).strip("\n") + "\n"


class _Printer:
    def __init__(self, sources: Sources, origin: bool) -> None:
        self.sources = sources
        self.origin = origin

    def root(self, spec: Spec) -> Iterator[str]:
        if spec.doc or not spec.tree.items:  # a file without any key would be an error
            yield f"doc = {_string(spec.doc)}"
        if spec.imports:
            yield f"import = [{', '.join(_value(leaf) for leaf in spec.imports)}]"
        yield from self.table(spec.tree, ())

    def table(self, table: Table, path: tuple[str, ...]) -> Iterator[str]:
        below: list[tuple[str, Table]] = []
        for name, node in table.items.items():
            if isinstance(node, Table) and not self.inline(name, node, path):
                below.append((name, node))
            else:
                yield from self.pair(name, node)
        for name, node in below:
            inner = (*path, name)
            if not node.items or any(not isinstance(child, Table) for child in node.items.values()):
                yield ""
                yield f"[{'.'.join(key(part) for part in inner)}]"
                yield from self.table(node, inner)
            else:
                yield from self._only_tables(node, inner)

    def _only_tables(self, node: Table, path: tuple[str, ...]) -> Iterator[str]:
        """A table of tables needs no header, unless some of them stand in braces below it."""
        if any(self.inline(name, child, path) for name, child in node.items.items()):
            yield ""
            yield f"[{'.'.join(key(part) for part in path)}]"
        yield from self.table(node, path)

    def inline(self, name: str, node: Node, path: tuple[str, ...]) -> bool:
        """Whether a table stands in braces."""
        if not isinstance(node, Table) or self.origin or len(path) + 1 < _INLINE_FROM:
            return False
        return len(name) + 3 + len(_value(node)) <= WIDTH

    def pair(self, name: str, node: Node) -> Iterator[str]:
        line = f"{key(name)} = {_value(node)}"
        if isinstance(node, Array) and node.items and (self.differ(node) or len(line) > WIDTH):
            yield f"{key(name)} = [{self.comment(node)}"
            for item in node.items:
                yield f"  {_value(item)},{self.comment(item)}"
            yield "]"
        else:
            yield line + self.comment(node)

    def differ(self, node: Array) -> bool:
        """Whether the comments of the items say more than that of the array."""
        return self.origin and any(self.comment(item) != self.comment(node) for item in node.items)

    def comment(self, node: Node) -> str:
        if not self.origin:
            return ""
        places = " <- ".join(dict.fromkeys(self.where(place) for place in node.origin.places))
        through = [self.where(place) for place in node.origin.via]
        replaced = () if isinstance(node, Table) else node.replaced
        over = [self.where(place) for place in replaced]
        return f"  # {places}{_more('used by', through)}{_more('over', over)}{_bindings(node.origin)}"

    def where(self, place: Place) -> str:
        line, _ = self.sources.position(place)
        name = "".join(character if character.isprintable() else "?" for character in place.file)
        return f"{name}:{line}"


def _more(word: str, places: list[str]) -> str:
    return f", {word} {', '.join(places)}" if places else ""


def _bindings(origin: Origin) -> str:
    pairs = ", ".join(f"{name}={toml(value)}" for name, value in origin.bindings)
    return f", with {pairs}" if pairs else ""


def _value(node: Node) -> str:
    """A node on one line."""
    if isinstance(node, Array):
        return f"[{', '.join(_value(item) for item in node.items)}]"
    if isinstance(node, Table):
        pairs = ", ".join(f"{key(name)} = {_value(item)}" for name, item in node.items.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    return _string(node.value) if isinstance(node.value, str) else toml(node.value)


def _string(value: str) -> str:
    return basic_string(value.replace("${", "$${"))
