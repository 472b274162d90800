"""Files that evaluators read, looked at where a spec is checked: what is here is verified, what is not is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from bvc.compile.construct import construct
from bvc.compile.nodes import is_file
from bvc.compile.program import Program
from bvc.component.evaluation import Preparing
from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import missing as catalog
from bvc.ir import DataNode, Node
from bvc.runtime.files import VARIABLE, candidates


def check_evaluator_files(program: Program) -> list[Diagnostic]:
    """Warnings for files of evaluators and of their data that are not on this machine (B0502), errors for those that
    are and cannot be used (B0534).
    """
    found: list[Diagnostic] = []
    for each in program.evals:
        node = each.table.evaluator
        absent = [told for reader in (node, *_sources(node)) for told in _absent(reader)]
        found += absent
        if not absent and isinstance(each.evaluator, Preparing):
            from bvc.runtime.evaluate import prepare  # with it comes all that evaluates

            settings = {**node.settings, **{name: _place(path) for name, path in _files(node)}}
            try:
                prepare(
                    each.table.name,
                    construct(dataclasses.replace(node, settings=settings), program.steps),
                )
            except Failed as failure:
                found += failure.diagnostics
    return found


def _sources(node: Node) -> list[Node]:
    return [value.source for value in node.settings.values() if isinstance(value, DataNode)]


def _absent(node: Node) -> Iterator[Diagnostic]:
    for name, path in _files(node):
        if _place(path) is None:
            tried = [str(candidate) for candidate in candidates(path)]
            told = catalog.file_missing(path, node.origins.get(name, node.origin), tried, VARIABLE)
            yield dataclasses.replace(told, severity="warning")


def _files(node: Node) -> list[tuple[str, str]]:
    return [
        (name, path) for name, path in node.settings.items() if isinstance(path, str) and is_file(node, name)
    ]


def _place(path: str) -> str | None:
    return next((str(candidate) for candidate in candidates(path) if candidate.exists()), None)
