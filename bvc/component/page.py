"""The reference page of a component, as Markdown; everything on it comes from its signature and docstring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bvc.component.declare import REQUIRED, Component, Method, Setting
from bvc.component.describe import describe
from bvc.component.docstring import described
from bvc.component.port import Port


def page(component: Component) -> str:
    """What `bvc explain NAME` prints."""
    lines = [f"# {component.name} ({component.kind})", "", _prose(component.doc)]
    texts = described(component.doc, "Ports:")
    lines += _settings(component.settings.values(), "Settings")
    lines += _ports("Reads", component.call.ports, texts)
    lines += _ports("Writes", component.call.outputs, texts)
    if component.views:
        lines += ["", "## Views", ""]
        lines += [f"- `{name}`: {_signature(method)}" for name, method in component.views.items()]
    where = component.where
    if where:
        lines += ["", f"Declared in {where}"]
    return "\n".join(lines) + "\n"


def _prose(doc: str) -> str:
    kept: list[str] = []
    for line in doc.split("\n"):
        if line in ("Settings:", "Ports:", "Args:"):
            break
        kept.append(line)
    return "\n".join(kept).strip()


def _settings(settings: Iterable[Setting], title: str) -> list[str]:
    rows = [
        f"| `{setting.name}` | {describe(setting.annotation)} | {_default(setting)} | {setting.doc} |"
        for setting in settings
    ]
    if not rows:
        return []
    return ["", f"## {title}", "", "| setting | type | default | |", "|---|---|---|---|", *rows]


def _default(setting: Setting) -> str:
    if setting.default is REQUIRED:
        return "required"
    if setting.default is None or setting.default == ():
        return "absent"
    if isinstance(setting.default, bool):
        return f"`{str(setting.default).lower()}`"
    return f'`"{setting.default}"`' if isinstance(setting.default, str) else f"`{setting.default}`"


def _ports(title: str, ports: Mapping[str, Port], texts: Mapping[str, str]) -> list[str]:
    if not ports:
        return []
    rows = [
        f"- `{port.annotation if not name else port}`{_text(texts.get(name, ''))}"
        for name, port in ports.items()
    ]
    return ["", f"## {title}", "", *rows]


def _text(text: str) -> str:
    return f": {text}" if text else ""


def _signature(method: Method) -> str:
    reads = ", ".join(str(port) for port in method.ports.values())
    writes = ", ".join(port.annotation if not name else str(port) for name, port in method.outputs.items())
    return f"({reads}) -> {writes}"
