"""optax's transforms as optimizers: `type = "optax.scale_by_lion"`, its settings typed from the function's signature.

A transform is what scales gradients. optax's whole optimizers (`optax.lion`) are none: their learning rate and decay
belong to `[optimizer]` itself, with its rules and schedules.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from bvc.component.declare import REQUIRED, Component, Method, Setting
from bvc.component.docstring import described

PREFIX = "optax."
_MODULES = ("optax", "optax.contrib")

Dtype = Literal["float32", "bfloat16", "float16"]

_RATES = frozenset({"learning_rate", "max_learning_rate"})
"""What an optimizer takes, and a transform not, unless its name begins with `scale_by_`."""
_LEFT_OUT = frozenset({"optax.scale_by_learning_rate", "optax.scale_by_schedule"})
"""They do what `lr` and `schedule` of `[optimizer]` do, a second time."""


def transform(name: str) -> Component | None:
    """The transform of this name, or None."""
    module, _, own = name.rpartition(".")
    if module not in _MODULES or name in _LEFT_OUT or own.startswith("_"):
        return None
    function = vars(importlib.import_module(module)).get(own)
    return _component(name, function) if inspect.isfunction(function) else None


@functools.cache
def transforms() -> tuple[str, ...]:
    """The names of all transforms that a spec can set."""
    found = [
        f"{module}.{name}" for module in _MODULES for name in sorted(vars(importlib.import_module(module)))
    ]
    return tuple(name for name in found if transform(name) is not None)


def near(name: str) -> list[str]:
    """Names among which a mistyped one is looked for; of a whole optimizer its transform alone."""
    module, _, own = name.rpartition(".")
    scaling = f"{module}.scale_by_{own}"
    return [scaling] if scaling in transforms() else list(transforms())


def _component(name: str, function: Callable[..., Any]) -> Component | None:
    if "GradientTransformation" not in str(function.__annotations__.get("return")):
        return None
    settings = dict(_settings(function))
    parameters = inspect.signature(function).parameters
    rated = _RATES & parameters.keys() and not name.rpartition(".")[2].startswith("scale_by_")
    unset = [
        each.name for each in parameters.values() if each.default is REQUIRED and each.name not in settings
    ]
    if rated or unset:
        return None
    file = inspect.getsourcefile(function) or ""
    doc = _doc(function)
    call = Method(name, {}, {}, settings, frozenset())
    return Component("optimizer", name, function, settings, call, {}, doc, file)


def _settings(function: Callable[..., Any]) -> Iterator[tuple[str, Setting]]:
    texts = described(_doc(function))
    hints = _hints(function)
    for parameter in inspect.signature(function).parameters.values():
        annotation = _annotation(parameter, hints.get(parameter.name))
        if annotation is not None:
            text = texts.get(parameter.name, "")
            yield (
                parameter.name,
                Setting(parameter.name, annotation, parameter.default, text, positional=False),
            )


def _doc(function: Callable[..., Any]) -> str:
    """Its text, with sections indented as bvc's are."""
    return re.sub(r"^  (?=\w+:)", "    ", inspect.getdoc(function) or "", flags=re.MULTILINE)


def _hints(function: Callable[..., Any]) -> Mapping[str, Any]:
    try:
        return typing.get_type_hints(function)
    except NameError:  # optax spells some of its types in the terms of another module
        return {}


def _annotation(parameter: inspect.Parameter, hint: Any) -> Any:
    """The type of a setting, or None for what no spec can say: a function, a mask, another transform."""
    default = parameter.default
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        return None
    if parameter.name.endswith("dtype"):
        return Dtype | None if default is None else Dtype
    if hint in (bool, int, float, str) or typing.get_origin(hint) is Literal:
        return hint
    if isinstance(default, bool | str):
        return type(default)
    if isinstance(default, int | float):
        return type(default)
    options = _options(hint)
    if float in options and default in (None, REQUIRED) and not any(map(_is_rich, options)):
        return float if default is REQUIRED else float | None
    return int | None if default is None and int in options and parameter.name == "seed" else None


def _options(hint: Any) -> tuple[Any, ...]:
    """What a union admits, unions within it included."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return tuple(inner for option in typing.get_args(hint) for inner in _options(option))
    return (hint,)


def _is_rich(option: Any) -> bool:
    """Whether it is a function or a transform, for which a number would stand by chance only."""
    return typing.get_origin(option) is not None or "optax" in getattr(option, "__module__", "")
