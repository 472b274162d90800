"""Published parameters: the card that describes a file, and the model that it is for."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bvc.bind import bind_parts
from bvc.compile.construct import abstract, models
from bvc.diagnostics import Failed, Sources
from bvc.library.checkpoints.archive import address
from bvc.spec import load, parse_target, stdlib_root

FOLDER = "checkpoint"


@dataclass(frozen=True, slots=True)
class Card:
    """One published file in the standard library.

    Attributes:
        use: what a spec writes after `use =`.
        file: the name of the file, as `init` has it.
        sha256: of the file, where it is known.
    """

    use: str
    file: str
    sha256: str | None


@dataclass(frozen=True)
class Wanted:
    """The model that a file is for.

    Attributes:
        module: without values.
        subtree: the part of the file that holds it; empty for the whole file.
        skip: patterns of what is not taken from the file.
    """

    module: Any
    subtree: str
    skip: tuple[str, ...]


def cards() -> Iterator[Card]:
    """Every card of the standard library."""
    for file in sorted((stdlib_root() / FOLDER).glob("*.toml")):
        read = tomllib.loads(file.read_text(encoding="utf-8"))
        known = read.get("sha256", {})
        for name, table in read.items():
            if isinstance(table, dict) and "init" in table:
                init = address(str(table["init"])).file.as_posix()
                yield Card(f"std:{FOLDER}/{file.name}#{name}", init, known.get(init))


def cards_of(file: Path) -> list[Card]:
    """The cards that describe a file of this name; one alone if the folders that it lies in tell."""
    found = [card for card in cards() if Path(card.file).name == file.name]
    exact = [card for card in found if file.absolute().as_posix().endswith(f"/{card.file}")]
    return exact if len(exact) == 1 else found


def model_for(spec: str, file: Path, sources: Sources) -> Wanted:
    """The model of a spec, or that part of it whose `init` names the file.

    Args:
        spec: `FILE.toml:param=value`, or a table of a file such as a card, `std:checkpoint/siglip.toml#b16_224`.
        file: where the parameters are.
        sources: gets the texts that were read.

    Raises:
        Failed: the spec's model has errors.
    """
    if "#" in spec:
        with tempfile.TemporaryDirectory(prefix="bvc-") as folder:
            around = Path(folder) / "model.toml"
            use = spec if spec.startswith("std:") else str(Path(spec).absolute())
            around.write_text(f'[model]\nuse = "{use}"\n', encoding="utf-8")
            bound = bind_parts(load(str(around), sources=sources))
    else:
        bound = bind_parts(load(*parse_target(spec), sources=sources))
    if bound.model is None:
        raise Failed(bound.diagnostics)
    module: Any = abstract(bound.model, lambda duration: 1)
    for prefix, node in models(bound.model).items():
        if node.init is None or address(node.init).file.name != file.name:
            continue
        for part in prefix.split("/")[:-1]:
            module = getattr(module, part)
        return Wanted(module, address(node.init).subtree, node.init_skip)
    return Wanted(module, "", ())
