"""How far long work is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bvc.cli.report import say
from bvc.runtime.metrics.progress import duration

_SECONDS = 10.0
"""Between two lines where there is no terminal."""


@contextmanager
def shown(what: str, unit: str = "examples") -> Iterator[Callable[[int, int], None]]:
    """A function that is told (done, of), and shows rate and time that is left.

    Args:
        what: the name of the work.
        unit: what is counted.
    """
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(file=sys.stderr)
    live = Live("", console=console, refresh_per_second=4, transient=True)
    begun: tuple[float, int] | None = None
    line_at = time.monotonic() + _SECONDS

    def told(done: int, of: int) -> None:
        nonlocal begun, line_at
        now = time.monotonic()
        if begun is None:
            begun = now, done
            if console.is_terminal:
                live.start()  # not before: what does not tell may show a bar of its own
        text = line(what, unit, done, of, now - begun[0], done - begun[1])
        if console.is_terminal:
            live.update(Text(text, no_wrap=True, overflow="ellipsis"))
        elif now > line_at:
            line_at = now + _SECONDS
            say(text)

    try:
        yield told
    finally:
        live.stop()


def line(what: str, unit: str, done: int, of: int, seconds: float, fresh: int) -> str:
    """What is shown: `fresh` of the `done` took `seconds`, the others were there before.

    >>> line("pets", "examples", 300, 1200, 10.0, 200)
    'pets  300/1200 examples  25%  20/s  ETA 45s'
    """
    words = [what, f"{done}/{of} {unit}", f"{done / of:.0%}" if of else ""]
    if fresh > 0 and seconds > 0:
        rate = fresh / seconds
        words += [f"{rate:.4g}/s", f"ETA {duration((of - done) / rate)}"]
    return "  ".join(word for word in words if word)
