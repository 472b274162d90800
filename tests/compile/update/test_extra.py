"""A transform may ask for the loss and for progress: optax's own, and one of a user."""

from __future__ import annotations

import textwrap
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import optax

from bvc.compile.update.extra import OFFERED, asked, unmet
from bvc.compile.update.optimizer import Update, make_update
from bvc.compile.update.rules import Treatment
from tests.compile.parts import OBJECTIVE, SPEC, checked

LEARNED = '''
import jax
import jax.numpy as jnp
import optax

from bvc.component import component


@component("optimizer")
def learned(*, bend: float = 1.0) -> optax.GradientTransformationExtraArgs:
    """Moves by the gradient, by how far the run is, and by the loss.

    Settings:
        bend: how much the loss counts
    """

    def init(params):
        return {"seen": jnp.zeros(())}

    def update(updates, state, params=None, *, loss, progress):
        factor = (1 - progress) * (1 + bend * loss)
        return jax.tree.map(lambda u: factor * u, updates), {"seen": state["seen"] + loss}

    return optax.GradientTransformationExtraArgs(init, update)
'''


def test_a_learned_optimizer_of_a_user_sees_loss_and_progress(own_components: Path) -> None:
    (own_components / "my_lab.py").write_text(textwrap.dedent(LEARNED))
    spec = 'import = ["my_lab"]\n' + SPEC.replace(
        'type = "sgd"\nlr = 0.1', 'type = "learned"\nbend = 2.0\nlr = 0.5'
    )
    found = checked(own_components, OBJECTIVE, spec=spec)  # traces the step, which hands the loss over
    assert found.program is not None, found.diagnostics
    assert (found.program.update.asked, found.program.update.total) == (("loss", "progress"), 4)
    assert found.experiment is not None
    params = {"kernel": jnp.ones(2)}
    update = make_update(found.experiment.optimizer, params, found.program.steps, 4)
    updated = update([jnp.ones(2)], update.init(params), params, jnp.int32(1), jnp.float32(3.0))
    np.testing.assert_allclose(updated.params["kernel"], 1 - 0.5 * (1 - 1 / 4) * (1 + 2 * 3), rtol=1e-6)
    assert float(updated.state["single"]["seen"]) == 3.0


def test_what_a_transform_is_handed() -> None:
    plateau = optax.contrib.reduce_on_plateau()
    assert asked(optax.scale_by_adam()) == ()
    assert asked(plateau) == OFFERED and unmet(plateau) == []
    assert asked(optax.chain(optax.scale_by_adam(), plateau)) == OFFERED
    assert unmet(optax.scale_by_backtracking_linesearch(5)) == ["grad", "value_fn"]


def test_a_plateau_of_the_loss_lowers_the_steps() -> None:
    params = {"kernel": jnp.ones(2)}
    treatment = Treatment("kernel", None, (True,), (1.0,), (0.0,), (0,))
    transform = optax.contrib.reduce_on_plateau(patience=1, factor=0.5)
    update = Update(transform, [treatment], [lambda step: jnp.ones(())], lr=1.0)
    state, sizes = update.init(params), []
    for step in range(5):
        moved = update([jnp.ones(2)], state, params, jnp.int32(step), jnp.float32(1.0))
        sizes.append(float(moved.metrics["l2_updates"]))
        state = moved.state
    assert sizes[-1] < sizes[0]
