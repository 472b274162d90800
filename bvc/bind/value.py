"""A node of the tree as a value of an annotated type. An int passes for a float; nothing else converts."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from bvc.bind.found import INVALID, Found, Invalid, valid
from bvc.bind.quantity import BYTE_UNITS, DURATION_UNITS, Quantity, parse
from bvc.bind.wording import article, found_in_words, mended
from bvc.component.annotation import AtLeast, Calls, Child, FileRole, Split, Unit, Varying, ViewRole, Within
from bvc.component.declare import REQUIRED, Component, Setting, fields_of
from bvc.component.describe import describe
from bvc.diagnostics import Label, Origin
from bvc.diagnostics.catalog import names, quantities
from bvc.diagnostics.suggest import close
from bvc.ir import Duration
from bvc.spec.tree import Array, Leaf, Node, Table, plain

Role = Child | Calls | Split | Varying | ViewRole
RoleReader = Callable[[Node, Role, "Site"], Any]
"""Reads what stands for a component, a pipeline, data or a view; the binder passes it in."""

LARGEST = 2**31 - 1
"""The largest int of any setting: sizes and seeds are held in 32 bits."""
LARGEST_FLOAT = 3.4028234e38
"""The largest float of any setting: devices compute in float32."""


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """Which setting is being read: its owner, and the component that declares it, if one does."""

    owner: str
    setting: Setting
    component: Component | None = None

    @property
    def declared(self) -> str:
        """The declaration in words: `lr: float`."""
        return f"{self.setting.name}: {describe(self.setting.annotation)}"

    @property
    def declared_at(self) -> str:
        """`file:line` of the declaration, or empty."""
        return self.component.where if self.component else ""


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Values that a table gives, and where each stands."""

    values: dict[str, Any]
    origins: dict[str, Origin]


