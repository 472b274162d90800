"""Components of one's own, one file each outside the package: listed, explained, in the schema, checked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from bvc.check import Checked, check
from bvc.cli.explain import explain
from bvc.cli.listing import list_components
from bvc.cli.schema import schema
from bvc.component import registry
from bvc.component.annotation import Kind
from bvc.diagnostics import pages, render

FILES: dict[Kind, tuple[str, str]] = {
    "op": (
        "brighten",
        '''
        """An op."""

        import numpy as np
        from jaxtyping import Float32

        from bvc.component import SettingError, component


        @component("op")
        class brighten:
            """Adds light to an image.

            Settings:
                amount: what is added to every value
            """

            def __init__(self, amount: float = 0.1) -> None:
                if amount == 0:
                    raise SettingError("amount", "does nothing at 0", help="leave the op out")
                self.amount = 1 / (amount - 13)

            def __call__(self, image: Float32[np.ndarray, "h w c"]) -> Float32[np.ndarray, "h w c"]:
                return image + self.amount
        ''',
    ),
    "model": (
        "flat",
        '''
        """A model."""

        from typing import TypedDict

        import equinox as eqx
        import jax.numpy as jnp
        from jaxtyping import Array, Float, Key

        from bvc.component import component, gather, view


        class Outputs(TypedDict):
            logits: Float[Array, "b c"]


        @component("model")
        class flat(eqx.Module):
            """A linear classifier of pixels.

            Settings:
                inputs: values of an image
                classes: number of classes
            """

            kernel: Float[Array, "d c"]

            def __init__(self, *, inputs: int, classes: int = 10, key: Key[Array, ""]) -> None:
                self.kernel = jnp.zeros((inputs, classes))

            def __call__(self, image: Float[Array, "b h w 3"]) -> Outputs:
                return {"logits": self.logits(image)}

            @view
            def logits(self, image: Float[Array, "b h w 3"], scale: float = 1.0) -> Float[Array, "b c"]:
                """One number for each class."""
                return image.reshape(len(image), -1) @ gather(self.kernel) * scale
        ''',
    ),
    "objective": (
        "margin",
        '''
        """An objective."""

        import jax.numpy as jnp
        from jaxtyping import Array, Float

        from bvc.component import Loss, component


        @component("objective")
        def margin(logits: Float[Array, "b c"], labels: Float[Array, "b c"], *, width: float = 1.0) -> Loss:
            """Hinge loss against all other classes.

            Settings:
                width: distance that is wanted
            """
            if width > 100:
                raise ValueError("nobody wants so wide a margin")
            right = jnp.sum(logits * labels, axis=1, keepdims=True)
            return Loss.mean(jnp.sum(jnp.maximum(0, width + logits - right) * (1 - labels), axis=1))
        ''',
    ),
    "evaluator": (
        "surest",
        '''
        """An evaluator."""

        from collections.abc import Mapping
        from typing import Any

        import jax.numpy as jnp
        from jaxtyping import Array, Float

        from bvc.component import Data, Pipeline, Stream, View, component


        @component("evaluator")
        class surest:
            """The largest logit of all.

            Settings:
                data: examples
                pipeline: what the view reads
                view: gives `logits`
            """

            def __init__(self, *, data: Data, pipeline: Pipeline, view: View = "logits") -> None:
                self._stream = Stream(data, pipeline, view)

            def streams(self) -> Mapping[str, Stream]:
                return {"examples": self._stream}

            def examples(self, logits: Float[Array, "b c"]) -> dict[str, Float[Array, "b"]]:
                return {"largest": jnp.max(logits, axis=1)}

            def start(self) -> float:
                return float("-inf")

            def update(self, state: float, stream: str, arrays: Mapping[str, Any]) -> float:
                return max(state, float(arrays["largest"].max()))

            def result(self, state: float) -> dict[str, float]:
                return {"largest": state}
        ''',
    ),
}
SPEC = """
import = ["our_op", "our_model", "our_objective", "our_evaluator"]
use = "base.toml"
unset = ["model"]

[data.train]
pipeline = ["decode", "resize(16)", "value_range(-1, 1)", "brighten(0.5)", "onehot(10, key='label', to='labels')"]

[model]
type = "flat"
inputs = 768

[objective]
type = "margin"
width = 2.0

