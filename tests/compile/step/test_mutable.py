"""Mutable state: a codebook learns from the whole batch on every mesh and in parts; the optimizer leaves it alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float, Int

from bvc.component import Loss, component
from bvc.runtime.checkpoints.leaves import named
from tests.compile.parts import MESHES, agree, compiled, run

CODES = """
[data.train]
name = "shapes"
split = "train"
batch = 16
pipeline = ["decode", "resize(8)", "value_range(-1, 1)", "reshape([4, 48], to='x/pixels')", "keep('x/pixels')"]

[model]
type = "vqvae"
size = 8
patch = 4
inputs = { pixels = [48] }
outputs = { pixels = [48] }
code_len = 4
width = 16
heads = 2
enc_depth = 1
dec_depth = 1
dict_size = 6
codeword_dim = 8
bottleneck_resize = true
head_zeroinit = false

[objective]
type = "near_by_name"

[optimizer]
type = "sgd"
lr = 0.01
weight_decay = 0.1

[run]
length = "4 steps"
"""


@component("objective", name="near_by_name")
def near(
    logits: Mapping[str, Float[Array, "b t d"]],
    x: Mapping[str, Float[Array, "b t d"]],
    codes: Int[Array, "b n"] | None = None,
) -> Loss:
    """Mean square distance of arrays with names.

    Ports:
        logits: what the model makes
        x: what it should make
        codes: what an oracle says of it, for nothing
    """
    return Loss.mean(sum((jnp.square(logits[name] - x[name]) for name in x), start=jnp.zeros(())))


def test_the_codebook_is_saved_but_not_optimized(tmp_path: Path) -> None:
    found = compiled(tmp_path, spec=CODES)
    names = named(found.state)
    assert "params/codebook/dictionary" in names
    assert not any("codebook" in name for name in names if name.startswith("optimizer"))
    assert sum(found.update.advancing) == 2
    assert list(found.batch) == ["x/pixels"]


def test_a_frozen_oracle_reads_arrays_by_name_and_gives_its_codes(tmp_path: Path) -> None:
    model = CODES[CODES.index("[model]") : CODES.index("[objective]")]
    oracle = model.replace("[model]", "[frozen.oracle]")
    feeds = '[objective]\nfeeds = { codes = "frozen.oracle.code" }\ntype = "near_by_name"'
    found = compiled(tmp_path, oracle, spec=CODES.replace('[objective]\ntype = "near_by_name"', feeds))
    (frozen,) = found.frozen
    assert frozen.read == ("code",)
    assert frozen.outputs["code"].shape == (16, 4)
    assert sum(found.update.advancing) == 2


@pytest.mark.slow
def test_the_same_codebook_on_every_mesh_and_in_parts(tmp_path: Path) -> None:
    found = compiled(tmp_path, spec=CODES)
    whole, alone = run(found, *MESHES[0])
    split, told = run(found, *MESHES[1], parts=2)
    agree(told, alone)
    for ours, theirs in zip(
        jax.tree.leaves(split.params.codebook), jax.tree.leaves(whole.params.codebook), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    # 16 examples of 4 codes were counted in each of 2 steps, and the counts before are discounted
    assert float(np.sum(whole.params.codebook.counts)) > 64


def test_a_rule_keeps_it(tmp_path: Path) -> None:
    rules = 'weight_decay = 0.1\nrules = [{ match = "codebook/.*", freeze = true }]'
    kept = compiled(tmp_path, spec=CODES.replace("weight_decay = 0.1", rules))
    assert not any(kept.update.advancing)
