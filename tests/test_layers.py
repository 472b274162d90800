"""The stages import one way (docs/architecture.md), and heavy libraries are loaded only where needed."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime.forks import QUICKLY

ROOT = Path(__file__).parent.parent
LAYERS = (
    "diagnostics",
    "spec",
    "component",
    "ir",
    "bind",
    "compile",
    "check",
    "figure",
    "plan",
    "runtime",
    "report",
    "api",
    "cli",
)
LIBRARY_MAY = {"bvc.library", "bvc.component"}
# the one part of the library that is no component: readers of published weights, for `init`
SHARED = "bvc.library.checkpoints."
# above the layers: the package re-exports for notebooks, `python -m bvc` starts the program
TOP = {"bvc", "bvc.__main__"}


def imports(source: str, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """(line, absolute module or module.name) of every import in a source text, functions included."""
    parts = module.split(".")
    package = parts if is_package else parts[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)


def violations(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """What a module imports although its layer lies before, or outside, the imported one."""
    own = module.split(".")
    found: list[str] = []
    for line, imported in imports(source, module, is_package):
        other = imported.split(".")
        if other[0] != "bvc":
            continue
        if len(other) == 1 or (other[1] not in LAYERS and other[1] != "library"):
            found.append(f"{module}:{line}: {imported} is in no layer")
        elif own[1] == "library":
            if ".".join(other[:2]) not in LIBRARY_MAY:
                found.append(f"{module}:{line}: the library imports {imported}")
        elif other[1] == "library" and not imported.startswith(SHARED):
            found.append(f"{module}:{line}: {imported} is found by its name, never imported")
        elif other[1] != "library" and LAYERS.index(other[1]) > LAYERS.index(own[1]):
            found.append(f"{module}:{line}: {own[1]} imports {imported}, which comes after it")
    return found


def modules() -> Iterator[tuple[str, Path]]:
    for file in sorted((ROOT / "bvc").rglob("*.py")):
        parts = file.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file


def test_imports_go_one_way() -> None:
    found = [
        violation
        for module, file in modules()
        if module not in TOP
        for violation in violations(
            file.read_text(encoding="utf-8"), module, is_package=file.name == "__init__.py"
        )
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("module", "source", "is_package"),
    [
        ("bvc.spec.parse", "from bvc.bind import bind", False),
        ("bvc.spec.parse", "def late():\n    import bvc.compile.step.step", False),
        ("bvc.spec.parse", "from ..plan.report import text", False),
        ("bvc.spec", "from ..ir import Experiment", True),
        ("bvc.library.ops.flip", "from bvc.ir import Experiment", False),
        ("bvc.compile.step.step", "import bvc.library.models.vit", False),
        ("bvc.plan.plan", "import bvc", False),
        ("bvc.plan.plan", "from bvc import load", False),
    ],
)
def test_a_violation_is_seen(module: str, source: str, is_package: bool) -> None:
    assert violations(source, module, is_package=is_package)


@pytest.mark.parametrize(
    ("module", "source", "is_package"),
    [
        ("bvc.bind.bind", "from bvc.ir import Experiment\nfrom bvc.spec import Spec\nimport numpy", False),
        ("bvc.bind", "from .bind import bind as bind", True),
        ("bvc.library.ops.flip", "from bvc.component import component\nimport bvc.library.layers.mlp", False),
    ],
)
def test_what_is_allowed_is_not_a_violation(module: str, source: str, is_package: bool) -> None:
    assert violations(source, module, is_package=is_package) == []


def loaded(code: str, *heavy: str) -> set[str]:
    """Which of the top-level modules `heavy` a fresh process has loaded after running `code`."""
    program = f"{code}\nimport sys\nprint('LOADED', *({set(heavy)!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("LOADED")]
    assert lines, done.stderr
    return set(lines[-1].split()[1:])


def command(*arguments: str) -> str:
    """Python text that runs the command line `bvc ARGUMENTS` and goes on after it exits."""
    return (
        f"import sys\nfrom bvc.cli import main\nsys.argv = ['bvc', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass"
    )


HEAVY = ("jax", "grain", "orbax", "tensorflow", "tensorflow_datasets", "equinox")


def test_that_loaded_sees_an_import() -> None:
    assert loaded("import json.decoder", "json", "jax") == {"json"}


def test_help_loads_nothing_heavy() -> None:
    assert loaded(command("--help"), *HEAVY) == set()


@pytest.mark.parametrize(
    "text",
    [
        "[model\n",
        "[modle]\ntype = 'vit'\n",
        "[params]\nwidth = 64\n[model]\nwidth = '${widht}'\n",
        "[model]\nuse = 'model/no_such_fragment'\n",
    ],
    ids=["syntax", "name", "reference", "fragment"],
)
def test_errors_of_the_text_load_nothing_heavy(text: str, tmp_path: Path) -> None:
    spec = tmp_path / "faulty.toml"
    spec.write_text(text, encoding="utf-8")
    assert loaded(command("check", str(spec)), *HEAVY) == set()


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Packages that anybody could import here, and nobody may."""
    names = ("tensorflow", "flax", "torch")
    for name in names:
        (tmp_path / "foreign" / name).mkdir(parents=True)
        (tmp_path / "foreign" / name / "__init__.py").touch()
    paths = [str(tmp_path / "foreign"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    monkeypatch.setenv("XLA_FLAGS", " ".join(QUICKLY))
    return names


def test_that_a_foreign_package_is_seen(foreign: tuple[str, ...]) -> None:
    assert loaded("import torch", *foreign) == {"torch"}


# what a run needs to read data, to save and to draw; each takes from a tenth of a second to a whole one
LATER = ("grain", "orbax", "tensorstore", "tensorflow_datasets", "array_record", "fsspec", "rich")


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["check", "plan"])
def test_check_and_plan_load_neither_tensorflow_nor_what_a_run_needs(
    verb: str, foreign: tuple[str, ...]
) -> None:
    assert loaded(command(verb, "specs/siglip_coco.toml:local"), *foreign, *LATER) == set()


@pytest.mark.slow
def test_run_and_eval_never_load_tensorflow(tmp_path: Path, data_dir: Path, foreign: tuple[str, ...]) -> None:
    flags = ("tests/specs/tiny_siglip.toml", "--workdir", str(tmp_path / "run"), "--data-dir", str(data_dir))
    short = ("--set", "run.length='2 steps'")
    code = f"{command('run', *flags, *short)}\n{command('eval', *flags, *short)}"
    assert loaded(code, *foreign) == set()
