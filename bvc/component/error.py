"""What a component raises when a setting or a port does not suit it.

The compiler turns these into diagnostics at the place in the spec where the setting was written.
"""

from __future__ import annotations


class ComponentError(Exception):
    """`reason` completes "`NAME` ..."; `help` is the mend, if one is known."""

    def __init__(self, name: str, reason: str, help: str | None = None) -> None:
        super().__init__(f"`{name}` {reason}")
        self.name = name
        self.reason = reason
        self.help = help


class SettingError(ComponentError):
    """A setting has a value that cannot work, alone or together with another one.

    >>> raise SettingError("patch", "does not divide the image's side 250", help="sizes that divide: 240, 256")
    Traceback (most recent call last):
    ...
    bvc.component.error.SettingError: `patch` does not divide the image's side 250
    """


class PortError(ComponentError):
    """An array that arrives at a port has a shape or dtype that the component cannot use."""


class DataError(Exception):
    """Something about data or a file on this machine: `what`, where it was looked for, the mend.

    `place` names the file and record. Raised while data is opened or read (family B05).
    """

    def __init__(self, what: str, looked: str = "", help: str | None = None) -> None:
        super().__init__(f"{what} ({looked})" if looked else what)
        self.what = what
        self.looked = looked
        self.help = help

    def __reduce__(self) -> tuple[type[DataError], tuple[str, str, str | None]]:
        return (DataError, (self.what, self.looked, self.help))
