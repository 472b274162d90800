"""`@component(kind)`: from a signature and a docstring to everything the compiler knows of a component."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bvc.component.annotation import GIVEN, GIVEN_BY_KIND, Kind, Varying
from bvc.component.docstring import described, summary
from bvc.component.port import Port, port_of, ports_of

if TYPE_CHECKING:  # with it comes jax
    from bvc.component.mutable import Reduction

T = TypeVar("T", bound=Callable[..., Any])

_ROOT = Path(__file__).parent.parent.parent

REQUIRED: Any = inspect.Parameter.empty
"""The default of a setting that has none."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One static value that a spec may give: `annotation` is its type, `default` may be REQUIRED."""

    name: str
    annotation: Any
    default: Any = REQUIRED
    doc: str = ""
    positional: bool = True
    starred: bool = False
    """It takes all further positional arguments."""


@dataclass(frozen=True, slots=True)
class Method:
    """A callable of a component: the ports it reads, those it writes, and its settings."""

    name: str
    ports: Mapping[str, Port]
    outputs: Mapping[str, Port]
    settings: Mapping[str, Setting]
    given: frozenset[str]


@dataclass(frozen=True, slots=True)
class Component:
    """A declared component.

    `settings` are what a spec may set; `call` is what runs (for a function the function itself, for a class
    its `__call__`); `views` are its other methods marked with `@view`. An output named `""` is the only one.
    `writes` is the feature that an op writes by default (None: the one it read).
    """

    kind: Kind
    name: str
    target: Callable[..., Any]
    settings: Mapping[str, Setting]
    call: Method
    views: Mapping[str, Method] = field(default_factory=dict[str, Method])
    doc: str = ""
    file: str = ""
    writes: str | None = None
    advance: tuple[Method, Reduction] | None = None
    """Of a model with mutable state: the method that makes the model of the next step."""

    @property
    def summary(self) -> str:
        """What it is, in one sentence."""
        return summary(self.doc)

    @property
    def where(self) -> str:
        """`file:line` of its declaration; empty where it has no file. Python reads the file for it."""
        try:
            return f"{shown(self.file)}:{inspect.getsourcelines(inspect.unwrap(self.target))[1]}"
        except (OSError, TypeError):  # declared in a notebook or at a prompt
            return ""

    @property
    def is_class(self) -> bool:
        """Whether settings make an object that is then called (else they are passed at every call)."""
        return inspect.isclass(self.target)


def shown(file: str) -> str:
    """A path as people read it: of bvc's own files from `bvc/`, of others from the current directory if below it."""
    path = Path(file)
    for root in (_ROOT, Path.cwd()):
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return file


def fields_of(kind: type[Any]) -> dict[str, Setting]:
    """The fields of a dataclass as settings; their texts come from its docstring."""
    hints = typing.get_type_hints(kind, include_extras=True)
    texts = described(inspect.getdoc(kind) or "")
    found: dict[str, Setting] = {}
    for each in dataclasses.fields(kind):
        default = REQUIRED if each.default is dataclasses.MISSING else each.default
        if each.default_factory is not dataclasses.MISSING:
            default = each.default_factory()
        spelled = each.name.removesuffix("_")
        found[spelled] = Setting(spelled, hints[each.name], default, texts.get(spelled, ""), positional=False)
    return found


def method_of(component: Component, name: str) -> Method | None:
    """A method of a class component by name, such as the measure of an evaluator's stream."""
    function = getattr(component.target, name, None)
    return _method(name, function, inspect.getdoc(function) or "") if callable(function) else None


_NO_CALL = Method("__call__", {}, {}, {}, frozenset())

_DECLARED: dict[tuple[Kind, str], Component] = {}


def component(kind: Kind, *, name: str | None = None, writes: str | None = None) -> Callable[[T], T]:
    """Declare a function or a class as a component.

    Its name in a spec is `name`, by default that of the function, or of the file for a class of bvc's library.
    Parameters annotated as jaxtyping arrays (or `Text`, `Encoded`) are ports, the names in `GIVEN` are filled by
    the compiler, all others are settings. `writes` is the feature that an op writes by default.
    """

    def declare(target: T) -> T:
        declared = _read(kind, name or _default_name(target), target, writes)
        _DECLARED[kind, declared.name] = declared
        return target

    return declare


