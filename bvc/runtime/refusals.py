"""What drivers of stores raise that is no `OSError`: no credentials, nobody answers, a request that was refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_CLASSES = (
    ("aiohttp", "ClientError"),
    ("botocore.exceptions", "BotoCoreError"),
    ("gcsfs.retry", "HttpError"),
    ("google.auth.exceptions", "GoogleAuthError"),
)
"""Module and name; only a driver that is loaded can raise one."""


@contextmanager
def as_os_errors() -> Iterator[None]:
    """Inside, and in functions that it decorates, a refusal is an `OSError` with the first line of its text."""
    try:
        yield
    except _known() as error:
        raise OSError(str(error).split("\n", 1)[0]) from error


def _known() -> tuple[type[Exception], ...]:
    loaded = ((sys.modules.get(module), name) for module, name in _CLASSES)
    return tuple(getattr(module, name) for module, name in loaded if module is not None)
