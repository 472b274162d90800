"""How a run is going: a live line on a terminal, plain lines at logged steps elsewhere."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping

from rich.console import Console
from rich.live import Live
from rich.text import Text

_WINDOW = 50
"""Steps over which step time and data wait are averaged."""
_SHOWN = 4
"""Metrics of an evaluation that are printed; the metrics file has all."""


class Progress:
    """Told of every step that ended; shows step, loss, step time, images/s, data wait and the time that is
    left.
    """

    def __init__(
        self,
        console: Console,
        *,
        total: int,
        batch: int,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._total, self._batch, self._now = total, batch, now
        self._ends: deque[float] = deque(maxlen=_WINDOW + 1)
        self._waits: deque[float] = deque(maxlen=_WINDOW)
        self._line = ""
        self._live = Live("", console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def stepped(self, step: int, loss: float | None, waited: float) -> None:
        """A step ended; `waited` seconds of it were spent waiting for data."""
        self._ends.append(self._now())
        self._waits.append(waited)
        self._line = self.line(step, loss)
        if self._console.is_terminal:
            self._live.update(Text(self._line, no_wrap=True, overflow="ellipsis"))

    def paused(self) -> None:
        """Something else took time: the average begins anew."""
        self._ends.clear()
        self._waits.clear()

    def logged(self) -> None:
        """A row was written."""
        if not self._console.is_terminal:
            self.say(self._line)

    def evaluated(self, name: str, step: int, metrics: Mapping[str, float], seconds: float) -> None:
        """An evaluation ended."""
        shown = "  ".join(f"{metric} {value:.4g}" for metric, value in list(metrics.items())[:_SHOWN])
        more = f"  (+{len(metrics) - _SHOWN})" if len(metrics) > _SHOWN else ""
        self.say(f"eval {name} at step {step}: {shown}{more}  in {duration(seconds)}")

    def doing(self, what: str) -> None:
        """Something that may take long begins; shown on a terminal."""
        if self._console.is_terminal:
            self._live.update(Text(what))

    def say(self, text: str) -> None:
        """Print a line above the live one."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def line(self, step: int, loss: float | None) -> str:
        """The line after a step."""
        words = [f"step {step}/{self._total}"]
        if loss is not None:
            words.append(f"loss {loss:.4g}")
        if len(self._ends) > 1:
            elapsed = self._ends[-1] - self._ends[0]
            seconds = elapsed / (len(self._ends) - 1)
            waiting = sum(list(self._waits)[-(len(self._ends) - 1) :]) / elapsed if elapsed else 0.0
            words.append(f"{seconds:.3g} s/step")
            words.append(f"{self._batch / seconds:.4g} images/s" if seconds else "")
            words.append(f"data wait {min(waiting, 1):.0%}")
            words.append(f"ETA {duration((self._total - step) * seconds)}")
        return "  ".join(word for word in words if word)


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> duration(4.25), duration(75), duration(3 * 3600 + 61), duration(100 * 3600)
    ('4.2s', '1m15s', '3h1m', '4d4h')
    """
    if seconds < 60:
        return f"{seconds:.1f}s" if seconds < 10 else f"{seconds:.0f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h{minutes}m"
    return f"{hours // 24}d{hours % 24}h"
