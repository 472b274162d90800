"""A pipeline before and after compilation, and the host's memory."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import PIL.Image
import pytest

from bvc.compile.program import Program
from bvc.component.feature import Feature
from bvc.plan.data import cost
from bvc.plan.data.graph import Graph, graph
from bvc.plan.data.host_memory import AHEAD, feed_memory
from bvc.plan.data.plan import plan_data
from bvc.plan.data.report import data_as_json, render_data
from bvc.plan.drawn import HEIGHT, WIDTH, drawn, photo
from tests.pipelines import bound

RAW = {"image": Feature("bytes"), "label": Feature("int64"), "file_name": Feature("str")}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two passes over the examples are enough to see bytes."""
    monkeypatch.setattr(cost, "_SECONDS", 0.0)


def made(*calls: str, needed: tuple[str, ...] = ("image", "labels")) -> Graph:
    return graph(RAW, bound(*calls), needed)


def test_every_op_is_shown_with_what_became_of_it() -> None:
    found = made(
        "decode",
        "resize_small(64)",
        "central_crop(48)",
        "lower(key='file_name')",
        "value_range(-1, 1)",
        "onehot(10, from='label', to='labels')",
    )
    assert [(row.op, row.fate, row.into) for row in found.ops] == [
        ("decode", "host", ""),
        ("resize_small", "joined", "central_crop"),
        ("central_crop", "host", ""),
        ("lower", "dropped", ""),
        ("value_range", "device", ""),
        ("onehot", "device", ""),
    ]
    assert found.reads == ("image", "label")
    assert found.travels == {"image": "u8[48 48 3]", "labels": "i32"}
    assert found.travels_bytes == (48 * 48 * 3 * 4 + 10 * 4, 48 * 48 * 3 + 4)


def test_bytes_are_those_that_pass_to_the_next_op() -> None:
    found = made("decode", "resize(48)", "onehot(10, from='label', to='labels')")
    pixels = HEIGHT * WIDTH * 3
    compiled = [row.compiled.bytes for row in found.ops if row.compiled is not None]
    assert compiled == [pixels + 8, 48 * 48 * 3 + 8]  # the class waits beside the image
    written = [row.written.bytes for row in found.ops if row.written is not None]
    assert written[0] > compiled[0] and written[-1] - written[-2] == 40
    assert found.raw_bytes[0] > found.raw_bytes[1]
    assert all(taken.seconds > 0 for row in found.ops for taken in (row.written, row.compiled) if taken)


def test_an_op_that_cannot_run_ends_what_is_measured() -> None:
    found = made(
        "decode",
        "resize(8)",
        "tokenize(4, from='file_name', to='text', model='nowhere.model')",
        needed=("image", "text"),
    )
    assert "nowhere.model" in found.stopped
    assert found.ops[2].compiled is None and found.ops[1].compiled is not None
    assert found.travels["text"] == "i32[4]"


def test_drawn_examples_are_photographs_in_size() -> None:
    example = drawn({**RAW, "mask": Feature("uint8", ("h", "w", 1))}, 2)[1]
    assert PIL.Image.open(io.BytesIO(example["image"])).size == (WIDTH, HEIGHT)
    assert 50_000 < len(photo(1)) < 120_000
    assert example["mask"].shape == (HEIGHT, WIDTH, 1)


@pytest.mark.parametrize("workers", [0, 3])
def test_memory_counts_batches_and_workers(workers: int) -> None:
    parts = {
        part.what: part.bytes
        for part in feed_memory(batch=1000, example=10, workers=workers, records=5, shuffle=True)
    }
    assert parts["ready batches"] == (AHEAD + 1) * 1000
    assert parts["shuffling"] == parts["caching"] == 0
    assert parts["index"] == 5 * 16 * (workers + 1)
    assert ("workers" in parts) == bool(workers)


def test_a_program_is_planned_and_printed(program: Callable[[str], Program]) -> None:
    planned = plan_data(program("mesh=one"), lambda part: part, 2)
    assert [stream.name for stream in planned.streams][0] == "data.train"
    text = render_data(planned)
    for word in (
        "decode",
        "device",
        "one core makes",
        "ready batches",
        "shuffling",
        "500x375",
        "data.train: shapes",
    ):
        assert word in text, text
    document = json.loads(data_as_json(planned))
    assert document["total"] == planned.total and document["workers"] == 2
    assert document["streams"][0]["graph"]["ops"][0]["op"] == "decode"
