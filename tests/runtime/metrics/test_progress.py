import io

from rich.console import Console

from bvc.runtime.metrics.progress import Progress


def shown(terminal: bool) -> str:
    out = io.StringIO()
    times = iter(float(second) for second in range(100))
    console = Console(file=out, force_terminal=terminal, width=120)
    with Progress(console, total=100, batch=32, now=lambda: next(times)) as progress:
        for step in range(1, 5):
            progress.stepped(step, 0.5, 0.25)
        progress.logged()
        progress.evaluated("val", 4, {"prec@1": 0.25, "loss": 1.5}, 75.0)
        if terminal:
            progress._live.refresh()
    return out.getvalue()


LINE = "step 4/100  loss 0.5  1 s/step  32 images/s  data wait 25%  ETA 1m36s"


def test_plain_lines_at_logged_steps():
    assert shown(False) == f"{LINE}\neval val at step 4: prec@1 0.25  loss 1.5  in 1m15s\n"


def test_a_live_line_on_a_terminal():
    assert LINE in shown(True)


def test_a_pause_does_not_count_as_steps():
    times = iter([0.0, 1.0, 1000.0, 1002.0])
    progress = Progress(Console(), total=10, batch=2, now=lambda: next(times))
    progress.stepped(1, None, 0.0)
    progress.stepped(2, None, 0.0)
    progress.paused()
    progress.stepped(3, None, 0.0)
    progress.stepped(4, None, 0.0)
    assert progress.line(4, None) == "step 4/10  2 s/step  1 images/s  data wait 0%  ETA 12s"
