"""The TFRecord fixture, written as Parquet."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow
import pyarrow.parquet

from bvc.library.records.tfrecord import TfRecords

FIXTURE = Path(__file__).parents[2] / "reference" / "tfrecord"


def write(root: Path) -> Path:
    """The folder of the dataset `tiny` below `root`, in row groups of two records."""
    theirs, ours = FIXTURE / "tiny/1.0.0", root / "tiny/1.0.0"
    ours.mkdir(parents=True)
    info = json.loads((theirs / "dataset_info.json").read_text())
    (ours / "dataset_info.json").write_text(json.dumps({**info, "fileFormat": "parquet"}))
    (ours / "features.json").write_bytes((theirs / "features.json").read_bytes())
    for file in theirs.glob("*.tfrecord-*"):
        records = TfRecords([str(file)])
        table = pyarrow.table({"data": [records[i] for i in range(len(records))]})
        pyarrow.parquet.write_table(table, ours / file.name.replace("tfrecord", "parquet"), row_group_size=2)
    return ours
