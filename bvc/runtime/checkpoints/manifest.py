"""What a checkpoint says of itself: its arrays, the checksum of every file, and what the loop wants back.

A flipped byte in a saved array would load silently, and an empty or half-written folder would count as the
latest checkpoint. So every checkpoint carries a manifest, written last and covered by a checksum of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import Any

from bvc.runtime.checkpoints.parts import Part
from bvc.runtime.folder import Folder

NAME = "manifest"
_EDITION = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a checkpoint: files that orbax wrote on a disk, or parts that processes uploaded into a store.

    Attributes:
        step: steps that were done.
        arrays: name -> `float32[8 16]`.
        extra: what the loop needs.
        files: path -> (bytes, SHA-256), of orbax.
        parts: path -> what it must be.
    """

    step: int
    arrays: Mapping[str, str]
    extra: Mapping[str, Any]
    files: Mapping[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])
    parts: Mapping[str, Part] = field(default_factory=dict[str, Part])


def encode(manifest: Manifest) -> bytes:
    """One line with the SHA-256 of what follows, then JSON."""
    body = json.dumps(
        {
            "edition": _EDITION,
            "step": manifest.step,
            "arrays": dict(manifest.arrays),
            "files": {path: list(entry) for path, entry in manifest.files.items()},
            "parts": {path: astuple(part) for path, part in manifest.parts.items()},
            "extra": dict(manifest.extra),
        },
        indent=1,
    ).encode()
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body + b"\n"


def decode(data: bytes) -> Manifest:
    """Raises `ValueError`, whose text completes "the checkpoint is not used: ..."."""
    digest, _, body = data.partition(b"\n")
    body = body.removesuffix(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise ValueError("its manifest was changed or cut")
    try:
        read = json.loads(body)
        if read["edition"] != _EDITION:
            raise ValueError(f"its manifest is of edition {read['edition']}; this bvc reads {_EDITION}")
        files = {str(path): (int(size), str(digest)) for path, (size, digest) in read["files"].items()}
        parts = {str(path): Part(*entry) for path, entry in read.get("parts", {}).items()}
        if any(path.startswith("/") or ".." in path.split("/") for path in (*files, *parts)):
            raise ValueError("its manifest names files outside of it")
        return Manifest(int(read["step"]), dict(read["arrays"]), dict(read["extra"]), files, parts)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("its manifest is not one of bvc") from error


def checksums(folder: Folder) -> dict[str, tuple[int, str]]:
    """Size and SHA-256 of every file below a folder of this machine, brought to the disk on the way."""
    assert folder.local is not None
    found: dict[str, tuple[int, str]] = {}
    for path in folder.files():
        with open(folder.local / path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
            found[path] = (file.tell(), digest)
    return found


def damage(folder: Folder, manifest: Manifest) -> str | None:
    """What is wrong with the files of a checkpoint on this machine, or None."""
    assert folder.local is not None
    for path, (size, digest) in manifest.files.items():
        try:
            with open(folder.local / path, "rb") as file:
                same = os.fstat(file.fileno()).st_size == size
                same = same and hashlib.file_digest(file, "sha256").hexdigest() == digest
        except FileNotFoundError:
            return f"its file `{path}` is missing"
        except OSError as error:
            return f"its file `{path}` cannot be read ({error.strerror})"
        if not same:
            return f"its file `{path}` is not what was saved"
    return None
