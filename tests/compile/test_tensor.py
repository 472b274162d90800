"""Heads and hidden units split over a tensor axis change no number."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from bvc.component import Loss, MeshContext
from bvc.library.models.vit import Vit
from bvc.library.objectives.softmax_xent import softmax_xent
from tests.compile.toy import run, shard, training_of

TENSOR = (
    shard("blocks/.*/attention/(query|key|value)/kernel", "tensor", dim=1),
    shard("blocks/.*/attention/(query|key|value)/bias", "tensor", dim=0),
    shard("blocks/.*/attention/out/kernel", "tensor", dim=0),
    shard("blocks/.*/mlp/up/kernel", "tensor", dim=1),
    shard("blocks/.*/mlp/up/bias", "tensor", dim=0),
    shard("blocks/.*/mlp/down/kernel", "tensor", dim=0),
)


def forward(model: Any, batch: Any, keys: Any, mesh: MeshContext) -> Loss:
    outputs = model(batch["image"].reshape(-1, 2, 1, 3).repeat(2, 2), keys=keys)
    return softmax_xent(outputs["logits"], jax.nn.softmax(batch["text"]))


def vit(dropout: float) -> Vit:
    return Vit(
        width=16, depth=2, heads=4, mlp_dim=24, patch=2, size=(2, 2), out_dim=6, dropout=dropout, head_zeroinit=False,
        key=jax.random.key(0),
    )  # fmt: skip


@pytest.mark.slow
def test_agrees_with_one_device() -> None:
    model = vit(0.2)
    (alone, told), (split, also) = (
        run(*training_of(model, axes, layout, loss=forward), 8)
        for axes, layout in (
            ({"data": 1}, ()),
            ({"data": 2, "fsdp": 2, "tensor": 2}, (*TENSOR, shard(".*/kernel", "fsdp"))),
        )
    )
    for name in told[0]:
        np.testing.assert_allclose([t[name] for t in also], [t[name] for t in told], rtol=5e-5, err_msg=name)
    for ours, theirs in zip(jax.tree.leaves(split.params), jax.tree.leaves(alone.params), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=2e-6)
