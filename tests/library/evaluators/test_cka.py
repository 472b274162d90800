import numpy as np
import pytest

from bvc.diagnostics import Failed
from bvc.library.evaluators.cka import Cka
from tests.parity.evaluators import rows_of, run


def measured(x, y, batch=8):
    rows = {"student": rows_of(z=x.astype(np.float32)), "teacher": rows_of(z=y.astype(np.float32))}
    ports = dict.fromkeys(rows, lambda batch: {"pre_logits": batch["z"]})
    return run(Cka(data=None, pipeline=None, teacher="any"), rows, ports, batch)["cka"]


def written_out(x, y):
    """By the Gram matrices of the paper: HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L))."""
    centre = np.eye(len(x)) - 1 / len(x)
    gram_x, gram_y = (centre @ (z @ z.T) @ centre for z in (x, y))
    return np.sum(gram_x * gram_y) / np.sqrt(np.sum(gram_x**2) * np.sum(gram_y**2))


def test_equals_the_gram_form_in_any_batches():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(37, 5)) + 100, random.normal(size=(37, 3))
    y[:, 0] += x[:, 1]
    assert measured(x, y) == pytest.approx(written_out(x, y), rel=1e-4)
    assert measured(x, y, batch=37) == pytest.approx(measured(x, y, batch=5), rel=1e-9)


def test_a_rotation_changes_nothing():
    random = np.random.default_rng(1)
    x = random.normal(size=(20, 4))
    rotation = np.linalg.qr(random.normal(size=(4, 4)))[0]
    assert measured(x, 3 * x @ rotation + 1) == pytest.approx(1, abs=1e-6)


def test_what_does_not_vary_has_no_alignment():
    with pytest.raises(Failed, match="B0534: .*the same for all examples"):
        measured(np.ones((4, 2)), np.eye(4))
