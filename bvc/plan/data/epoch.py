"""What an epoch means where it is not simply every example once: mixes, filters, bad examples, unknown sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bvc.compile.program import UNKNOWN, Program
from bvc.component.shares import BLOCK, block_shares
from bvc.component.split import split_size


@dataclass(frozen=True, slots=True)
class SourcePasses:
    """One source of training data.

    Attributes:
        name: in the mix, or of the dataset.
        split: what is read of it.
        examples: in that, as the card says; None where no card does.
        filtered: whether a filter lets only some of them pass.
        share: of the examples of the run.
        epochs: how often the run passes all of them; None where their number is not known. With a filter, at least.
    """

    name: str
    split: str
    examples: int | None
    filtered: bool
    share: float
    epochs: float | None


def passes(program: Program) -> tuple[SourcePasses, ...]:
    """The sources of a run."""
    train = program.experiment.train
    shares = block_shares([source.weight for source in train.sources])
    seen = program.total * train.batch
    found: list[SourcePasses] = []
    for source, share in zip(train.sources, shares, strict=True):
        examples = split_size(source.data.split, source.data.splits)
        found.append(
            SourcePasses(
                source.name or source.data.name,
                source.data.split,
                examples,
                bool(source.data.filter),
                share / BLOCK,
                seen * share / BLOCK / examples if examples else None,
            )
        )
    return tuple(found)


def explain(sources: Sequence[SourcePasses], skip_bad: int) -> list[str]:
    """What to know of the epochs of a run; nothing where an epoch is every example of one split once."""
    lines: list[str] = []
    if len(sources) > 1:
        lines.append("an epoch is as many examples as all sources hold; each passes its own at its own rate:")
        lines += [_line(source) for source in sources]
    elif sources[0].filtered:
        lines.append(
            f"an epoch is what the filter lets pass of {_held(sources[0])}, counted when the run begins"
        )
    if any(source.examples is None for source in sources):
        lines.append(
            f"the data is counted when the run begins; until then an epoch is taken as {UNKNOWN:_} examples"
        )
    if skip_bad:
        lines.append(
            f"up to {skip_bad} bad examples are replaced by others of their source that seed, epoch and number decide"
        )
    return lines


def _line(source: SourcePasses) -> str:
    least = "at least " if source.filtered else ""
    often = "" if source.epochs is None else f", {least}{source.epochs:.4g} epochs of it"
    only = ", filtered" if source.filtered else ""
    return f"  {source.name}: {source.share:.2%} of the examples, from {_held(source)}{only}{often}"


def _held(source: SourcePasses) -> str:
    size = "an unknown number of" if source.examples is None else f"{source.examples:_}"
    return f"{size} examples of `{source.split}`"
