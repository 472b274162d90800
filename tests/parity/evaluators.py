"""big_vision's evaluators, recorded on data in memory, beside bvc's on the same data."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from bvc.runtime.evaluate import MeasuredStream, evaluate
from bvc.runtime.padding import expanded, padded

FOLDER = Path(__file__).parent.parent / "reference" / "evaluators"


class Recorded:
    """A file of `tests/reference/evaluators`."""

    def __init__(self, name: str) -> None:
        with np.load(FOLDER / f"{name}.npz") as arrays:
            self.arrays = {key: arrays[key] for key in arrays.files}
        self.meta = json.loads(str(self.arrays.pop("meta")))
        self.cases: dict[str, Any] = self.meta["cases"]

    def input(self, name: str) -> np.ndarray:
        return self.arrays[f"inputs/{name}"]

    def outputs(self, case: str) -> dict[str, np.ndarray]:
        return {key: self.arrays[f"outputs/{name}"] for key, name in self.cases[case]["outputs"].items()}


def run(
    evaluator: Any,
    examples: Mapping[str, Iterable[Mapping[str, Any]]],
    arrays: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]],
    batch: int = 8,
) -> dict[str, float]:
    """Run an evaluator; `arrays` makes the ports of each stream's measure from a batch."""
    streams = []
    for name, stream in evaluator.streams().items():
        rows = list(examples[name])
        if stream.expand:
            rows = list(expanded(rows, stream.expand))

        def measure(params: Any, batch: Any, name: str = name) -> Any:
            return getattr(evaluator, name)(**arrays[name](batch))

        streams.append(
            MeasuredStream(
                name,
                lambda rows=rows: padded(rows, batch),
                lambda host: {key: value for key, value in host.items() if value.dtype.kind in "biuf"},
                jax.jit(measure),
            )
        )
    return evaluate("test", evaluator, streams, {})


def close(
    found: Mapping[str, float], expected: Mapping[str, np.ndarray], *, atol: float, rtol: float
) -> None:
    assert list(found) == list(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=atol, rtol=rtol, err_msg=name)
