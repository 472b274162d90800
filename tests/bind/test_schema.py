"""The JSON Schema: valid, fresh, and it admits what bvc admits."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from bvc.bind.schema import schema
from bvc.diagnostics import pages
from bvc.spec import load, plain

ROOT = Path(__file__).parent.parent.parent
SPECS = sorted((ROOT / "specs").glob("*.toml"))
BASE = pages.FOLDER / pages.BASE


@pytest.fixture(scope="module")
def validator() -> Draft7Validator:
    found = schema()
    Draft7Validator.check_schema(found)
    return Draft7Validator(found)


def complaints(validator: Draft7Validator, spec: Any) -> list[str]:
    return [
        f"{'.'.join(map(str, error.path))}: {error.message[:300]}" for error in validator.iter_errors(spec)
    ]


def test_the_file_beside_the_specs_is_fresh(golden: Callable[[Path, str], str]) -> None:
    """In a process of its own, where no test has declared components."""
    program = "import json; from bvc.bind.schema import schema; print(json.dumps(schema(), indent=1))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == golden(ROOT / "specs" / "bvc.schema.json", done.stdout)


@pytest.mark.parametrize(
    "path", [*SPECS, BASE, ROOT / "tests/plan/two_towers.toml"], ids=lambda path: path.stem
)
def test_specs_are_admitted_as_written_and_as_resolved(path: Path, validator: Draft7Validator) -> None:
    assert complaints(validator, tomllib.loads(path.read_text(encoding="utf-8"))) == []
    assert complaints(validator, plain(load(str(path)).tree)) == []


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_specs_name_the_schema(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("#:schema ./bvc.schema.json\n")


@pytest.mark.parametrize(
    "edit",
    [
        {"model": {"type": "vti"}},
        {"model": {"type": "vit", "widht": 32}},
        {"model": {"type": "vit", "width": "32"}},
        {"model": {"type": "vit", "width": 0}},
        {"model": {"type": "vit", "pool": "mean"}},
        {"model": {"type": "vit", "dropout": 2.0}},
        {"model": {"type": "two_towers", "image": {"type": "vti"}}},
        {"optimizer": {"type": "adam", "lr": "1e-3"}},
        {"optimizer": {"type": "adam", "rules": [{"freeze": True}]}},
        {"optimizer": {"type": "adam", "schedule": {"type": "cosine", "warmup": 100}}},
        {"run": {"length": 100}},
        {"run": {"length": "100 seconds"}},
        {"mesh": {"axes": {"data": 1.5}}},
        {"layout": [{"match": ".*", "shard": 1}]},
        {"evals": {"val": {"type": "classification", "every": 100}}},
        {"data": {"train": {"batch": 0}}},
        {"data": {"train": {"pipeline": "decode|resize"}}},
        {"modle": {}},
    ],
    ids=str,
)
def test_mistakes_are_underlined(edit: dict[str, Any], validator: Draft7Validator) -> None:
    assert complaints(validator, edit)


def test_references_may_stand_for_any_value(validator: Draft7Validator) -> None:
    spec = {
        "model": {"type": "${kind}", "width": "${width}"},
        "run": {"length": "${n} steps"},
        "use": "other.toml",
    }
    assert complaints(validator, spec) == []
    assert complaints(validator, {"model": {"type": "vit", "width": "${width}", "patch": ["${p}", 8]}}) == []
