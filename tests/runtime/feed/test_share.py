"""Which rows of a batch a process holds, and their way back into one array."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from bvc.runtime.feed.share import Share, share_of


def test_blocks_need_not_be_neighbours() -> None:
    assert Share((0, 3), 4).rows(8) == (0, 1, 6, 7)
    assert Share((0, 1, 2, 3), 4).rows(8) == tuple(range(8))
    assert Share((0,), 1).rows(3) == (0, 1, 2)


@pytest.mark.parametrize("batch", [("data", "fsdp"), ("fsdp", "data"), ("data",), ()])
def test_a_process_that_is_alone_holds_everything(batch: tuple[str, ...]) -> None:
    sizes = {"data": 4, "fsdp": 2}
    mesh = jax.make_mesh((4, 2), ("data", "fsdp"), axis_types=(AxisType.Auto,) * 2)
    sharding = NamedSharding(mesh, PartitionSpec(batch or None))
    shards = int(np.prod([sizes[axis] for axis in batch]))
    share = share_of(sharding, shards)
    assert share == Share(tuple(range(shards)), shards)
    local = np.arange(48.0).reshape(16, 3)
    placed = share.place(local, sharding)
    assert placed.sharding == sharding
    np.testing.assert_array_equal(placed, local)


class Half:
    """A sharding as the second of two processes sees it, whose devices hold every other block."""

    def addressable_devices_indices_map(self, shape: tuple[int, ...]) -> dict[str, tuple[slice, ...]]:
        return {f"device {n}": (slice(n, n + 1),) for n in range(1, shape[0], 2)}


def test_a_process_holds_what_its_devices_hold() -> None:
    assert share_of(Half(), 4) == Share((1, 3), 4)  # type: ignore[arg-type]
