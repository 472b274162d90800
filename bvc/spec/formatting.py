"""Values as text inside a string."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import cast

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def formatted(value: object, form: str) -> str | None:
    """`value` in a format such as `02d`; None where the format doesn't suit the value."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        return format(value, form)
    except ValueError:
        return None


def as_text(value: object) -> str:
    """`value` as it stands inside a text: a string without quotes, everything else as TOML."""
    return value if isinstance(value, str) else toml(value)


def toml(value: object) -> str:
    """A plain value in TOML, on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return basic_string(value)
    if isinstance(value, float):
        return decimal(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(toml(item) for item in cast(list[object], value))}]"
    if isinstance(value, Mapping):
        pairs = cast(Mapping[str, object], value).items()
        return (
            "{ " + ", ".join(f"{key(name)} = {toml(item)}" for name, item in pairs) + " }" if pairs else "{}"
        )
    isoformat = getattr(value, "isoformat", None)
    return str(value) if isoformat is None else str(isoformat())


def decimal(value: float) -> str:
    """A float that TOML reads back as the same float."""
    if not math.isfinite(value):
        return repr(value)
    text = repr(value)
    return text if "." in text or "e" in text else f"{text}.0"


def basic_string(value: str) -> str:
    """A TOML basic string; unlike JSON, TOML also wants DEL escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def key(name: str) -> str:
    """A TOML key, quoted where it must be."""
    return name if _BARE.fullmatch(name) else basic_string(name)


def call_literal(value: object) -> str:
    """A value as it stands in an op call."""
    if isinstance(value, str):
        return quoted(value, "'")
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(call_literal(item) for item in cast(list[object], value))}]"
    if isinstance(value, Mapping):
        pairs = cast(Mapping[str, object], value).items()
        return "{" + ", ".join(f"{name}={call_literal(item)}" for name, item in pairs) + "}"
    return toml(value)


def escaped(value: str, quote: str) -> str:
    """What stands between quotes in an op call."""
    return value.replace("\\", "\\\\").replace(quote, f"\\{quote}")


def quoted(value: str, quote: str) -> str:
    """A quoted text of an op call."""
    return f"{quote}{escaped(value, quote)}{quote}"
