"""`bvc check SPEC...`."""

from __future__ import annotations

from collections.abc import Sequence

from bvc.cli.arguments import settings
from bvc.cli.report import report, say
from bvc.diagnostics import Diagnostic, Sources
from bvc.diagnostics.render import Format


def check(specs: Sequence[str], sets: Sequence[str], form: Format, strict: bool) -> int:
    """Check specs; 0 if all are clean, 1 if not."""
    from bvc.check import check as check_spec
    from bvc.spec import parse_target

    pairs = settings(sets)
    diagnostics: list[Diagnostic] = []
    sources = Sources()
    for spec in specs:
        file, params = parse_target(spec)
        checked = check_spec(file, params, pairs)
        found = list(checked.diagnostics)
        if checked.program is not None:
            from bvc.runtime.evaluator_files import check_evaluator_files

            found += check_evaluator_files(checked.program)
        diagnostics += found
        sources.update(checked.sources)
        if form != "json" and not found:
            say(f"{spec}: ok")
    return report(diagnostics, sources, form, strict=strict)
