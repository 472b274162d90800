"""What a docstring says of a component: its summary, and a line for each setting and port."""

from __future__ import annotations

import re

_ENTRY = re.compile(r"^    (?P<name>\w+): +(?P<text>\S.*)$")
_SECTIONS = ("Settings:", "Ports:", "Args:", "Returns:", "Raises:")


def summary(doc: str) -> str:
    """The first paragraph on one line."""
    return " ".join(doc.split("\n\n", 1)[0].split())


def described(doc: str, prefer: str = "Settings:") -> dict[str, str]:
    r"""Name -> text, from the sections `Settings:`, `Ports:` and `Args:`; `prefer` counts for a name in two of them.

    >>> described("Do it.\n\nSettings:\n    size: side in pixels,\n        or two of them\n")
    {'size': 'side in pixels, or two of them'}
    >>> described("Do it.\n\nSettings:\n    x: how many\n\nPorts:\n    x: which\n", "Ports:")
    {'x': 'which'}
    """
    sections: dict[str, dict[str, str]] = {}
    found: dict[str, str] = {}
    inside = False
    last = ""
    for line in doc.split("\n"):
        if line in _SECTIONS:
            inside = line in _SECTIONS[:3]
            found = sections.setdefault(line, {})
            last = ""
        elif line and not line.startswith(" "):
            inside = False
        elif inside:
            entry = _ENTRY.match(line)
            if entry:
                last = entry["name"].removesuffix("_")
                found[last] = entry["text"].strip()
            elif last and line.strip():
                found[last] += " " + line.strip()
    last_wins = sorted((name for name in sections if name in _SECTIONS[:3]), key=lambda name: name == prefer)
    return {name: text for section in last_wins for name, text in sections[section].items()}
