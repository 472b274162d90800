"""Files that the evaluations of a run left: pictures are shown, arrays of pictures too, texts begin to be."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Iterator
from html import escape
from pathlib import PurePosixPath

import numpy as np
from PIL import Image

from bvc.figure.page import folded, picture, samples, section
from bvc.figure.ticks import short
from bvc.report.recorded import Recorded
from bvc.runtime.contents import EVALS

_PICTURES = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}
_TEXTS = (".json", ".jsonl", ".txt", ".csv")
_MOST = 16
"""Pictures that are shown of one evaluation."""
_LARGEST = 32 * 2**20
"""Bytes of a file that is opened; a page is to be looked at, not to be an archive."""
_LETTERS = 4000


def saved_samples(run: Recorded) -> str:
    """A section of the page for the newest files of each evaluation of a run; empty where there are none."""
    try:
        files = (run.folder / EVALS).files()
    except OSError:  # a run without evaluations that leave files has no such folder
        files = {}
    newest: dict[str, str] = {}
    for path in files:
        name, step = _place(path)
        newest[name] = max(step, newest.get(name, ""))
    parts: list[str] = []
    for name, step in sorted(newest.items()):
        own = {path: size for path, size in files.items() if _place(path) == (name, step)}
        shown = [part for path, size in own.items() for part in _shown(run, path, size)]
        pictures = [part for part in shown if part.startswith("<figure")][:_MOST]
        others = [part for part in shown if not part.startswith("<figure")]
        title = f"{name}, step {int(step) if step.isdigit() else step}"
        parts += [f"<h3>{escape(title)}</h3>", samples(pictures), *others]
    return section(f"samples of {run.name}", *parts)


def _place(path: str) -> tuple[str, str]:
    """The evaluation and the step of a file below `evals/`."""
    words = path.split("/")
    return (words[0], words[1]) if len(words) > 2 else (words[0], "")


def _shown(run: Recorded, path: str, size: int) -> Iterator[str]:
    name = PurePosixPath(path)
    label = "/".join(path.split("/")[2:])
    if size > _LARGEST or name.suffix not in (*_PICTURES, *_TEXTS, ".npz"):
        yield folded(f"{label}: {short(size)}B", "not shown")
        return
    data = (run.folder / EVALS).read(path) or b""
    if name.suffix in _PICTURES:
        yield picture(label, _PICTURES[name.suffix], base64.b64encode(data).decode())
    elif name.suffix in _TEXTS:
        yield folded(label, data[:_LETTERS].decode(errors="replace"))
    else:
        yield from _arrays(label, data)


def _arrays(label: str, data: bytes) -> Iterator[str]:
    """What an archive of arrays holds: images as pictures, of the rest names and shapes."""
    lines: list[str] = []
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            for name in archive.files:
                array = archive[name]
                lines.append(f"{name}: {array.dtype} {list(array.shape)}")
                yield from _pictures(name, array)
    except (ValueError, zipfile.BadZipFile, OSError) as error:
        lines.append(f"can't be read: {error}")
    yield folded(label, "\n".join(lines))


def _pictures(name: str, array: np.ndarray) -> Iterator[str]:
    """The first images of an array of them, with one channel or three; the range of floats becomes that of colours."""
    if array.ndim != 4 or array.shape[-1] not in (1, 3) or not array.size:
        return
    told = ""
    if np.issubdtype(array.dtype, np.floating) and np.isfinite(array).all():
        low, high = float(array.min()), float(array.max())
        array = np.round(255 * (array - low) / ((high - low) or 1.0)).astype(np.uint8)
        told = f", {short(low)} to {short(high)}"
    elif array.dtype != np.uint8:
        return
    for index, image in enumerate(array[:_MOST]):
        file = io.BytesIO()
        Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(file, "png")
        yield picture(f"{name} {index}{told}", "png", base64.b64encode(file.getvalue()).decode())
