"""A checkpoint that TensorFlow wrote is read; what is damaged is an error."""

from __future__ import annotations

import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bvc.component import DataError
from bvc.component.names import parameters
from bvc.library.checkpoints.archive import entries, read
from bvc.library.checkpoints.leveldb_table import read_table
from bvc.library.checkpoints.load import load_parameters
from bvc.library.models.bert import Bert
from bvc.library.records.crc32c import masked_crc32c
from tests.modules import abstract

WRITTEN = Path(__file__).parents[2] / "reference/checkpoints/bert_model.ckpt"
DATA = "bert_model.ckpt.data-00000-of-00001"


def bert(length: int = 6) -> Bert:
    return abstract(Bert, width=8, depth=2, heads=2, mlp_dim=12, vocab=11, length=length)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for file in WRITTEN.parent.glob("bert_model.ckpt.*"):
        shutil.copy(file, tmp_path)
    return tmp_path / "bert_model.ckpt"


def test_what_tensorflow_wrote() -> None:
    found = read(str(WRITTEN))
    assert {name: (each.shape, each.dtype) for name, each in entries(f"{WRITTEN}.index").items()} == {
        name: (leaf.shape, leaf.dtype.name) for name, leaf in found.items()
    }
    assert found["bert/encoder/layer_1/intermediate/dense/kernel"].shape == (8, 12)
    assert len(found) == 46
    for name, leaf in found.items():
        numbers = (np.arange(leaf.size) + zlib.crc32(name.encode()) % 1000) / 1024
        np.testing.assert_array_equal(leaf.ravel(), numbers)
    assert set(read(f"{WRITTEN}:bert/pooler")) == {"dense/kernel", "dense/bias"}


def test_the_first_release_of_bert() -> None:
    theirs = read(str(WRITTEN))
    values, report = load_parameters(bert(length=4), str(WRITTEN))
    assert list(values) == [found.name for found in parameters(bert(length=4))]
    np.testing.assert_array_equal(
        values["positions/embedding"], theirs["bert/embeddings/position_embeddings"][:4]
    )
    for own, name in {
        "tokens/embedding": "embeddings/word_embeddings",
        "blocks/01/attention/query/kernel": "encoder/layer_1/attention/self/query/kernel",
        "blocks/01/attention/out/kernel": "encoder/layer_1/attention/output/dense/kernel",
        "blocks/00/mlp_norm/scale": "encoder/layer_0/output/LayerNorm/gamma",
    }.items():
        np.testing.assert_array_equal(values[own], theirs[f"bert/{name}"].reshape(values[own].shape))
    assert all(name.startswith(("cls.", "pooler.")) for name in report.left_over)
    assert len(report.left_over) == 9


@pytest.mark.parametrize(
    ("at", "put", "reason"),
    [
        (0, b"\x01", "a block of it does not fit its checksum"),
        (-1, b"\x00", "it does not end as a table of LevelDB does"),
        (-48, b"\xff" * 30, "a number in it does not end"),
    ],
)
def test_a_damaged_index(at: int, put: bytes, reason: str, copy: Path) -> None:
    index = copy.with_name(f"{copy.name}.index")
    content = bytearray(index.read_bytes())
    start = at % len(content)
    content[start : start + len(put)] = put
    index.write_bytes(content)
    for look in (read, entries):
        with pytest.raises(DataError, match=reason):
            look(str(copy))


def test_damaged_data(copy: Path) -> None:
    data = copy.with_name(DATA)
    content = data.read_bytes()
    data.write_bytes(content[:-1])
    with pytest.raises(DataError, match="do not fit into 5683 bytes"):
        read(str(copy))
    data.write_bytes(content[:-1] + b"\x00")
    with pytest.raises(DataError, match="does not fit its checksum"):
        read(str(copy))
    data.unlink()
    with pytest.raises(DataError, match="No such file"):
        read(str(copy))


def varint(number: int) -> bytes:
    groups = [number >> shift & 127 for shift in range(0, max(number.bit_length(), 1), 7)]
    return bytes(group | 128 for group in groups[:-1]) + bytes(groups[-1:])


def block(entries: dict[bytes, bytes], kind: int = 0) -> bytes:
    """Entries that share nothing, with what follows a block in a file."""
    content = b"".join(
        b"\x00" + varint(len(key)) + varint(len(value)) + key + value for key, value in entries.items()
    )
    content += struct.pack("<II", 0, 1) + bytes([kind])
    return content + masked_crc32c(content).to_bytes(4, "little")


def table(entries: dict[bytes, bytes], kind: int = 0) -> bytes:
    """A table with one block."""
    first = block(entries, kind)
    second = block({b"~": varint(0) + varint(len(first) - 5)})
    handles = varint(0) + varint(0) + varint(len(first)) + varint(len(second) - 5)
    return first + second + handles.ljust(40, b"\x00") + bytes.fromhex("57fb808b247547db")


def test_a_table() -> None:
    stored = {b"": b"\x08\x01", b"a/b": b"x" * 300}
    assert read_table(table(stored)) == stored
    with pytest.raises(ValueError, match="compressed \\(Snappy\\)"):
        read_table(table(stored, kind=1))
    with pytest.raises(ValueError, match="out of order"):
        read_table(table({b"b": b"", b"a": b""}))


HEADER = b"\x08\x01"


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        ({b"a": HEADER}, "it has no header"),
        ({b"": b"\x08\x01\x10\x01"}, "big-endian"),
        ({b"": HEADER, b"a": b"\x08\x07"}, "`a` holds no numbers"),
        ({b"": HEADER, b"a": b"\x08\x01\x28\x05"}, "`a` has 5 bytes, but 4 are announced"),
        ({b"": HEADER, b"a": b"\x08\x01\x18\x03\x28\x04"}, "`a` lies in file 3 of 1"),
        ({b"": HEADER, b"a": b"\x08\x01\x28\x04\x3a\x00"}, "`a` is stored in slices"),
        ({b"": HEADER, b"a": b"\x08\x01\x12\x02\x18\x01"}, "`a` has no valid shape"),
        ({b"": HEADER, b"a": b"\x08\x01\x12\x7f"}, "an entry of it is cut off"),
        ({b"": HEADER, b"a": b"\x0b"}, "a field of kind 3"),
        (
            {b"": HEADER, b"a": b"\x08\x01\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x28\x04"},
            "`a` is cut off",
        ),
        ({b"": HEADER, b"\xff": b""}, "can't decode"),
    ],
)
def test_an_index_that_lies(stored: dict[bytes, bytes], reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.ckpt.index").write_bytes(table(stored))
    (tmp_path / "a.ckpt.data-00000-of-00001").write_bytes(b"1234")
    with pytest.raises(DataError, match=reason):
        read(f"{tmp_path}/a.ckpt")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.binary(max_size=40))
def test_any_entry_is_an_array_or_an_error(value: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.ckpt.index").write_bytes(table({b"": HEADER, b"a": value}))
    (tmp_path / "a.ckpt.data-00000-of-00001").write_bytes(bytes(100))
    try:
        read(f"{tmp_path}/a.ckpt")
    except DataError as error:
        assert str(tmp_path) in str(error)
