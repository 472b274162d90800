"""Recorded single towers for images and rendered text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jaxtyping import Array

from bvc.library.layers import tap
from tests.parity import vit
from tests.parity._model import Outputs, compare, loaded, spec
from tests.parity.reference import Comparison, Reference, compares
from tests.parity.two_towers import image_tower, softmax_loss


@compares("clippo")
def one_tower(reference: Reference) -> Iterator[Comparison]:
    """Outputs, intermediates and gradients of one tower."""
    kwargs = reference.meta["kwargs"]
    tower = image_tower(kwargs, kwargs.get("out_dim", 768), reference.group("inputs")["image"])
    table = {"type": "one_tower", "temperature": kwargs.get("temperature_init", 10.0), "image": tower}
    model = loaded(spec(table), reference.group("params"))

    def forward(model: Any, inputs: Mapping[str, Array]) -> tuple[Array, Outputs]:
        with tap.capture() as captured:
            both = model(inputs["image"], inputs["text"])
        logits = both["image"] @ both["text"].T * both["temperature"]
        return softmax_loss(logits), {
            **captured,
            **vit.grids(model.image, inputs["image"], "img/"),
            **vit.grids(model.image, inputs["text"], "txt/"),
            "zimg": both["image"],
            "ztxt": both["text"],
            "t": both["temperature"][None],
            "t/parameter": model.temperature,
        }

    yield from compare(reference, model, forward)
