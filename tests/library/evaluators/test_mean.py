import pytest

from bvc.library.evaluators.mean import Mean
from tests.parity.evaluators import Recorded, run

RECORDED = Recorded("mask_padding")


@pytest.mark.parametrize(("metric", "value"), [("m1", lambda a, b: a), ("m2", lambda a, b: b**2 + 1 / b)])
def test_padding_that_gives_infinities_does_not_leak(metric, value):
    rows = [{"a": a, "b": b} for a, b in zip(RECORDED.input("a"), RECORDED.input("b"), strict=True)]
    found = run(
        Mean(data=None, pipeline=None, view="any", metric=metric),
        {"examples": rows},
        {"examples": lambda batch: {"value": value(batch["a"], batch["b"])}},
    )
    assert found == {metric: pytest.approx(float(RECORDED.outputs("mean_evaluator")[metric]), rel=1e-5)}
