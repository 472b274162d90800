"""How a model's parameters are named in published files.

A model's method `naming` returns a `Naming`: rules from bvc's public names to big_vision's, and what has to
be done to files that are older or of another size. Rules are pairs of templates; `{i}` and `{j}` stand for
numbers, `{i+1}` for a number that is one more there, `{i:02d}` for one of two digits (public names have two
where nothing is said, as layers of a stack do); `*` in the place of a number means all of them, and stays.
A template covers every name below it; what follows is kept:

>>> naming = Naming((("blocks/{i}/norm", "Transformer/encoderblock_{i}/LayerNorm_0"),))
>>> naming.published("blocks/03/norm/scale")
'Transformer/encoderblock_3/LayerNorm_0/scale'
>>> naming.published("blocks/*/norm/scale")
'Transformer/encoderblock_*/LayerNorm_0/scale'
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Shaped

Leaf = Shaped[np.ndarray, "..."]
Flat = dict[str, Leaf]
"""The content of a file: name, joined by `/`, -> array."""
Shapes = Mapping[str, tuple[int, ...]]
"""big_vision's name -> shape that the model wants."""
Repair = Callable[[Flat, Shapes], Flat]
Resize = Callable[[Leaf, tuple[int, ...]], Leaf]
"""An array of the file -> the same quantity in the shape that the model wants."""

Rules = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """Shape and dtype of one array of a file."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Stacking:
    """Layers that a file may hold one by one (`NAME_3/...`) or stacked on an axis (`NAME/...`)."""

    name: str
    axis: int = 0
    separator: str = "_"

    def below(self, prefix: str) -> Stacking:
        """The same within a larger model."""
        return replace(self, name=f"{prefix}/{self.name}")


@dataclass(frozen=True, slots=True)
class Mark:
    """What files of a model are told by: `marks` of a model's class are any of these.

    Attributes:
        parts: names, or beginnings of names that end in `/`, `_` or `.`; each is in such a file, at the start of a
            name or after a dot.
        writer: whose names these are.
    """

    parts: tuple[str, ...]
    writer: str = "big_vision"


HUGGING_FACE = "Hugging Face"
FIRST_RELEASE = "the first release"


@dataclass(frozen=True, slots=True)
class Foreign:
    """The names that another implementation gives to the same parameters (`huggingface.py`).

    Attributes:
        rules: public template -> template of that implementation.
        mark: part of a name that only its files have.
        repairs: applied in order to what was read.
        besides: patterns of names that its files hold besides the model's parameters.
    """

    rules: Rules
    mark: str
    repairs: tuple[Repair, ...] = ()
    besides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Naming:
    """The published names of one model's parameters.

    Attributes:
        rules: public template -> big_vision's template; the first that matches counts.
        stacks: layers that files may hold stacked.
        repairs: applied in order to what was read, before names are matched: older layouts of the same model.
        resizes: published name -> what brings an array of another size to the model's shape.
        foreign: implementations of other projects whose files can be read.
    """

    rules: Rules
    stacks: tuple[Stacking, ...] = ()
    repairs: tuple[Repair, ...] = ()
    resizes: Mapping[str, Resize] = field(default_factory=dict[str, Resize])
    foreign: tuple[Foreign, ...] = ()

    @staticmethod
    def joined(
        rules: Rules,
        *,
        foreign: tuple[Foreign, ...] = (),
        stacks: tuple[Stacking, ...] = (),
        **parts: tuple[str, Naming],
    ) -> Naming:
        """The naming of a model made of parts: field name -> (prefix in files, naming of the part)."""
        return Naming(
            rules=rules
            + tuple(rule for own, (prefix, part) in parts.items() for rule in below(part.rules, own, prefix))
            + tuple((own, prefix) for own, (prefix, _) in parts.items()),
            stacks=stacks
            + tuple(stack.below(prefix) for prefix, part in parts.values() for stack in part.stacks),
            repairs=tuple(
                _within(prefix, repair) for prefix, part in parts.values() for repair in part.repairs
            ),
            resizes={
                f"{prefix}/{name}": resize
                for prefix, part in parts.values()
                for name, resize in part.resizes.items()
            },
            foreign=foreign,
        )

    def published(self, name: str) -> str:
        """big_vision's name of a public name; a name without a rule is its own."""
        return rename(name, self.rules) or name

    def public(self, name: str) -> str:
        """The public name of big_vision's name, the reverse of `published`."""
        return rename(name, [(published, public) for public, published in self.rules], "02d") or name


def naming_of(model: Any) -> Naming:
    """The published names of a model's parameters; a model that has none keeps its own names."""
    return model.naming() if hasattr(model, "naming") else Naming(())


def rename(name: str, rules: Iterable[tuple[str, str]], digits: str = "d") -> str | None:
    """`name` by the first rule that covers it; None if no rule does.

    Numbers are written by the format of their placeholder, or `digits` if it has none.
    """
    for old, new in rules:
        found = _pattern(old).match(name)
        if found is None:
            continue
        shifts = {place["letter"]: int(place["shift"] or 0) for place in _PLACE.finditer(old)}
        numbers = {
            letter: None if number == "*" else int(number) - shifts[letter]
            for letter, number in found.groupdict().items()
        }
        return _filled(new, numbers, digits) + name[found.end() :]
    return None


def _filled(template: str, numbers: Mapping[str, int | None], digits: str) -> str:
    """A template with its numbers; None is any."""
    parts, end = [], 0
    for place in _PLACE.finditer(template):
        number = numbers[place["letter"]]
        form = place["form"] or digits
        parts += [
            template[end : place.start()],
            "*" if number is None else format(number + int(place["shift"] or 0), form),
        ]
        end = place.end()
    return "".join(parts) + template[end:]


_PLACE = re.compile(r"\{(?P<letter>\w)(?:\+(?P<shift>\d+))?(?::(?P<form>\w+))?\}")


@functools.cache
def _pattern(template: str) -> re.Pattern[str]:
    parts, end = [], 0
    for place in _PLACE.finditer(template):
        parts += [re.escape(template[end : place.start()]), rf"(?P<{place['letter']}>\d+|\*)"]
        end = place.end()
    return re.compile("".join(parts) + re.escape(template[end:]) + r"(?=/|$)")


def _within(prefix: str, repair: Repair) -> Repair:
    """`repair` of a part, applied to what lies below `prefix` in the file."""

    def apply(flat: Flat, wanted: Shapes) -> Flat:
        inside = _cut(flat, prefix)
        if not inside:
            return flat
        outside = {name: leaf for name, leaf in flat.items() if not name.startswith(f"{prefix}/")}
        return outside | {
            f"{prefix}/{name}": leaf for name, leaf in repair(inside, _cut(wanted, prefix)).items()
        }

    return apply


T = TypeVar("T")


def _cut(names: Mapping[str, T], prefix: str) -> dict[str, T]:
    """What lies below `prefix`, without it."""
    start = f"{prefix}/"
    return {name.removeprefix(start): value for name, value in names.items() if name.startswith(start)}


def below(rules: Iterable[tuple[str, str]], public: str, published: str) -> Rules:
    """Rules for a part of a model, from the rules of that part alone."""
    return tuple((f"{public}/{inner}", f"{published}/{outer}") for inner, outer in rules)
