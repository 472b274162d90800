"""`type = "optax.NAME"`: which functions of optax are optimizers here, and the types of their settings."""

import typing
from pathlib import Path

import pytest

from bvc.bind import bind
from bvc.component.declare import REQUIRED
from bvc.component.optax_transforms import Dtype, near, transform, transforms
from bvc.diagnostics import Failed
from bvc.spec import load

SPEC = str(Path(__file__).parent.parent / "specs" / "tiny_siglip.toml")


def told(**settings: str) -> list[tuple[str, str | None]]:
    own = [(f"optimizer.{name}", value) for name, value in settings.items()]
    try:
        bind(load(SPEC, "", (("optimizer", "{ lr = 0.1 }"), *own)))
    except Failed as failed:
        return [(each.code, each.help) for each in failed.diagnostics]
    return []


def test_settings_have_the_types_of_the_signature() -> None:
    found = transform("optax.scale_by_lion")
    assert found is not None
    types = {name: setting.annotation for name, setting in found.settings.items()}
    assert types["b1"] is float and types["mu_dtype"] == Dtype | None
    assert typing.get_args(types["mode"]) == ("hard", "smooth", "refined")
    assert "ecay" in found.settings["b1"].doc or "ate" in found.settings["b1"].doc
    decay = transform("optax.trace")
    assert decay is not None and decay.settings["decay"].default is REQUIRED


def test_whole_optimizers_and_what_no_spec_can_say_are_none() -> None:
    known = transforms()
    assert {
        "optax.scale_by_adam",
        "optax.contrib.scale_by_ademamix",
        "optax.contrib.reduce_on_plateau",
    } <= set(known)
    for name in (
        "optax.adam",
        "optax.masked",
        "optax.chain",
        "optax.scale_by_learning_rate",
        "optax.polyak_sgd",
    ):
        assert name not in known and transform(name) is None
    for name in ("optax.__loader__", "optax.os", "os.system", "optax._src.base.identity", "optax."):
        assert transform(name) is None
    assert near("optax.lion") == ["optax.scale_by_lion"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"type": '"optax.scale_by_lion"', "b1": "0.95", "mu_dtype": '"bfloat16"'}, []),
        ({"type": '"optax.lion"'}, [("B0103", "did you mean `optax.scale_by_lion`?")]),
        ({"type": '"optax.scale_by_loin"'}, [("B0103", "did you mean `optax.scale_by_lion`?")]),
        ({"type": '"optax.scale_by_lion"', "b3": "0.5"}, [("B0102", None)]),
        ({"type": '"optax.scale_by_lion"', "b1": '"high"'}, [("B0110", None)]),
        ({"type": '"optax.scale_by_lion"', "mu_dtype": '"int8"'}, [("B0111", None)]),
        ({"type": '"optax.trace"'}, [("B0101", None)]),
    ],
)
def test_a_spec_names_one(settings: dict[str, str], expected: list[tuple[str, str | None]]) -> None:
    found = told(**settings)
    assert [code for code, _ in found] == [code for code, _ in expected]
    for (_, said), (_, wanted) in zip(found, expected, strict=True):
        assert wanted is None or said is not None and said.startswith(wanted)
