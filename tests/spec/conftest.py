"""Small specs in a folder of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bvc.diagnostics import Diagnostic, Failed, Sources
from bvc.spec import Leaf, Spec, load, plain


@dataclass
class Loaded:
    """What became of a spec: its plain tree, or what is wrong with it."""

    tree: Any = None
    spec: Spec | None = None
    wrong: Sequence[Diagnostic] = ()
    sources: Sources = field(default_factory=Sources)

    @property
    def codes(self) -> list[str]:
        return [diagnostic.code for diagnostic in self.wrong]

    @property
    def carets(self) -> list[str]:
        """The text above each caret."""
        return [self.sources.slice(diagnostic.place) for diagnostic in self.wrong if diagnostic.place]

    def leaf(self, *path: str | int) -> Leaf:
        """The leaf at a path."""
        assert self.spec is not None, [(d.code, d.message) for d in self.wrong]
        node: Any = self.spec.tree
        for part in path:
            node = node.items[part]
        assert isinstance(node, Leaf)
        return node

    def chain(self, *path: str | int) -> list[str]:
        """The texts at the places of a leaf's origin."""
        return [self.sources.slice(place) for place in self.leaf(*path).origin.places]


Loader = Callable[..., Loaded]


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loader:
    """`spec(text, params, sets, files={name: text})` loads `spec.toml` with that text."""
    monkeypatch.chdir(tmp_path)

    def run(
        text: str,
        params: Mapping[str, object] | str = "",
        sets: Sequence[tuple[str, str]] = (),
        files: Mapping[str, str] | None = None,
    ) -> Loaded:
        for name, content in {**(files or {}), "spec.toml": text}.items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(content, encoding="utf-8")
        sources = Sources()
        try:
            found = load("spec.toml", params, sets, sources=sources)
        except Failed as failed:
            return Loaded(wrong=failed.diagnostics, sources=sources)
        return Loaded(plain(found.tree), found, found.warnings, sources)

    return run
