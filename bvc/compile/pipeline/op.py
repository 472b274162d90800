"""From a call in a pipeline to a function of its ports."""

from __future__ import annotations

import functools
import keyword
from collections.abc import Callable
from typing import Any

from bvc.component.error import SettingError
from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import shapes
from bvc.ir import OpNode


def build_op(node: OpNode) -> Callable[..., Any]:
    """The op with its settings; picklable. What is left are its ports, and `rng` or `example` if it takes them.

    Raises:
        Failed: the op refuses a setting (B0301).
    """
    starred = next((name for name, setting in node.component.settings.items() if setting.starred), None)
    positional = node.settings.get(starred, ()) if starred else ()
    keywords = {_parameter(node, name): value for name, value in node.settings.items() if name != starred}
    if not node.component.is_class:
        # functions take their ports by keyword, so that settings may stand between them
        return functools.partial(_call, node.component.target, tuple(positional), keywords)
    try:
        return node.component.target(*positional, **keywords)
    except SettingError as error:
        name = error.name.removesuffix("_")
        place = node.origins.get(name, node.origin)
        raise Failed(shapes.refused_setting(node.name, name, error.reason, place, error.help)) from error


def _call(
    target: Callable[..., Any], positional: tuple[Any, ...], settings: dict[str, Any], **ports: Any
) -> Any:
    if positional:
        example = ports.pop("example")
        return target(example, *positional, **ports, **settings)
    return target(**ports, **settings)


def _parameter(node: OpNode, name: str) -> str:
    return f"{name}_" if keyword.iskeyword(name) or name in ("key", "keys") else name
