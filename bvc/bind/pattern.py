"""Patterns on the names of parameters."""

from __future__ import annotations

import re

from bvc.bind.found import Found
from bvc.diagnostics import Origin
from bvc.diagnostics.catalog import rules


def valid_pattern(found: Found, pattern: str, origin: Origin) -> bool:
    """Whether a pattern is a regex; if not, that is told."""
    try:
        re.compile(pattern)
    except re.error as error:
        found.add(rules.bad_pattern(pattern, str(error), origin))
        return False
    except (OverflowError, RecursionError) as error:  # `a{99999999999}`, or thousands of brackets
        found.add(rules.bad_pattern(pattern, str(error), origin))
        return False
    return True
