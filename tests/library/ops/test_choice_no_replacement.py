"""Values drawn one after another over the epochs, as big_vision's recorded visits are."""

from __future__ import annotations

from tests.pipelines import run


def visits(index: int, epochs: int) -> list[tuple[str, str]]:
    example = {"x": ["a", "b", "c", "d"], "y": ["A", "B", "C", "D"]}
    made = [
        run(example, "choice_no_replacement(key=['x', 'y'])", epoch=epoch, index=index)
        for epoch in range(epochs)
    ]
    return [(each["x"], each["y"]) for each in made]


def test_every_block_of_visits_is_a_permutation() -> None:
    drawn = visits(0, 24)
    blocks = [tuple(x for x, _ in drawn[at : at + 4]) for at in range(0, 24, 4)]
    assert all(sorted(block) == ["a", "b", "c", "d"] for block in blocks)
    assert len(set(blocks)) > 1
    assert all(y == x.upper() for x, y in drawn)
    assert visits(1, 24) != drawn
