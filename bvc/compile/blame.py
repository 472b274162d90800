"""What a user's own component does wrong, told at its node in the spec with its file and line.

An error that bvc's own code raises by itself passes through: it is a bug of bvc.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from bvc.component.declare import shown
from bvc.component.error import ComponentError, DataError
from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import shapes
from bvc.ir import Node


@contextmanager
def blamed(*nodes: Node) -> Iterator[None]:
    """Run code of the components of `nodes`, and of the models inside them.

    Raises:
        Failed: one of them that is not bvc's own raised an error (B0306).
    """
    try:
        yield
    except (Failed, ComponentError, DataError):
        raise
    except Exception as error:
        raise Failed(blame(error, nodes)) from error


def blame(error: Exception, nodes: tuple[Node, ...]) -> Diagnostic:
    """The diagnostic for an error, if a user's component among `nodes` raised it; else the error is raised again."""
    foreign = [inner for node in nodes for inner in within(node) if not _is_ours(inner)]
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        for node in foreign:
            if frame.filename == node.component.file:
                return _told(node, error, f"{shown(frame.filename)}:{frame.lineno}")
    for node in foreign:
        return _told(node, error, node.component.where)
    raise error


def returned(node: Node, right: bool, wanted: str, value: object) -> None:
    """Make sure that a component returned what its kind has to.

    Args:
        node: the component.
        right: whether it did.
        wanted: what it has to return, in words.
        value: what it returned.

    Raises:
        Failed: it did not (B0307).
    """
    if not right:
        found = "an array" if hasattr(value, "shape") else f"`{type(value).__name__}`"
        raise Failed(shapes.bad_result(node.name, wanted, found, node.component.where, node.origin))


def within(node: Node) -> Iterator[Node]:
    """A node and the components that its settings hold."""
    yield node
    for value in node.settings.values():
        if isinstance(value, Node):
            yield from within(value)


def _is_ours(node: Node) -> bool:
    return node.component.target.__module__.startswith("bvc.")


def _told(node: Node, error: Exception, where: str) -> Diagnostic:
    first = str(error).strip().split("\n", 1)[0]
    said = f"{type(error).__name__}: {first}" if first else type(error).__name__
    return shapes.raised(node.name, said, where, node.origin)
