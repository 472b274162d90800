"""What was recorded of big_vision's log, clock and loop."""

import json
from pathlib import Path
from typing import Any

import numpy as np

with np.load(Path(__file__).parent.parent / "reference" / "evaluators" / "logging_checkpoint.npz") as _arrays:
    RECORDED: dict[str, Any] = json.loads(str(_arrays["meta"]))
