"""Files that are no checkpoints give a clear error, and nothing in them is executed."""

from __future__ import annotations

import io
import pickle
import warnings
import zipfile
from pathlib import Path

import msgpack
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bvc.component import DataError
from bvc.library.checkpoints.archive import address, entries, read
from tests.library.checkpoints.test_flax_msgpack import packed

EXECUTED: list[str] = []


class Trap:
    """Tells when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return EXECUTED.append, ("executed",)


def test_addresses() -> None:
    assert address("dir/a.npz").file == Path("dir/a.npz")
    assert address("dir/a.b-lr_0.1.npz:img/Transformer") == address("dir/a.b-lr_0.1.npz:/img/Transformer/")
    assert address("a.safetensors:x").subtree == "x"
    for folder in (
        "w/checkpoint.bv",
        "w/checkpoint.bv-LAST",
        "w/checkpoint.bv-000000100-tmp",
        "bert/bert_model.ckpt",
    ):
        assert address(f"{folder}/:img").file == address(folder).file == Path(folder)
    for wrong in ("dir/model", "a.npz:", "a.npz:a b", "a.pt", "checkpoint.bv-new", ""):
        with pytest.raises(DataError, match="no checkpoint that can be read"):
            address(wrong)


def test_roots_and_subtrees(tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.savez(file, **{"params/img/x": np.asfortranarray(x), "params/t": x[0], "opt/x": x})
    assert set(read(str(file))) == {"img/x", "t"}
    np.testing.assert_array_equal(read(f"{file}:img")["x"], x)
    np.testing.assert_array_equal(read(f"{file}:t")["t"], x[0])
    np.savez(file, **{"opt/target/x": x, "opt/state/x": x})
    assert set(read(str(file))) == {"x"}
    with pytest.raises(DataError, match="nothing in the checkpoint lies below `img`"):
        read(f"{file}:img")
    with pytest.raises(DataError, match="is missing"):
        read(str(tmp_path / "b.npz"))


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "objects.npz", x=np.array([Trap()], dtype=object))
    with zipfile.ZipFile(tmp_path / "raw.npz", "w") as archive:
        archive.writestr("x.npy", pickle.dumps(Trap()))
    (tmp_path / "bare.npz").write_bytes(pickle.dumps(Trap()))
    for name in ("objects", "raw", "bare"):
        with pytest.raises(DataError, match="cannot be read"):
            read(str(tmp_path / f"{name}.npz"))
    assert not EXECUTED


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
        b"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }",
        b"{'descr': '|S8', 'fortran_order': False, 'shape': (1,), }",
        b"__import__('os').abort()",
        b"{" * 2000,
        b"\xff\xfe\x00",
        b"[1, 2]",
        b"{[]: 1}",
        b"{'descr': '<f1', 'fortran_order': False, 'shape': (4,), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (True,), }",
    ],
)
def test_headers_that_lie(header: bytes, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"1234")
    with pytest.raises(DataError, match="cannot be read"):
        read(str(tmp_path / "a.npz"))


def test_damage_of_a_rarer_compression(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x.npy", b"\x93NUMPY" + bytes(100))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[60] ^= 255
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match="cannot be read: Corrupt input data"):
        read(str(tmp_path / "a.npz"))


def test_numbers_that_numpy_does_not_have(tmp_path: Path) -> None:
    header = b'{"x": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]}}'
    (tmp_path / "a.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"12")
    assert entries(f"{tmp_path}/a.safetensors")["x"].dtype == "F8_E4M3"
    with pytest.raises(DataError, match="`x` holds F8_E4M3, which is not read"):
        read(f"{tmp_path}/a.safetensors")


def test_a_name_that_is_there_twice(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for value in (1.0, 2.0):
            array = io.BytesIO()
            np.save(array, np.full(3, value, np.float32))
            with warnings.catch_warnings(action="ignore"):
                archive.writestr("x.npy", array.getvalue())
    for look in (read, entries):
        with pytest.raises(DataError, match=r"`x\.npy` is in it twice"):
            look(str(tmp_path / "a.npz"))


def test_a_part_that_is_not_there(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **{"img/MAPHead_0/probe": np.zeros(3), "t": np.zeros(1)})
    for part, help in (
        ("img/MAPHed_0", "the nearest places are `img/MAPHead_0`"),
        ("zzz", "its places are `img`, `t`"),
    ):
        with pytest.raises(DataError) as caught:
            read(f"{tmp_path}/a.npz:{part}")
        assert (caught.value.help or "").startswith(help)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), suffix=st.sampled_from(["npz", "safetensors", "msgpack"]))
def test_damage_is_an_error_or_another_array(data: st.DataObject, suffix: str, tmp_path: Path) -> None:
    from safetensors.numpy import save

    file = tmp_path / f"a.{suffix}"
    arrays = {"x": np.ones((2, 3), np.float32), "y": np.zeros(4, np.float16)}
    if suffix == "npz":
        np.savez_compressed(file, **arrays)
    elif suffix == "msgpack":
        file.write_bytes(msgpack.packb(packed(arrays)))
    else:
        file.write_bytes(save(arrays))
    content = bytearray(file.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    file.write_bytes(bytes(content))
    try:
        read(str(file))
    except DataError as error:
        assert str(file) in str(error)
