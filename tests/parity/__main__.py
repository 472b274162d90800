"""`python -m tests.parity FILE.npz...`: compare bvc with recorded files, in the repository or not.

Prints `ok|FAIL  name  max error  tolerance` for each comparison; exit status 1 if any fails, 2 for a file that
cannot be compared.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")


def main(files: list[str]) -> int:
    from bvc.component import DataError
    from bvc.diagnostics import Failed
    from tests.parity.reference import UnknownFamily, compare_file

    status = 0
    for file in files:
        try:
            comparisons = compare_file(Path(file))
        except (UnknownFamily, DataError) as reason:
            print(f"FAIL  {file}: {reason}")
            status = 2
            continue
        except Failed as failure:
            reasons = "; ".join(f"{each.message} [{each.code}]" for each in failure.diagnostics)
            print(f"FAIL  {file}: {reasons}")
            status = 2
            continue
        for comparison in comparisons:
            print(f"{comparison}  ({Path(file).name})")
            if not comparison.ok:
                status = max(status, 1)
    return status


if __name__ == "__main__":
    if len(sys.argv) < 2:
        print("usage: python -m tests.parity FILE.npz...")
        sys.exit(2)
    sys.exit(main(sys.argv[1:]))
