"""`bvc show --plot`: every scalar that changes over the run, at its value."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image

from bvc.bind import bind
from bvc.cli.show import plot
from bvc.compile.program import Program, compile_experiment
from bvc.plan.schedules import schedule_charts
from bvc.spec import load

SPEC = str(Path(__file__).parent / "two_towers.toml")


def compiled(**settings: str) -> Program:
    return compile_experiment(
        bind(load(SPEC, "", tuple((k.replace("__", "."), v) for k, v in settings.items())))
    )


def test_each_group_of_parameters_has_its_rate() -> None:
    program = compiled(
        optimizer__lr="0.5",
        optimizer__weight_decay="0.25",
        optimizer__schedule='{ type = "linear", warmup = "25%", cooldown = "10%" }',
        optimizer__rules='[{ match = "image/.*", lr_mult = 0.1 }, { match = "text/.*", freeze = true }]',
    )
    rate, decay = schedule_charts(program)
    assert (rate.title, decay.title) == ("learning rate", "weight decay")
    peaks = {series.name.partition(":")[0].partition("/")[0]: max(series.y) for series in rate.series}
    assert "text" not in " ".join(peaks)
    factors = np.array([float(program.update.schedules[0](step)) for step in range(program.total)])
    image = next(series for series in rate.series if series.name.startswith("image"))
    np.testing.assert_allclose(image.y, 0.05 * factors, rtol=1e-5)
    assert image.x[-1] == program.total - 1 and image.y[0] == 0
    np.testing.assert_allclose(decay.series[0].y, 0.25 * factors, rtol=1e-5)


def test_a_png_is_written_and_nothing_else_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plot(SPEC, [], str(tmp_path / "s.png")) == 0
    assert Image.open(io.BytesIO((tmp_path / "s.png").read_bytes())).width == 1520
    assert plot(SPEC, [], str(tmp_path / "none" / "s.png")) == 1
    assert "B0553" in capsys.readouterr().out
    with pytest.raises(typer.BadParameter):
        plot(SPEC, [], str(tmp_path / "s.pdf"))
