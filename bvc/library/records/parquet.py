"""Random access to the records of Parquet files as TFDS writes them: one column of bytes.

Row groups are read when one of their records is, so that a split need not fit into memory; TFDS puts 100 records into
one. Training in a random order so reads far more than it uses: `bvc data convert` writes what is made for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pyarrow
import pyarrow.parquet

_GROUPS = 8
"""Row groups that are kept."""


@dataclass(frozen=True)
class ParquetRecords:
    """The records of several files, one after another.

    Raises, when it is read:
        ValueError: a file is damaged, or has another form (pyarrow's errors are of this type, or of OSError).
    """

    paths: Sequence[str]

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> bytes:
        number = int(np.searchsorted(self._ends, index, side="right"))
        path, group = self._groups[number]
        before = int(self._ends[number - 1]) if number else 0
        return _read(path, group)[index - before].as_py()

    @cached_property
    def _groups(self) -> tuple[tuple[str, int], ...]:
        """File, and row group in it."""
        return tuple((path, group) for path in self.paths for group in range(len(_sizes(path))))

    @cached_property
    def _ends(self) -> np.ndarray:
        return np.cumsum([size for path in self.paths for size in _sizes(path)])


@lru_cache(maxsize=1 << 14)
def _sizes(path: str) -> tuple[int, ...]:
    """Records of each row group of a file."""
    with pyarrow.parquet.ParquetFile(path) as file:
        if file.metadata.num_columns != 1:
            raise ValueError(f"{file.metadata.num_columns} columns where TFDS writes one")
        return tuple(file.metadata.row_group(i).num_rows for i in range(file.num_row_groups))


@lru_cache(maxsize=_GROUPS)
def _read(path: str, group: int) -> pyarrow.ChunkedArray:
    with pyarrow.parquet.ParquetFile(path) as file:
        return file.read_row_group(group, use_threads=False).column(0)
