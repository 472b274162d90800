"""A checkpoint in a store: each process uploads its part; what the parts are is gathered through the coordinator."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple

import jax
from jaxtyping import Array

from bvc.runtime.checkpoints.parts import Part, Stored, read_piece, read_table, write_part
from bvc.runtime.checkpoints.pieces import Piece, put_together
from bvc.runtime.folder import Folder
from bvc.runtime.processes.peers import Elsewhere, gathered, index

_AT_ONCE = 8
"""Requests that wait for a store at the same time."""
_uploads = itertools.count()


def upload(folder: Folder, pieces: Sequence[Piece]) -> Callable[[], dict[str, Part]]:
    """Prepare the upload of this process's pieces; what is returned uploads them, in any thread.

    It returns what all processes have uploaded, once they are through. No file has a name that it could have had in an
    upload before: what a process of a run that was taken for dead still writes is nobody's.

    Raises there:
        OSError: this process could not write.
        Elsewhere: another one could not.
    """
    number = next(_uploads)
    file = f"part-{index():05d}-{uuid.uuid4().hex[:12]}.safetensors"

    def run() -> dict[str, Part]:
        failure: OSError | None = None
        said: tuple[str, tuple[object, ...] | None] = (file, None)
        try:
            folder.make()
            said = (file, astuple(write_part(folder, file, pieces)))
        except OSError as error:
            failure = error
        parts = gathered(said, f"upload/{number}")
        if failure is not None:
            raise failure
        uploaded = {file: Part(*part) for file, part in parts if part is not None}
        if len(uploaded) < len(parts):
            raise Elsewhere
        return uploaded

    return run


def read_parts(
    folder: Folder, parts: Mapping[str, Part], wanted: Mapping[str, jax.ShapeDtypeStruct]
) -> dict[str, Array]:
    """Arrays by name, as they were saved, lying where `wanted` says; each process reads what its devices hold.

    Raises:
        OSError: something cannot be read.
        ValueError: something is not what was written; the text completes "the checkpoint is not used: ...".
    """
    with ThreadPoolExecutor(_AT_ONCE, "read") as threads:
        boxes: dict[str, list[Stored]] = {name: [] for name in wanted}
        for found in threads.map(lambda file: read_table(folder, file, parts[file]), parts):
            for piece in found:
                if piece.name in boxes:
                    boxes[piece.name].append(piece)
        arrays = threads.map(
            lambda name: put_together(wanted[name], boxes[name], lambda piece: read_piece(folder, piece)),
            wanted,
        )
        return dict(zip(wanted, arrays, strict=True))


def check_parts(folder: Folder, parts: Mapping[str, Part]) -> None:
    """Read everything that was uploaded. Raises as `read_parts` does."""
    with ThreadPoolExecutor(_AT_ONCE, "read") as threads:
        pieces = [piece for file, part in parts.items() for piece in read_table(folder, file, part)]
        for _ in threads.map(lambda piece: read_piece(folder, piece).nbytes, pieces):
            pass
