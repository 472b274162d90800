import jax.numpy as jnp
import numpy as np
import pytest

from bvc.component.error import DataError
from bvc.diagnostics import Failed
from bvc.runtime.evaluate import MeasuredStream, evaluate
from bvc.runtime.interruption import Stopped


class Sum:
    def start(self):
        return []

    def streams(self):
        return {}

    def update(self, state, stream, arrays):
        return [*state, (stream, arrays["x"].tolist())]

    def result(self, state):
        return {"batches": len(state)}


class Feed(list):
    closed = False

    def skipped(self):
        return []

    def close(self):
        self.closed = True


def stream(name: str, feed: Feed) -> MeasuredStream:
    return MeasuredStream(
        name, lambda: feed, lambda host: host, lambda params, batch: {"x": params / batch["x"]}
    )


def batch(*values: int, mask: tuple[bool, ...]) -> dict[str, np.ndarray]:
    return {"x": np.asarray(values, np.float32), "_mask": np.asarray(mask)}


def test_streams_in_order_without_padding():
    seen = []

    class Noting(Sum):
        def result(self, state):
            seen.extend(state)
            return super().result(state)

    first = Feed([batch(1, 2, mask=(True, True)), batch(4, 0, mask=(True, False))])
    second = Feed([batch(8, 0, mask=(True, False))])
    with np.errstate(divide="ignore"):
        found = evaluate("e", Noting(), [stream("a", first), stream("b", second)], np.float32(8))
    assert seen == [("a", [8.0, 4.0]), ("a", [2.0]), ("b", [1.0])] and found == {"batches": 3.0}
    assert first.closed and second.closed


def test_a_stream_without_examples_is_told():
    with pytest.raises(Failed, match="B0532: `evals.e` has nothing to measure: its data `a`"):
        evaluate("e", Sum(), [stream("a", Feed())], np.float32(1))


def test_what_an_evaluator_cannot_use_is_told():
    class Refusing(Sum):
        def result(self, state):
            raise DataError("no example with a label", "labels.txt")

    feed = Feed([batch(1, mask=(True,))])
    with pytest.raises(Failed, match="B0534: `evals.e` cannot measure: no example with a label"):
        evaluate("e", Refusing(), [stream("a", feed)], np.float32(1))


def test_nan_is_told_and_infinity_is_a_number():
    evaluate("e", Sum(), [stream("a", Feed([batch(1, mask=(True,))]))], np.float32(np.inf))
    feed = Feed([batch(1, 2, 4, mask=(True, True, False))])
    with pytest.raises(
        Failed, match="B0535: `evals.e` measured NaN: `x` of 2 of the 2 examples in a batch of `a`"
    ):
        evaluate("e", Sum(), [stream("a", feed)], np.float32(np.nan))


def test_nan_of_half_precision_is_told_and_nothing_is_no_nan():
    class Empty(Sum):
        def update(self, state, stream, arrays):
            return state

    for values in (jnp.full((1, 2), jnp.nan, jnp.bfloat16), jnp.zeros((1, 0))):
        halves = MeasuredStream(
            "a",
            lambda: Feed([batch(1, mask=(True,))]),
            lambda host: host,
            lambda params, host, values=values: {"x": values},
        )
        if values.size:
            with pytest.raises(Failed, match="B0535"):
                evaluate("e", Empty(), [halves], None)
        else:
            assert evaluate("e", Empty(), [halves], None) == {"batches": 0}


def test_data_that_cannot_be_read_is_told():
    def broken():
        raise DataError("an image that cannot be decoded", "record 3")

    unreadable = MeasuredStream("a", broken, lambda host: host, lambda params, batch: {})
    with pytest.raises(Failed, match="B0505: an image that cannot be decoded"):
        evaluate("e", Sum(), [unreadable], np.float32(1))


def test_an_evaluation_that_is_stopped_closes_its_feed():
    feed = Feed([batch(1, mask=(True,))] * 3)
    checks = iter([None, None])

    def check():
        if next(checks, "stop") == "stop":
            raise Stopped

    with pytest.raises(Stopped):
        evaluate("e", Sum(), [stream("a", feed)], np.float32(1), check)
    assert feed.closed
