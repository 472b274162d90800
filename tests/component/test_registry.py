"""Components of bvc's library: found by file, one at a time, and documented."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bvc.component import registry
from bvc.component.annotation import KINDS, Kind
from bvc.component.page import page

BUILTIN = [(kind, name) for kind in KINDS for name in sorted(registry._builtin_names(kind))]


@pytest.mark.parametrize(("kind", "name"), BUILTIN, ids=lambda word: word)
def test_every_file_of_the_library_holds_its_component(kind: Kind, name: str) -> None:
    found = registry.find(kind, name)
    assert found is not None and (found.kind, found.name) == (kind, name)
    assert found.summary, "a component says what it is in its first sentence"
    undocumented = [setting.name for setting in found.settings.values() if not setting.doc]
    assert not undocumented, "a component says what its settings mean"
    assert page(found).startswith(f"# {name} ({kind})\n\n{found.summary.split(' ')[0]}")


def test_names_of_other_kinds_are_not_found() -> None:
    assert registry.find("op", "vit") is None
    assert registry.find("model", "no.such") is None
    assert registry.find("model", "") is None


def test_finding_a_component_imports_no_other() -> None:
    code = (
        "import sys; from bvc.component import registry; registry.find('optimizer', 'sgd');"
        "print(sorted(name for name in sys.modules if name.startswith('bvc.library.')))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(["bvc.library.optimizers", "bvc.library.optimizers.sgd"])
