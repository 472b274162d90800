"""What XLA on CPU makes of the layers of a ViT in a compiled step: how large its kernels are, and how many."""

from __future__ import annotations

import re

import jax
import pytest

from bvc.compile.step.step import compile_step
from tests.compile import parts
from tests.compile.toy import grid_of

ADAM = '[optimizer]\ntype = "adam"\nlr = 0.1\nclip_norm = 1.0\nweight_decay = 0.1\n'
DEPTH = 6


@pytest.fixture(scope="module")
def step(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The HLO text of a step."""
    spec = parts.SPEC.replace("depth = 1", f"depth = {DEPTH}").replace(
        '[optimizer]\ntype = "sgd"\nlr = 0.1\n', ADAM
    )
    program = parts.compiled(tmp_path_factory.mktemp("spec"), parts.OBJECTIVE, spec=spec)
    grid = grid_of({"data": 1})
    run = compile_step(program.training(grid, unroll=True), grid.place(jax.devices()[:1]), program.state)
    return run.lower(program.state, program.batch).compile().as_text()


def test_gradients_of_layers_stay_apart(step: str) -> None:
    """One fusion of the gradients of all layers, which XLA can be led to, makes a ViT 1.4 times slower."""
    fusions = re.finditer(r"%(\S+) = (\S+) fusion\((.*?)\), kind=", step)
    # Two kinds have one operand for each layer or parameter: gradients that are stacked, and norms that are summed up.
    operands = [
        len(found[3].split("%")) - 1
        for found in fusions
        if "concatenate" not in found[1] and not found[2].startswith("f32[]")
    ]
    assert max(operands) <= 16


def test_layers_share_their_kernels(step: str) -> None:
    """XLA compiles a fusion once for all places with the same ops; those that read a layer's weights are at risk."""
    bodies = re.findall(r"^%fused_computation\S* (.*?)^}", step, re.DOTALL | re.MULTILINE)
    nameless = [re.sub(r"%?[a-z][\w\-]*[._]\d[\w.]*|, metadata=\{.*?\}", "", body) for body in bodies]
    reading = [body for body in nameless if re.search(r"f32\[1,\S* (dynamic-)?slice\(", body)]
    assert len(reading) > 16 * (DEPTH - 1)
    assert len(reading) >= (DEPTH - 1) * len(set(reading))
