"""Data of one's own on disk, for tests of the commands that read it."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import PIL.Image

CLASSES = ("n01440764", "n01443537")
"""The first two classes of ImageNet."""


def jpeg(number: int, height: int = 16, width: int = 20) -> bytes:
    """A JPEG file of one colour, which the number decides."""
    encoded = io.BytesIO()
    colour = (number * 37 % 256, number * 91 % 256, number * 11 % 256)
    PIL.Image.fromarray(np.full((height, width, 3), colour, np.uint8)).save(encoded, "JPEG")
    return encoded.getvalue()


def image_folder(root: Path, images: int = 6) -> Path:
    """`train` and `val` with two classes each."""
    for split, count in (("train", images), ("val", 1)):
        for name in ("cat", "dog"):
            folder = root / "pets" / split / name
            folder.mkdir(parents=True)
            for i in range(count):
                (folder / f"{i}.jpg").write_bytes(jpeg(i + 100 * (name == "dog")))
    return root / "pets"


def tars(root: Path) -> str:
    """Two tar files of `train`, one of `val`; the pattern that names them."""
    (root / "tars").mkdir()
    for name in ("train-0", "train-1", "val-0"):
        with tarfile.open(root / "tars" / f"{name}.tar", "w") as tar:
            for i in range(3):
                members = {"jpg": jpeg(i), "txt": b"a scene", "cls": b"%d" % i, "json": b"{}"}
                for ending, data in members.items():
                    _add(tar, f"{i:04}.{ending}", data)
    return str(root / "tars" / "{split}-*.tar")


def imagenet_tars(folder: Path) -> None:
    """Two of ImageNet's classes with three images each, and its first three images of validation."""
    folder.mkdir(parents=True)
    with tarfile.open(folder / "ILSVRC2012_img_train.tar", "w") as outer:
        for name in CLASSES:
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode="w") as inner:
                for i in range(3):
                    _add(inner, f"{name}_{i}.JPEG", f"{name} {i}".encode())
            _add(outer, f"{name}.tar", buffer.getvalue())
    with tarfile.open(folder / "ILSVRC2012_img_val.tar", "w") as tar:
        for i in (2, 3, 1):
            _add(tar, f"ILSVRC2012_val_{i:08}.JPEG", f"val {i}".encode())


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def json_lines(root: Path) -> str:
    """Lines with captions and a file name; the pattern that names them."""
    (root / "lines" / "images").mkdir(parents=True)
    for split in ("train", "val"):
        lines = []
        for i in range(4):
            (root / "lines" / "images" / f"{split}{i}.jpg").write_bytes(jpeg(i))
            captions = {"text": [f"caption {j}" for j in range(i)], "id": list(range(i))}
            lines.append(
                {"image": f"{split}{i}.jpg", "captions": captions, "box": [[0, 0.5, 1, 1]] * (i + 1)}
            )
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (root / "lines" / f"{split}.jsonl").write_text(text)
    return str(root / "lines" / "{split}.jsonl")
