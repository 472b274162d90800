"""What names mean: the params, lets and tree of one mounted file, and the loop variables above it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from bvc.diagnostics import Diagnostic, Origin, Place
from bvc.spec.layers import Branch, Found
from bvc.spec.params import Param


@dataclass(eq=False, slots=True)
class Home:
    """A mounted file: what its names mean.

    `via` are the `use` through which it came, nearest first, and `outer` the file that uses it. `lost`
    says why some of its bases are missing, and with them perhaps names.
    """

    file: str
    lets: Branch = field(init=False)
    tree: Branch = field(init=False)
    params: dict[str, Param] = field(default_factory=dict[str, Param])
    via: tuple[Place, ...] = ()
    outer: Home | None = None
    lost: tuple[Diagnostic, ...] = ()

    def files(self) -> list[str]:
        """The files around this one, outermost first, and itself."""
        return [*(self.outer.files() if self.outer else ()), self.file]


@dataclass(frozen=True, eq=False, slots=True)
class Scope:
    """A home, and the loop variables of the generated tables around a value."""

    home: Home
    variables: Mapping[str, Found] = field(default_factory=dict[str, Found])
    table: str = ""
    bindings: tuple[tuple[str, object], ...] = ()
    header: Place | None = None

    def loop(
        self,
        table: str,
        header: Place,
        variables: Mapping[str, Found],
        bindings: tuple[tuple[str, object], ...],
    ) -> Scope:
        """The scope inside a generated table."""
        return replace(
            self,
            variables={**self.variables, **variables},
            table=table,
            bindings=(*self.bindings, *bindings),
            header=header,
        )

    def names(self) -> Iterator[str]:
        """Every bare name that means something here."""
        yield from self.variables
        yield from self.home.params
        yield from self.home.lets.items

    def origin(self, *places: Place) -> Origin:
        """The origin of what was written in this scope."""
        return Origin(places, self.table, self.bindings, self.home.via, self.header)
