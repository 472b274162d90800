"""Words for the settings of a component that plain Python types do not say.

`warmup: Steps` takes a duration such as `"3%"` and receives a number of steps; `image: Model` takes a
table that describes a model and receives the built module; and so on. Everything else is an ordinary
annotation: int, float, bool, str, Literal, list, tuple, dict, unions and frozen dataclasses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

Kind = Literal[
    "model",
    "op",
    "transform",
    "objective",
    "optimizer",
    "schedule",
    "evaluator",
    "source",
    "filter",
    "sampler",
    "codec",
]
KINDS: tuple[Kind, ...] = Kind.__args__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Child:
    """The setting is a table with `type`, which names a component of this kind."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class Unit:
    """The setting is a quantity with a unit, converted before the component sees it; above 0 if `positive`."""

    name: Literal["steps", "bytes"]
    positive: bool = False


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The setting is a number that is not smaller than this."""

    value: float


@dataclass(frozen=True, slots=True)
class Within:
    """The setting is a number from `low` to `high`, both included."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Varying:
    """The setting is a number, not below `low`, or a table of a schedule with its `peak`."""

    low: float = -math.inf


@dataclass(frozen=True, slots=True)
class FileRole:
    """The setting is the path of a file that must exist where the experiment runs."""


@dataclass(frozen=True, slots=True)
class Calls:
    """The setting is an array of calls of components of this kind: ops, batch transforms, or filters of examples."""

    kind: Literal["op", "transform", "filter"] = "op"


@dataclass(frozen=True, slots=True)
class Split:
    """The setting names data: a table with `name` (or `source`) and `split`."""


@dataclass(frozen=True, slots=True)
class ViewRole:
    """The setting names a view of a model, `"name"` or `{ name = "...", ...settings }`, or an array of them."""


Model = Annotated[Any, Child("model")]
"""A sub-model, built by the compiler."""
Codec = Annotated[Any, Child("codec")]
"""A codec of labels, built by the compiler."""
Scheduled = Annotated[float, Varying()]
"""A number that may change over the run; the component receives its value in the step."""
Count = Annotated[int, AtLeast(1)]
"""A whole number of at least 1."""
Depth = Annotated[int, Within(1, 1000)]
"""A number of layers.

No published network has more than 1000 (DeepNet, arXiv:2203.00555). Each parameter of each layer has a name:
more layers, a slip such as a width in the place of a depth, would be checked for minutes.
"""
NonNegative = Annotated[float, AtLeast(0)]
"""A number of at least 0."""
Fraction = Annotated[float, Within(0, 1)]
"""A number from 0 to 1, such as a probability."""
Steps = Annotated[int, Unit("steps")]
"""A duration; the component receives steps."""
Interval = Annotated[int, Unit("steps", positive=True)]
"""A duration above 0: how often something happens."""
Bytes = Annotated[int, Unit("bytes")]
"""A size such as `"4 MiB"`; the component receives bytes."""
InputFile = Annotated[str, FileRole()]
"""A file to be read at run time; checked before the run starts."""
Pipeline = Annotated[Any, Calls()]
"""A list of op calls; the component receives it unopened and hands it back in its streams."""
Data = Annotated[Any, Split()]
"""What data to read; the component receives it unopened and hands it back in its streams."""
View = Annotated[Any, ViewRole()]
"""Which view of the model to call, or several in a row; the component hands it back in its streams."""


@dataclass(frozen=True, slots=True)
class Raw:
    """A port that is no numeric array: encoded bytes, a text, or several texts."""

    dtype: Literal["bytes", "str"]
    dims: tuple[str, ...] = ()


Encoded = Annotated[bytes, Raw("bytes")]
"""A port: the bytes of an encoded file."""
Text = Annotated[str, Raw("str")]
"""A port: one text."""
Texts = Annotated[list[str], Raw("str", ("n",))]
"""A port: several texts."""

GIVEN = frozenset({"key", "keys", "rng", "rngs", "epoch", "mesh", "example"})
"""Parameter names that the compiler fills and a spec never sets: `key` (the PRNG key of an
initialization), `keys` (one PRNG key per example of a batch, None when nothing is random), `rng` (a numpy
Generator for this op and example), `epoch` (the pass over the data), `rngs` (epoch -> what `rng` is then), `mesh`
(the MeshContext), `example` (the whole example, for ops that move features around)."""

GIVEN_BY_KIND: dict[Kind, frozenset[str]] = {
    "schedule": frozenset({"step", "warmup", "total"}),
    "transform": frozenset({"batch"}),
}
"""Further parameter names that the compiler fills in components of one kind."""
