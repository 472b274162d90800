"""Preparing datasets: the one thing that downloads, and only because somebody asked for it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bvc.bind.card import Card
from bvc.component.error import DataError
from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import data as catalog
from bvc.runtime.datasets.convert import convert
from bvc.runtime.datasets.network import unreachable
from bvc.runtime.feed.carded import Carded, find_carded, source_of
from bvc.runtime.feed.stored_source import StoredSource
from bvc.spec.tree import plain

_CONSTRUCTION = re.compile(r'^Failed to construct dataset "[^"]*", builder_kwargs "[^"]*": ')
"""What TFDS says before what is wrong."""
_NO_MODULE = re.compile(r"No module named '(\w+)")
_PACKAGES = {"tensorflow": ("TensorFlow", "`bvc[tf]`")}
"""Module -> what it is called, and what is installed; other modules are called and installed by their name."""

Progress = Callable[[int, int], None]
"""Told (examples written, examples in all) now and then."""


def prepare(name: str, root: str, progress: Progress | None = None) -> str:
    """Write a dataset below the data directory `root`, unless it is there; says what was done.

    Generated data is drawn. What was downloaded by hand is written as ArrayRecord where its card says how to read it.
    All else is downloaded and written by its TFDS builder.

    Args:
        name: a dataset with a card, `NAME` or `NAME:VERSION`.
        root: the data directory.
        progress: told how far data is that bvc itself writes.

    Raises:
        Failed: there is no such dataset (B0143), or it cannot be prepared (B0144).
    """
    found = find_carded(name)
    card, source = found.card, found.source
    generate = getattr(source, "prepare", None)
    try:
        if generate is not None:
            generate(root, progress)
            return f"{name}: ready in {root}"
        if all(source.missing(split, root) is None for split in card.splits):
            return f"{name}: already in {root}"
        if not _written(found, root, progress):
            _download(card, root)
    except DataError as error:
        raise Failed(catalog.cannot_prepare(name, error.what, (error.looked,), error.help)) from error
    return f"{name}: prepared in {root}"


def _written(found: Carded, root: str, progress: Progress | None) -> bool:
    """Whether the dataset could be written from what was downloaded by hand; goes on where that was interrupted."""
    if found.card.downloaded is None:
        return False
    described: Any = plain(found.card.downloaded)
    version = described.pop("version")
    kind = described.pop("type")
    source = source_of(found.card.name, kind, described)
    splits = tuple(split for split in found.card.splits if source.missing(split, root) is None)
    if not splits:
        return False
    stored = StoredSource(found.card.name, version, kind, source, root, splits, shuffled=True)
    convert(stored, found.card.name, version, root, progress or (lambda done, of: None), lambda: None)
    return True


def _download(card: Card, root: str) -> None:
    import tensorflow_datasets as tfds

    described: Any = plain(card.source)
    wanted = described["name"] + (f":{described['version']}" if "version" in described else "")
    manual = f"{root.rstrip('/')}/downloads/manual"
    how = card.prepare.strip().replace("\n", " ") or None
    try:
        with contextlib.redirect_stdout(None):
            builder = tfds.builder(wanted, data_dir=root, file_format="array_record")
            # what is there already may be all; of files that are got by hand the builder knows URLs too
            begun = any(Path(root, "downloads", builder.name).rglob("*.INFO"))
            by_hand = builder.MANUAL_DOWNLOAD_INSTRUCTIONS is not None
            host = None if begun or by_hand else unreachable(builder.url_infos or ())
            if host is not None:
                told = f"the host `{host}`, from which it is downloaded, cannot be found"
                help = "with a network, give the same command again"
                raise Failed(catalog.cannot_prepare(card.name, told, (root,), help))
            builder.download_and_prepare()
    except (
        tfds.core.DatasetNotFoundError,
        ImportError,
        AssertionError,
        OSError,
        ValueError,
        RuntimeError,
    ) as error:
        told = _CONSTRUCTION.sub("", " ".join(str(error).strip().split("\n", 1)[0].split()))
        lacking = _NO_MODULE.search(told)
        if lacking is not None:
            name, install = _PACKAGES.get(lacking[1], (f"the package `{lacking[1]}`", f"`{lacking[1]}`"))
            told = f"the TFDS builder of this dataset needs {name}"
            how = how or f"install {install} and give the same command again; nothing else needs it"
        elif "version" in described and "version" in told:
            how = f"leave the version out, or take one that there is: `bvc data prepare {card.name}`"
        looked = (manual,) if "manual" in str(error) else (root,)
        told = told or type(error).__name__
        raise Failed(catalog.cannot_prepare(card.name, told, looked, how)) from error