[evals.surest]
type = "surest"
every = "50 steps"
view = { name = "logits", scale = 2.0 }
data = { name = "cifar10", split = "test" }
pipeline = ["decode", "resize(16)", "value_range(-1, 1)", "brighten"]
"""


def dedented(text: str) -> str:
    return "\n".join(line.removeprefix(" " * 8) for line in text.strip("\n").split("\n"))


@pytest.fixture
def ours(own_components: Path) -> Path:
    """A folder with a module for each component."""
    for kind, (_, text) in FILES.items():
        (own_components / f"our_{kind}.py").write_text(dedented(text), encoding="utf-8")
    shutil.copy(pages.FOLDER / pages.BASE, own_components)
    return own_components


def checked(text: str) -> Checked:
    Path("spec.toml").write_text(text, encoding="utf-8")
    return check("spec.toml")


def test_they_are_checked_like_any_other(ours: Path) -> None:
    found = checked(SPEC)
    assert found.diagnostics == []
    assert found.program is not None and found.step is not None


def test_they_are_listed_and_explained(ours: Path, capsys: pytest.CaptureFixture[str]) -> None:
    imports = [f"our_{kind}" for kind in FILES]
    for kind, (name, text) in FILES.items():
        assert list_components(kind, imports) == 0
        summary = dedented(text).split('"""')[3].split("\n")[0]
        assert any(line.split() == [name, *summary.split()] for line in capsys.readouterr().out.splitlines())
        assert explain(name, imports) == 0
        page = capsys.readouterr().out
        assert page.startswith(f"# {name} ({kind})\n\n{summary}")
        assert f"Declared in our_{kind}.py:" in page


def test_they_are_in_the_schema(ours: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert schema([f"our_{kind}" for kind in FILES]) == 0
    validator = Draft7Validator(json.loads(capsys.readouterr().out))
    good = {
        "model": {"type": "flat", "inputs": 3},
        "objective": {"type": "margin"},
        "evals": {"a": {"type": "surest"}},
    }
    assert not list(validator.iter_errors(good))
    assert list(validator.iter_errors({"model": {"type": "flat", "input": 3}}))


@pytest.mark.parametrize(
    ("old", "new", "code", "place", "said"),
    [
        ("inputs = 768", "inputs = 700", "B0306", "[model]", "our_model.py:36"),
        ("width = 2.0", "width = 200.0", "B0306", "[objective]", "our_objective.py:17"),
        ("brighten(0.5)", "brighten(13)", "B0306", "brighten(13)", "our_op.py:20"),
        ("brighten(0.5)", "brighten(0)", "B0301", "0", "does nothing at 0"),
        ("width = 2.0", "widht = 2.0", "B0102", "widht", "did you mean `width`?"),
        ("scale = 2.0", "scael = 2.0", "B0102", "scael", "did you mean `scale`?"),
        ('import = ["our_op", ', 'import = ["our_opp", "our_op", ', "B0108", '"our_opp"', "No module named"),
    ],
)
def test_what_is_wrong_with_them_is_told_at_their_node(
    ours: Path, old: str, new: str, code: str, place: str, said: str
) -> None:
    assert old in SPEC
    found = checked(SPEC.replace(old, new))
    assert [d.code for d in found.diagnostics] == [code]
    (diagnostic,) = found.diagnostics
    assert diagnostic.place is not None and found.sources.slice(diagnostic.place) == place
    assert said in render(found.diagnostics, found.sources)


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("import nowhere_to_be_found\n", "No module named 'nowhere_to_be_found' (our_op.py:1)"),
        ("x = 1 +\n", "invalid syntax (our_op.py:1)"),
        ("\n1 / 0\n", "ZeroDivisionError: division by zero (our_op.py:2)"),
        ("raise SystemError\n", "SystemError:"),
    ],
)
def test_modules_that_fail_are_told_with_their_line(ours: Path, module: str, said: str) -> None:
    (ours / "our_op.py").write_text(module, encoding="utf-8")
    found = checked(SPEC)
    assert [d.code for d in found.diagnostics] == ["B0108"]
    assert said in render(found.diagnostics, found.sources)


def with_entry_point(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package whose entry point names `our_model`."""
    info = folder / "our_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: our-package\nVersion: 1.0\n", encoding="utf-8"
    )
    (info / "entry_points.txt").write_text("[bvc.components]\nmodels = our_model\n", encoding="utf-8")
    registry._load_entry_points.cache_clear()


@pytest.fixture
def forgotten() -> Iterator[None]:
    yield
    registry._load_entry_points.cache_clear()


def test_entry_points_of_installed_packages_are_found(
    ours: Path, monkeypatch: pytest.MonkeyPatch, forgotten: None
) -> None:
    with_entry_point(ours, monkeypatch)
    assert "flat" in registry.names("model")
    found = checked(SPEC.replace('"our_model", ', ""))
    assert found.diagnostics == []


def test_a_broken_package_is_told_where_its_component_is_missed(
    ours: Path, monkeypatch: pytest.MonkeyPatch, forgotten: None
) -> None:
    with_entry_point(ours, monkeypatch)
    (ours / "our_model.py").write_text("import nowhere_to_be_found\n", encoding="utf-8")
    found = checked(SPEC.replace('"our_model", ', ""))
    assert {d.code for d in found.diagnostics} == {"B0103", "B0108"}
    assert checked('use = "base.toml"\n').diagnostics == []