def view(method: T) -> T:
    """Mark a method of a model as a view: a way to call it that evaluators may name."""
    method.__bvc_view__ = True  # type: ignore[attr-defined]
    return method


def declared(kind: Kind, name: str) -> Component | None:
    """The component that was declared under this name by a module already imported."""
    return _DECLARED.get((kind, name))


def declared_names(kind: Kind) -> list[str]:
    """Names of the components of a kind that were declared so far."""
    return sorted(name for found, name in _DECLARED if found == kind)


def _default_name(target: Callable[..., Any]) -> str:
    module = target.__module__.rsplit(".", 1)[-1]
    builtin = target.__module__.startswith("bvc.library.")
    return module if builtin else target.__name__


def _read(kind: Kind, name: str, target: Callable[..., Any], writes: str | None) -> Component:
    doc = inspect.getdoc(target) or ""
    views: dict[str, Method] = {}
    advance: tuple[Method, Reduction] | None = None
    if inspect.isclass(target):
        bare = target.__init__ is object.__init__  # its signature takes anything, and it takes nothing
        own = _NO_CALL if bare else _method("__init__", target.__init__, doc)
        callable_itself = "__call__" in _members(target)
        call = _method("__call__", target.__call__, doc) if callable_itself else _NO_CALL
        settings = own.settings
        for attribute in _members(target):
            member = inspect.getattr_static(target, attribute, None)
            member = getattr(member, "method", member)  # equinox wraps methods
            if getattr(member, "__bvc_view__", False):
                views[attribute] = _method(
                    attribute, getattr(target, attribute), inspect.getdoc(member) or ""
                )
            mark = getattr(member, "__bvc_advances__", None)
            if mark is not None:
                advance = _method(attribute, getattr(target, attribute), ""), mark.reduction
    else:
        call = _method(name, target, doc, GIVEN_BY_KIND.get(kind, frozenset()))
        settings = call.settings
    varying = [setting.name for setting in settings.values() if _varies(setting.annotation)]
    if varying and kind != "objective":
        raise TypeError(
            f"`{varying[0]}` of `{name}` is `Scheduled`: that is for objectives, called in the step"
        )
    return Component(kind, name, target, settings, call, views, doc, _file(target), writes, advance)


def _varies(annotation: Any) -> bool:
    options = (annotation, *typing.get_args(annotation))
    return any(isinstance(role, Varying) for each in options for role in getattr(each, "__metadata__", ()))


def _members(target: type) -> list[str]:
    found: dict[str, None] = {}
    for base in reversed(target.__mro__):
        if base is not object and not base.__module__.startswith("equinox"):
            found.update(dict.fromkeys(vars(base)))
    return list(found)


def _method(name: str, function: Callable[..., Any], doc: str, also: frozenset[str] = frozenset()) -> Method:
    inner = inspect.unwrap(function)
    hints = typing.get_type_hints(inner, include_extras=True)
    texts = described(doc)
    ports: dict[str, Port] = {}
    settings: dict[str, Setting] = {}
    given: set[str] = set()
    for parameter in inspect.signature(inner).parameters.values():
        annotation = hints.get(parameter.name, Any)
        port = port_of(parameter.name, annotation, parameter.default)
        if parameter.name == "self":
            continue
        if parameter.name in GIVEN or parameter.name in also:
            given.add(parameter.name)
        elif port is not None:
            ports[parameter.name] = port
        elif parameter.kind is not parameter.VAR_KEYWORD:
            spelled = parameter.name.removesuffix("_")
            starred = parameter.kind is parameter.VAR_POSITIONAL
            settings[spelled] = Setting(
                spelled,
                tuple[annotation, ...] if starred else annotation,
                () if starred else parameter.default,
                texts.get(spelled, ""),
                parameter.kind is not parameter.KEYWORD_ONLY,
                starred,
            )
    return Method(name, ports, _outputs(hints.get("return")), settings, frozenset(given))


def _outputs(annotation: object) -> dict[str, Port]:
    single = port_of("", annotation)
    if single is not None:
        return {"": single}
    if inspect.isclass(annotation) and hasattr(annotation, "__annotations__"):
        return ports_of(typing.get_type_hints(annotation, include_extras=True))
    return {}


def _file(target: Callable[..., Any]) -> str:
    try:
        return inspect.getsourcefile(inspect.unwrap(target)) or ""
    except (OSError, TypeError):  # declared in a notebook or at a prompt: there is no file to point at
        return ""
