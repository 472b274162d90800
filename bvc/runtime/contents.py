"""Names of what a work directory holds that several readers know; of metrics see `bvc/runtime/metrics/rows.py`."""

from __future__ import annotations

SPEC = "spec.toml"
"""The resolved spec."""
PLAN = "plan.json"
"""The plan with all its numbers."""
EVALS = "evals"
"""The folder of what evaluators leave: `NAME/STEP/` below it."""
