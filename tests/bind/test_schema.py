"""The JSON Schema: valid, fresh, and it admits what bvc admits."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from bvc.diagnostics import pages
from bvc.spec import load, plain

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "specs" / "bvc.schema.json"
SPECS = sorted((ROOT / "specs").glob("*.toml"))
OTHERS = [*sorted((ROOT / "tests/specs").glob("*.toml")), ROOT / "tests/plan/two_towers.toml"]
BASE = pages.FOLDER / pages.BASE


@pytest.fixture(scope="module")
def schema() -> Any:
    """The file beside the specs: the first test says that it is what `bvc schema` prints."""
    return json.loads(FILE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def validator(schema: Any) -> Draft7Validator:
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


def complaints(validator: Draft7Validator, spec: Any) -> list[str]:
    return [
        f"{'.'.join(map(str, error.path))}: {error.message[:300]}" for error in validator.iter_errors(spec)
    ]


def test_the_file_beside_the_specs_is_fresh(golden: Callable[[Path, str], str]) -> None:
    """In a process of its own, where no test has declared components."""
    command = [sys.executable, "-m", "bvc", "schema"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == golden(FILE, done.stdout)


def test_what_repeats_is_a_definition(schema: Any) -> None:
    times = Counter(json.dumps(part) for part in _parts(schema))
    assert max(len(text) for text, count in times.items() if count > 1) < 400
    named = {part["$ref"] for part in _parts(schema) if "$ref" in part}
    assert named == {f"#/definitions/{name}" for name in schema["definitions"]}


def test_editors_read_every_description(schema: Any) -> None:
    """Draft 7 does not look at what stands beside a `$ref`, so nothing does."""
    assert all(len(part) == 1 for part in _parts(schema) if "$ref" in part)
    settings = [
        setting
        for part in _parts(schema)
        if "if" not in part and isinstance(part.get("properties"), dict)
        for setting in part["properties"].values()
        if setting is not True and "const" not in setting
    ]
    assert len(settings) > 400
    assert all(setting["description"] for setting in settings)


def _parts(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for inner in schema.values():
            yield from _parts(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _parts(inner)


@pytest.mark.parametrize("path", [*SPECS, *OTHERS, BASE], ids=lambda path: path.stem)
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
        {"model": {"type": "vit", "random": True}},
        {"model": {"type": "two_towers", "image": {"type": "vti"}}},
        {"model": {"type": "two_towers", "image": {"type": "vit", "widht": 32}}},
        {"model": {"type": "two_towers", "image": {"type": "vit", "width": "32"}}},
        {"model": {"type": "two_towers", "image": {"type": "vit", "feeds": {"image": "batch.image"}}}},
        {
            "model": {
                "type": "one_tower",
                "image": {"type": "one_tower", "image": {"type": "vit", "width": 0}},
            }
        },
        {"frozen": {"teacher": {"type": "vit", "random": "yes"}}},
        {"frozen": {"teacher": {"type": "vit", "widht": 32}}},
        {"frozen": {"teacher": {"type": "two_towers", "image": {"type": "vit", "random": True}}}},
        {"objective": {"type": "sigmoid_xent", "weight": 2.0}},
        {"objective": {"terms": {"a": {"type": "sigmoid_xent", "wieght": 2.0}}}},
        {"objective": {"terms": {"a": {"type": "sigmoid_xent", "weight": {"type": "cosine", "pek": 1.0}}}}},
        {"optimizer": {"type": "adam", "lr": "1e-3"}},
        {"optimizer": {"type": "adam", "rules": [{"freeze": True}]}},
        {"optimizer": {"type": "adam", "schedule": {"type": "cosine", "warmup": 100}}},
        {"optimizer": {"type": "adam", "schedule": {"type": "cosine", "peak": 1.0}}},
        {"optimizer": {"type": "adam", "rules": [{"match": "a", "schedule": {"type": "cosin"}}]}},
        {"optimizer": {"type": "optax.lion", "lr": "1e-3"}},
        {"ema": {"decay": 0.9, "schedule": {"type": "cosine", "warmup": 100}}},
        {"run": {"length": 100}},
        {"run": {"length": "100 seconds"}},
        {"mesh": {"axes": {"data": 1.5}}},
        {"layout": [{"match": ".*", "shard": 1}]},
        {"evals": {"val": {"type": "classification", "every": 100}}},
        {"evals": {"val": {"type": "classification", "data": {"nmae": "coco"}}}},
        {"data": {"train": {"batch": 0}}},
        {"data": {"train": {"pipeline": "decode|resize"}}},
        {"data": {"train": {"source": {"type": "jsonl", "flies": "a"}}}},
        {"data": {"train": {"mix": {"a": {"split": "train", "wieght": 1}}}}},
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
