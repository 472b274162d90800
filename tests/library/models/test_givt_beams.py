"""Beam search of GIVT, beside the same search written out with whole sequences instead of a cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bvc.component import SettingError
from bvc.library.models.givt import Givt
from tests.modules import abstract, compiled_in_a_hurry, filled

SMALL = {"width": 8, "depth": 1, "heads": 2, "mlp_dim": 12, "labels": 3, "length": 3, "out_dim": 2}
BEAMS, FAN = 2, 3


@pytest.fixture(autouse=True)
def in_a_hurry() -> Iterator[None]:
    with compiled_in_a_hurry():
        yield


def written_out(model: Any, label: int, key: Any) -> np.ndarray:
    """The search for one label, sequence by sequence."""

    @eqx.filter_jit
    def drawn(model: Any, codes: Any, index: Any, draws: Any) -> Any:
        logits = model.predict(codes, jnp.full(BEAMS, label), None)
        density = model.density_of(jnp.repeat(logits, FAN, axis=0)[:, index][:, None])
        codes = density.sample(draws)
        return codes[:, 0], density.token_log_prob(codes)[:, 0]

    beams = np.zeros((BEAMS, 3, 2), np.float32)
    scores = np.zeros(BEAMS)
    for index in range(3):
        here = jax.random.fold_in(key, index)
        draws = jax.random.split(jax.random.fold_in(here, 0), BEAMS * FAN)
        codes, added = map(np.asarray, drawn(model, beams, index, draws))
        found = []
        for draw in range(BEAMS * FAN) if index else range(0, BEAMS * FAN, FAN):
            sequence = beams[draw // FAN].copy()
            sequence[index] = codes[draw]
            found.append((scores[draw // FAN] + added[draw], sequence))
        found = sorted(found, key=lambda each: -each[0])[:BEAMS] if index else found
        scores, beams = np.stack([each[0] for each in found]), np.stack([each[1] for each in found])
    return beams[0]


@pytest.mark.slow
def test_the_search_written_out() -> None:
    model = filled(abstract(Givt, **SMALL, mixtures=2, density="vector"), scale=0.3)
    keys = jax.random.split(jax.random.key(0), 2)
    labels = jnp.array([2, 0])
    search = eqx.filter_jit(
        lambda model, **how: model.generate(labels, beams=BEAMS, fan=FAN, keys=keys, **how)
    )
    found = search(model)
    for label, key, codes in zip(labels, keys, found, strict=True):
        np.testing.assert_allclose(codes, written_out(model, int(label), key), rtol=1e-3, atol=1e-4)
    by_chance = np.asarray(search(model, beam_temperature=5.0))
    assert by_chance.shape == (2, 3, 2)
    assert np.isfinite(by_chance).all()


def test_what_cannot_be_searched() -> None:
    keys = jax.random.split(jax.random.key(0), 1)
    masked = abstract(Givt, **SMALL, style="masked")
    with pytest.raises(SettingError, match='cannot go with style = "masked"'):
        masked.generate(jnp.zeros(1, jnp.int32), fan=2, keys=keys)
    guided = abstract(Givt, **SMALL, drop_labels=0.1)
    with pytest.raises(SettingError, match="cannot go with guidance"):
        guided.generate(jnp.zeros(1, jnp.int32), beams=2, guidance=0.5, keys=keys)
