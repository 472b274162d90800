"""CapPa's classifier: what the texts of classes become, and how likely a captioner finds them."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float, Key

from bvc.component import DataError, PortError
from bvc.diagnostics import Failed
from bvc.library.evaluators.scoring_classifier import ScoringClassifier
from bvc.library.models.cappa import Cappa
from bvc.library.models.vit import Vit
from tests.pipelines import run

PROMPTS = jnp.array([[[1, 2, 0], [3, 4, 5], [6, 0, 0]], [[7, 0, 0], [1, 1, 1], [2, 3, 0]]])
MODEL = Path(__file__).parents[2] / "reference" / "pp" / "sp_unigram.model"


def test_every_example_gets_the_tokens_of_all_classes(tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("star\nlarge ring, hoop\n")
    tokens = f"tokenize(4, model='{MODEL}', pad_value=0, key='prompts', sample_if_multi=false)"
    listed = run({"label": np.int64(0)}, "prompts(['star', 'large ring'], template='a {}')", tokens)
    read = run({"label": np.int64(0)}, f"prompts('{names}', 2, template='a {{}}')", tokens)
    assert listed["prompts"].shape == (2, 4)
    np.testing.assert_array_equal(listed["prompts"], read["prompts"])
    with pytest.raises(DataError, match="2 names of classes, but `count` is 3"):
        run({"label": np.int64(0)}, f"prompts('{names}', 3)")
    with pytest.raises(Failed, match="`count` goes with a file of classes"):
        run({"label": np.int64(0)}, f"prompts('{names}')")


@pytest.mark.slow
def test_scores_are_those_of_each_caption_alone() -> None:
    @jax.jit
    def both(key: Key[Array, ""]) -> tuple[Float[Array, "2 3"], Float[Array, "6 3 9"]]:
        encoder = Vit(size=8, patch=4, width=8, depth=1, heads=2, pool="none", key=key)
        sizes = {"vocab": 9, "length": 3, "width": 8, "depth": 1, "heads": 2, "mlp_dim": 8}
        model = Cappa(encoder=encoder, key=key, **sizes)
        image = jax.random.normal(key, (2, 8, 8, 3))
        return model.score(image, PROMPTS), model.logits(image.repeat(3, axis=0), PROMPTS.reshape(6, 3))

    found, logits = both(jax.random.key(0))
    logs, tokens = np.asarray(jax.nn.log_softmax(logits)), np.asarray(PROMPTS).reshape(6, 3)
    each = np.take_along_axis(logs, tokens[..., None], axis=2)[..., 0]
    np.testing.assert_allclose(found, np.sum(each * (tokens > 0), axis=1).reshape(2, 3), rtol=1e-5)


def test_labels_without_text_and_a_single_text_are_told() -> None:
    evaluator = ScoringClassifier(data=None, pipeline=None)
    with pytest.raises(DataError, match="an image of class 3, but 3 texts"):
        evaluator.update(evaluator.start(), "images", {"score": np.zeros((2, 3)), "label": np.array([0, 3])})
    with pytest.raises(PortError, match="a single class"):
        evaluator.images(jnp.zeros((2, 1)), jnp.zeros(2, int))
