"""A compiled pipeline: what a worker runs on one example. Imports neither jax nor any op."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence

from bvc.component.error import DataError
from bvc.component.feature import Feature, Features


@dataclass(frozen=True, slots=True)
class Step:
    """One op.

    Attributes:
        name: the op's name, for messages.
        call: the op; None for a step that only moves features: `reads` is then new name -> old name.
        reads: port -> feature.
        writes: output -> feature.
        given: what the op takes besides: `rng`, `rngs`, `epoch`, `example`.
        position: position of the op in the pipeline as written.
    """

    name: str
    call: Callable[..., Any] | None
    reads: Mapping[str, str]
    writes: Mapping[str, str]
    given: frozenset[str]
    position: int


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Steps that run one after another.

    Attributes:
        steps: the ops that run.
        outputs: features that are kept at the end, with their types.
        inputs: features of a raw example that are read; None: all.
    """

    steps: tuple[Step, ...]
    outputs: Features
    inputs: frozenset[str] | None = None

    def apply(self, example: Mapping[str, Any], seed: int, epoch: int, index: int) -> dict[str, Any]:
        """The example after all steps.

        Args:
            example: a raw example: feature -> array, bytes, text or texts.
            seed: seed of the run.
            epoch: pass over the data.
            index: the example's position in the dataset.

        Raises:
            DataError: an op cannot use the example, or a feature is not of its type; says which.
        """
        features = dict(example)
        for step in self.steps:
            try:
                run_step(step, features, seed, epoch, index)
            except DataError as error:
                raise DataError(f"`{step.name}` met {error.what}", error.looked, error.help) from error
        for name, type_ in self.outputs.items():
            _check(name, features[name], type_)
        return {name: features[name] for name in self.outputs}


class _Key(ISeedSequence):
    """Gives Philox its key; given as `key=`, numpy would draw entropy of the system first, to throw it away."""

    def __init__(self, words: np.ndarray) -> None:
        self.words = words

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> np.ndarray:
        """The key."""
        return self.words


def random_of(seed: int, epoch: int, index: int, position: int) -> np.random.Generator:
    """The randomness of one op on one example: a counter-based stream that no other pair shares."""
    key = _Key(np.array([seed & 0xFFFFFFFFFFFFFFFF, position], np.uint64))
    counter = np.array([0, 0, index, epoch], np.uint64)
    bits = np.random.Philox(key, counter)  # pyright: ignore[reportArgumentType] - any ISeedSequence is taken
    return np.random.Generator(bits)


def _random_in(seed: int, index: int, position: int, epoch: int) -> np.random.Generator:
    return random_of(seed, epoch, index, position)


def run_step(step: Step, features: dict[str, Any], seed: int, epoch: int, index: int) -> None:
    """One step, on the features of an example, which it changes.

    Raises:
        DataError: the op cannot use the example.
    """
    if step.call is None:
        moved = {new: features[old] for new, old in step.reads.items()}
        features.clear()
        features.update(moved)
        return
    ports = {port: features[name] for port, name in step.reads.items()}
    if "rng" in step.given:
        ports["rng"] = random_of(seed, epoch, index, step.position)
    if "rngs" in step.given:
        ports["rngs"] = functools.partial(_random_in, seed, index, step.position)
    if "epoch" in step.given:
        ports["epoch"] = epoch
    if "example" in step.given:
        changed = step.call(example=features, **ports)
        features.clear()
        features.update(changed)
        return
    result = step.call(**ports)
    if "" in step.writes:
        features[step.writes[""]] = result
    else:
        features.update({step.writes[name]: result[name] for name in step.writes})


def _check(name: str, value: Any, type_: Feature) -> None:
    """Raise `DataError` if a value has another dtype or size than its type says."""
    if isinstance(value, str | bytes | list):
        if type_.dtype not in ("str", "bytes"):
            raise DataError(f"feature `{name}` that is no array, but {type_}")
        return
    fits = len(value.shape) == len(type_.shape) and all(
        dim == size for dim, size in zip(type_.shape, value.shape, strict=True) if isinstance(dim, int)
    )
    if _dtype_name(value.dtype) != type_.dtype or not fits:
        raise DataError(
            f"feature `{name}` of type {Feature(value.dtype.name, value.shape)}, which should be {type_}"
        )


@functools.lru_cache
def _dtype_name(dtype: np.dtype[Any]) -> str:
    return dtype.name
