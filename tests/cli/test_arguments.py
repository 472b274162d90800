"""What flags mean beyond their types."""

from __future__ import annotations

import pytest
import typer

from bvc.cli.arguments import profiled


def test_steps_of_a_profile() -> None:
    assert profiled("10:15") == (10, 15)
    assert profiled("3:3") == (3, 3)
    assert profiled(None) is None


@pytest.mark.parametrize("text", ["", "10", "10:", "0:3", "15:10", "-1:3", "1:2:3", "a:b", "²:3"])
def test_what_is_no_range_of_steps(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        profiled(text)
