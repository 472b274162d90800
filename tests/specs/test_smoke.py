"""Every spec runs for two steps when it is made small, whatever this machine lacks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SPECS = sorted((Path(__file__).parent.parent.parent / "specs").glob("*.toml"))
SMALLER = {path: ":local" for path in SPECS if path.stem.startswith("uvim")}
"""Maps of 512 x 512 pixels in 234 classes take 40 s; `tests/golden` plans these specs at full size."""
QUICKLY = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"


@pytest.mark.slow
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_smoke(path: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "XLA_FLAGS": QUICKLY, "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "bvc", "run", f"{path}{SMALLER.get(path, '')}", "--smoke"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "step 2/2" in done.stderr