class Reader:
    """Converts nodes and records what is wrong with them."""

    def __init__(self, found: Found, roles: RoleReader) -> None:
        self.found = found
        self.roles = roles

    def read(self, node: Node, site: Site) -> Any:
        """The value of `node` for a setting, or INVALID."""
        return self._convert(node, site.setting.annotation, site)

    def expect_table(self, node: Node, name: str, *, typed: bool = False) -> Table | Invalid:
        """`node`, if it is a table; `name` is its own, `typed` whether it has a `type`."""
        if isinstance(node, Table):
            return node
        last = name.rsplit(".", 1)[-1]
        mend = None
        if typed and isinstance(node, Leaf) and isinstance(node.value, str):
            mend = f'write `{last} = {{ type = "{node.value}" }}`'
        return self.found.add(
            names.wrong_type(
                "a table", found_in_words(node), node.origin, declared=f"{name}: table", mend=mend
            )
        )

    def table(
        self,
        table: Table,
        settings: Mapping[str, Setting],
        owner: str,
        *,
        who: str = "",
        component: Component | None = None,
        chosen: Label | None = None,
        also: Sequence[str] = (),
    ) -> Settings | None:
        """The settings that a table gives, or None if something is wrong with one of them.

        Args:
            table: the table.
            settings: what may stand in it.
            owner: the table's name in messages.
            who: whose settings they are, if not the table's own (a component).
            component: what declares them.
            chosen: the place of `type`, which decided them.
            also: keys that another reader of the same table takes.
        """
        before = len(self.found.diagnostics)
        values: dict[str, Any] = {}
        origins: dict[str, Origin] = {}
        meant: set[str] = set()
        known = [*settings, *also]
        for key, node in table.items.items():
            setting = settings.get(key)
            if setting is not None:
                values[key] = self.read(node, Site(who or owner, setting, component))
                origins[key] = node.origin
            elif key not in also:
                place = table.keys.get(key, node.origin)
                self.found.add(names.unknown_key(key, owner, place, known, chosen, who))
                meant.update(close(key, known, 1))
        for name, setting in settings.items():
            # a key that was mistyped is not missing as well
            if setting.default is REQUIRED and name not in table.items and name not in meant:
                what = describe(setting.annotation)
                self.found.add(names.missing_key(name, who or owner, table.origin, what, setting.doc))
        return None if len(self.found.diagnostics) > before else Settings(values, origins)

    def _convert(self, node: Node, annotation: Any, site: Site) -> Any:
        metadata = getattr(annotation, "__metadata__", ())
        if metadata:
            return self._marked(node, annotation, metadata[0], site)
        if annotation is Any:
            return plain(node)
        if dataclasses.is_dataclass(annotation):
            return self._dataclass(node, typing.cast("type[Any]", annotation), site)
        origin, args = typing.get_origin(annotation), typing.get_args(annotation)
        if origin in (typing.Union, types.UnionType):
            return self._union(node, annotation, [arg for arg in args if arg is not type(None)], site)
        if origin is Literal:
            return self._choice(node, args, annotation, site)
        if origin in (list, tuple):
            return self._array(node, annotation, args, site)
        if origin is dict:
            return self._dict(node, args[1], annotation, site)
        return self._scalar(node, annotation, site)

    def _marked(self, node: Node, annotation: Any, role: Any, site: Site) -> Any:
        if isinstance(role, Unit):
            return self._duration(node, role, site) if role.name == "steps" else self._bytes(node, site)
        if isinstance(role, Varying) and isinstance(node, Table):
            return self.roles(node, role, site)
        if isinstance(role, AtLeast | Varying):
            low = role.value if isinstance(role, AtLeast) else role.low
            value = self._convert(node, annotation.__origin__, site)
            if not isinstance(value, Invalid) and value < low:
                return self.found.add(quantities.too_small(site.setting.name, value, low, node.origin))
            return value
        if isinstance(role, Within):
            value = self._convert(node, annotation.__origin__, site)
            if not isinstance(value, Invalid) and not role.low <= value <= role.high:
                return self.found.add(
                    quantities.out_of_range(site.setting.name, value, role.low, role.high, node.origin)
                )
            return value
        if isinstance(role, FileRole):
            return self._scalar(node, str, site)
        if isinstance(role, Child | Calls | Split | ViewRole):
            return self.roles(node, role, site)
        return self._convert(node, annotation.__origin__, site)

    def _scalar(self, node: Node, annotation: Any, site: Site) -> Any:
        value = node.value if isinstance(node, Leaf) else None
        if annotation is float and isinstance(value, int | float) and not isinstance(value, bool):
            if not math.isfinite(value):
                return self.found.add(quantities.not_finite(site.setting.name, value, node.origin))
            if abs(value) > LARGEST_FLOAT:
                name = site.setting.name
                return self.found.add(
                    quantities.out_of_range(name, value, -LARGEST_FLOAT, LARGEST_FLOAT, node.origin)
                )
            return float(value)
        if annotation is int and isinstance(value, int) and not isinstance(value, bool):
            if abs(value) > LARGEST:
                name = site.setting.name
                return self.found.add(quantities.out_of_range(name, value, -LARGEST, LARGEST, node.origin))
            return value
        if annotation in (bool, str) and isinstance(value, annotation):
            return value
        return self._mismatch(node, annotation, site)

    def _choice(self, node: Node, choices: tuple[Any, ...], annotation: Any, site: Site) -> Any:
        value = node.value if isinstance(node, Leaf) else None
        if any(value == choice and type(value) is type(choice) for choice in choices):
            return value
        if value is not None and any(type(value) is type(choice) for choice in choices):
            return self.found.add(names.not_a_choice(site.setting.name, value, node.origin, choices))
        return self._mismatch(node, annotation, site)

    def _array(self, node: Node, annotation: Any, args: tuple[Any, ...], site: Site) -> Any:
        if not isinstance(node, Array):
            return self._mismatch(node, annotation, site)
        fixed = typing.get_origin(annotation) is tuple and not (len(args) == 2 and args[1] is Ellipsis)
        if fixed and len(node.items) != len(args):
            return self._mismatch(node, annotation, site)
        inner = args if fixed else (args[0],) * len(node.items)
        items = [self._convert(item, each, site) for item, each in zip(node.items, inner, strict=True)]
        return tuple(items) if all(valid(item) for item in items) else INVALID

    def _dict(self, node: Node, inner: Any, annotation: Any, site: Site) -> Any:
        if not isinstance(node, Table):
            return self._mismatch(node, annotation, site)
        items = {key: self._convert(item, inner, site) for key, item in node.items.items()}
        return items if all(valid(item) for item in items.values()) else INVALID

    def _union(self, node: Node, annotation: Any, options: list[Any], site: Site) -> Any:
        """The first option that accepts; if none does but just one is of the node's form, its complaint."""
        if len(options) == 1:
            return self._convert(node, options[0], site)
        complaints: list[Found] = []
        for option in options:
            trial = Reader(Found(), self.roles)
            value = trial._convert(node, option, site)
            if valid(value):
                return value
            complaints.append(trial.found)
        telling = [each for each in complaints if all(d.code != "B0110" for d in each.diagnostics)]
        if len(telling) == 1:
            self.found.diagnostics += telling[0].diagnostics
            return INVALID
        return self._mismatch(node, annotation, site)

    def _dataclass(self, node: Node, kind: type[Any], site: Site) -> Any:
        if not isinstance(node, Table):
            return self._mismatch(node, kind, site)
        values = self.table(node, fields_of(kind), site.setting.name, component=site.component)
        return INVALID if values is None else kind(**values.values)

    def _duration(self, node: Node, unit: Unit, site: Site) -> Duration | Invalid:
        quantity = self._quantity(node, site, DURATION_UNITS, "5_000 steps")
        if isinstance(quantity, Invalid):
            return INVALID
        if quantity.value > LARGEST**2:  # no unit makes fewer steps than these of it
            return self.found.add(quantities.too_long(node.origin, LARGEST))
        if unit.positive and not quantity.value:
            return self.found.add(quantities.no_interval(site.setting.name, node.origin))
        return Duration(quantity.value, typing.cast(Any, quantity.unit), node.origin)

    def _bytes(self, node: Node, site: Site) -> int | Invalid:
        units = ["MiB", *(unit for unit in BYTE_UNITS if unit != "MiB")]
        quantity = self._quantity(node, site, units, "4 MiB")
        if isinstance(quantity, Invalid):
            return INVALID
        size = quantity.value * BYTE_UNITS[quantity.unit]
        if not math.isfinite(size):
            return self.found.add(quantities.not_finite(site.setting.name, size, node.origin))
        return round(size)

    def _quantity(self, node: Node, site: Site, units: Sequence[str], example: str) -> Quantity | Invalid:
        """A number with one of these units."""
        name = site.setting.name
        value = node.value if isinstance(node, Leaf) else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self.found.add(quantities.no_unit(name, value, node.origin, units))
        if not isinstance(value, str):
            return self._mismatch(node, site.setting.annotation, site)
        quantity = parse(value)
        if quantity is None:
            return self.found.add(quantities.bad_quantity(name, value, node.origin, example))
        if not quantity.unit:
            return self.found.add(quantities.no_unit(name, value, node.origin, units))
        if quantity.unit not in units:
            return self.found.add(quantities.wrong_unit(name, value, quantity.unit, node.origin, units))
        return quantity

    def _mismatch(self, node: Node, annotation: Any, site: Site) -> Invalid:
        return self.found.add(
            names.wrong_type(
                article(describe(annotation)),
                found_in_words(node),
                node.origin,
                owner=site.owner,
                declared=site.declared,
                declared_at=site.declared_at,
                mend=mended(node, annotation, site.setting.name),
            )
        )
