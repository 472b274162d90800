"""From signatures and docstrings to components: settings, ports, views, types in words, and the page."""

from __future__ import annotations

import doctest
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import numpy as np
import pytest
from jaxtyping import Array, Float, Int, Num, Shaped, UInt8

from bvc.component import (
    Count,
    Data,
    Encoded,
    Model,
    Pipeline,
    Scheduled,
    Steps,
    Text,
    Texts,
    View,
    component,
    docstring,
    view,
)
from bvc.component import declare as module
from bvc.component import describe as describing
from bvc.component.annotation import Bytes, Fraction, InputFile
from bvc.component.declare import REQUIRED, Component, declared, declared_names, fields_of, method_of
from bvc.component.describe import describe
from bvc.component.page import page
from bvc.component.port import port_of


class Outputs(TypedDict, total=False):
    logits: Float[Array, "b c"]
    pooled: Float[Array, "b d"] | None


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "_DECLARED", {})
    yield


def only(kind: Any) -> Component:
    (name,) = declared_names(kind)
    found = declared(kind, name)
    assert found is not None
    return found


def test_an_op_made_of_a_function() -> None:
    @component("op", writes="labels")
    def crop(
        image: UInt8[np.ndarray, "h w c"],
        size: int,
        *,
        from_: str = "center",
        rng: np.random.Generator,
        keep: Literal["a", "b"] = "a",
    ) -> UInt8[np.ndarray, "{size} {size} c"]:
        """Cut a square out.

        The rest is lost.

        Settings:
            size: side in pixels,
                of the square
            from: where it begins

        Ports:
            image: whole
        """
        return image[:size, :size]

    found = only("op")
    assert found.name == "crop" and not found.is_class and found.writes == "labels"
    assert found.summary == "Cut a square out."
    assert list(found.settings) == ["size", "from", "keep"]
    assert (
        found.settings["size"].default is REQUIRED
        and found.settings["size"].doc == "side in pixels, of the square"
    )
    assert found.settings["size"].positional and not found.settings["keep"].positional
    assert found.settings["from"].default == "center" and found.settings["from"].doc == "where it begins"
    assert found.call.given == {"rng"}
    assert str(found.call.ports["image"]) == "image: UInt8[h w c]"
    assert found.call.outputs[""].shapes == (("{size}", "{size}", "c"),)
    assert found.where.startswith("tests/component/test_declare.py:")


def test_a_model_made_of_a_class() -> None:
    @component("model", name="tower")
    class Tower:
        """A tower."""

        def __init__(self, *, width: Count, child: Model, key: Any) -> None: ...

        def __call__(self, image: Float[Array, "b h w 3"], *, keys: Any = None) -> Outputs:
            return {}

        @view
        def embed(self, image: Float[Array, "b h w 3"], scale: float = 1.0) -> Float[Array, "b d"]:
            """What a text is compared with."""
            raise NotImplementedError

        def helper(self) -> None: ...

    found = only("model")
    assert found.name == "tower" and found.is_class
    assert list(found.settings) == ["width", "child"]
    assert list(found.call.ports) == ["image"] and found.call.given == {"keys"}
    assert list(found.call.outputs) == ["logits", "pooled"] and found.call.outputs["pooled"].optional
    assert list(found.views) == ["embed"] and list(found.views["embed"].settings) == ["scale"]
    assert method_of(found, "helper") is not None and method_of(found, "nothing") is None
    shown = page(found)
    assert "| `width` | int of at least 1 | required |" in shown
    assert "- `embed`: (image: Float[b h w 3]) -> Float[b d]" in shown


AT_A_PROMPT = """
from typing import Any
from bvc.component import component
from bvc.component.declare import declared
from bvc.component.page import page

@component("op", name="twice")
class Twice:
    def __call__(self, image: Any) -> Any:
        return image

@component("op", name="thrice")
def thrice(image: Any) -> Any:
    return image

for name in ("twice", "thrice"):
    found = declared("op", name)
    assert found is not None
    print(repr(found.where), "Declared in" in page(found))
"""


def test_a_component_without_a_file() -> None:
    done = subprocess.run([sys.executable, "-c", AT_A_PROMPT], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["'' False"] * 2


def test_a_class_without_settings_takes_none() -> None:
    @component("op")
    class plain:
        """Nothing to set."""

        def __call__(self, image: Num[np.ndarray, "..."]) -> Num[np.ndarray, "..."]:
            return image

    assert only("op").settings == {}


def test_what_a_schedule_is_given_is_no_setting() -> None:
    @component("schedule")
    def flat(step: Float[Array, ""], *, warmup: int, total: int, height: float = 1.0) -> Float[Array, ""]:
        """Flat."""
        raise NotImplementedError

    assert list(only("schedule").settings) == ["height"]


def test_all_further_positional_arguments() -> None:
    @component("op")
    def keep(example: Any, *names: str) -> Any:
        """Keep some."""

    setting = only("op").settings["names"]
    assert setting.starred and setting.default == () and setting.annotation == tuple[str, ...]


def test_fields_of_a_dataclass() -> None:
    @dataclass(frozen=True)
    class Noise:
        """Noise.

        Settings:
            from: least
            to: most
        """

        from_: float
        to: float = 1.0

    found = fields_of(Noise)
    assert list(found) == ["from", "to"]
    assert found["from"].default is REQUIRED and found["from"].doc == "least" and found["to"].default == 1.0


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (int, "int"),
        (str, "string"),
        (int | None, "int"),
        (int | tuple[int, int], "int or [int, int]"),
        (Literal["a", 3], '"a" or 3'),
        (tuple[int, ...], "array of ints"),
        (list[tuple[int, int]], "array of [int, int]"),
        (tuple[Steps, ...], "array of durations"),
        (dict[str, list[str]], "table of arrays of strings"),
        (Steps, "duration"),
        (Bytes, "size in bytes"),
        (Count, "int of at least 1"),
        (Fraction, "float from 0 to 1"),
        (Model, "table of a model"),
        (Scheduled, "float or table of a schedule"),
        (InputFile, "path of a file"),
        (Pipeline, "array of op calls"),
        (Data, "table of data"),
        (View, "name of a view"),
        (Any, "value"),
    ],
)  # fmt: skip
def test_types_in_words(annotation: Any, words: str) -> None:
    assert describe(annotation) == words


@pytest.mark.parametrize(
    ("annotation", "dtypes", "shapes", "optional"),
    [
        (UInt8[np.ndarray, "h w 3"], ("uint8",), (("h", "w", 3),), False),
        (Int[np.ndarray, ""] | Int[np.ndarray, "n"], None, ((), ("n",)), False),
        (Float[np.ndarray, "*b d"] | None, None, (("*b", "d"),), True),
        (Shaped[np.ndarray, "..."], (), (("...",),), False),
        (Float[np.ndarray, "b=4 #c"], None, ((4, "c"),), False),
        (Encoded, ("bytes",), ((),), False),
        (Text, ("str",), ((),), False),
        (Texts, ("str",), (("n",),), False),
    ],
)  # fmt: skip
def test_ports(annotation: Any, dtypes: tuple[str, ...] | None, shapes: Any, optional: bool) -> None:
    found = port_of("x", annotation)
    assert found is not None
    assert found.shapes == shapes and found.optional == optional
    assert dtypes is None or found.dtypes == dtypes


def test_no_ports() -> None:
    assert port_of("x", int) is None and port_of("x", Any) is None and port_of("x", str | None) is None


@pytest.mark.parametrize("documented", [describing, docstring])
def test_examples_of_the_docstrings(documented: Any) -> None:
    assert doctest.testmod(documented).failed == 0
