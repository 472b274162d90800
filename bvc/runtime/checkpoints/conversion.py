"""Looking into checkpoints, judging them, and writing their parameters for other programs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import jax
from jax.sharding import SingleDeviceSharding

from bvc.bind import bind
from bvc.compile.program import compile_experiment
from bvc.component.error import DataError
from bvc.diagnostics import Failed, Sources
from bvc.diagnostics.catalog import missing as told
from bvc.diagnostics.catalog import run as catalog
from bvc.library.checkpoints.archive import Address, address, entries, read, there
from bvc.library.checkpoints.export import SUFFIXES, named, published, write
from bvc.library.checkpoints.families import Family, recognize
from bvc.library.checkpoints.load import LoadReport, load_parameters
from bvc.library.checkpoints.naming import Flat
from bvc.runtime.checkpoints.published import Card, Wanted, cards_of, model_for
from bvc.runtime.checkpoints.stored import judge, newest, steps
from bvc.runtime.files import VARIABLE, candidates
from bvc.runtime.folder import Folder
from bvc.runtime.workdir import CHECKPOINTS, SPEC
from bvc.spec import load, parse_target


@dataclass(frozen=True)
class Content:
    """What a checkpoint holds.

    Attributes:
        arrays: name -> `float32[8 16]`.
        family: who wrote it and for what; None if unknown.
        step: of a work directory's checkpoint.
    """

    arrays: dict[str, str]
    family: Family | None
    step: int | None = None


@dataclass(frozen=True)
class Verdict:
    """What became of a file that was read to its end.

    Attributes:
        sha256: of the file; None for a checkpoint of several files.
        card: the one that describes it, if there is exactly one.
        report: how its arrays fit the model; None without a model.
    """

    sha256: str | None
    card: Card | None
    report: LoadReport | None


def inspect(path: str) -> Content:
    """Names, shapes and dtypes, from the headers of a file or the newest checkpoint of a work directory.

    Raises:
        Failed: there is no such file, or it cannot be read (B0506).
    """
    folder = saved_in(path)
    if folder is not None:
        for step in reversed(steps(folder)):
            found = judge(folder, step)
            if not isinstance(found, str):
                return Content(dict(found.arrays), None, step)
        raise Failed(catalog.no_checkpoint_verifies(str(folder), reasons(folder)))
    where = located(path)
    try:
        listed = entries(_text(where))
    except DataError as error:
        raise _unusable(where.file, error) from error
    shown = {name: f"{each.dtype}[{' '.join(map(str, each.shape))}]" for name, each in listed.items()}
    return Content(shown, recognize(listed))


def verify(path: str, spec: str | None, sources: Sources) -> Verdict:
    """Read a file to its end, and bring its arrays to the model of a spec, or of the one card of that name.

    `sources` gets the texts of specs that were read.

    Raises:
        Failed: the file cannot be read, is not the published one, or does not fit the model (B0506); the spec
            has errors.
    """
    where = located(path)
    digest = _sha256(where.file) if where.file.is_file() else None
    known = cards_of(where.file)
    card = known[0] if len(known) == 1 else None
    if card is not None and card.sha256 not in (None, digest):
        reason = f"its SHA-256 is {digest}, that of the published file {card.sha256}"
        raise Failed(told.checkpoint_unusable(str(where.file), reason, (f"by {card.use}",), None))
    try:
        if spec is None and card is None:
            read(_text(where))
            return Verdict(digest, None, None)
        wanted = model_for(spec or (card.use if card else ""), where.file, sources)
        return Verdict(digest, card, _loaded(wanted, where)[1])
    except DataError as error:
        raise _unusable(where.file, error) from error


def reasons(folder: Folder) -> dict[int, str]:
    """What is wrong with each checkpoint of a work directory that does not verify: step -> reason."""
    judged = {step: judge(folder, step) for step in steps(folder)}
    return {step: found for step, found in judged.items() if isinstance(found, str)}


def convert(source: str, target: Path, spec: str | None, sources: Sources) -> int:
    """Write the parameters of a file, or of a work directory's newest checkpoint, to `.npz` or `.safetensors`.

    With a spec, and from a work directory, they come out under big_vision's names of today, layer by layer; from a
    file without a spec under the names that it has. `sources` gets the texts of specs that were read.

    Returns:
        How many arrays were written.

    Raises:
        Failed: the source cannot be read or does not fit the spec's model, the target exists or cannot be
            written (B0506); the spec has errors.
    """
    if target.exists():
        raise Failed(
            told.checkpoint_unusable(str(target), "there is such a file already", (), "name another")
        )
    if target.suffix not in SUFFIXES:
        reason = "its name ends in neither .npz nor .safetensors"
        raise Failed(told.checkpoint_unusable(str(target), reason, (), None))
    folder = saved_in(source)
    try:
        if folder is not None:
            flat = _of_workdir(folder, spec or f"{source}/{SPEC}", sources)
        elif spec is not None:
            flat = _of_today(spec, located(source), sources)
        else:
            flat = read(_text(located(source)))
        write(flat, target)
    except DataError as error:
        raise _unusable(Path(error.looked or source), error) from error
    return len(flat)


def saved_in(path: str) -> Folder | None:
    """The checkpoints of a work directory, if that is what the path names."""
    try:
        folder = Folder(path)
        return folder / CHECKPOINTS if CHECKPOINTS in folder.names() else None
    except (
        OSError,
        ValueError,
        ImportError,
    ):  # no place of a kind that can be listed: it may still be a file
        return None


def located(path: str) -> Address:
    """A file found as `init` finds it.

    Raises:
        Failed: the path is no checkpoint's, or there is no such file (B0506).
    """
    try:
        where = address(path)
    except DataError as error:
        raise _unusable(Path(path), error) from error
    tried = candidates(str(where.file))
    for candidate in tried:
        if there(candidate):
            return Address(candidate, where.subtree)
    notes = [f"looked for {each}" for each in tried]
    notes += [f"published as described in {card.use.partition('#')[0]}" for card in cards_of(where.file)][:1]
    help = f"put the file there, or name its folder in `${VARIABLE}`"
    raise Failed(told.checkpoint_unusable(str(where.file), "it is not on this machine", notes, help))


def _text(where: Address) -> str:
    return f"{where.file}:{where.subtree}" if where.subtree else str(where.file)


def _loaded(wanted: Wanted, where: Address) -> tuple[Flat, LoadReport]:
    part = Address(where.file, where.subtree or wanted.subtree)
    return load_parameters(wanted.module, _text(part), skip=wanted.skip)


def _of_today(spec: str, where: Address, sources: Sources) -> Flat:
    wanted = model_for(spec, where.file, sources)
    return published(wanted.module, _loaded(wanted, where)[0])


def _of_workdir(folder: Folder, spec: str, sources: Sources) -> Flat:
    program = compile_experiment(bind(load(*parse_target(spec), sources=sources)))
    here = SingleDeviceSharding(jax.devices()[0])
    state = program.state._replace(optimizer={}, ema=None)
    wanted = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=here), state)
    loaded, _ = newest(folder, wanted, part=True)
    if loaded is None:
        raise Failed(catalog.checkpoint_unreadable(str(folder), "there is none"))
    return published(loaded.state.params, named(loaded.state.params))


def _sha256(file: Path) -> str:
    try:
        with open(file, "rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise _unusable(
            file, DataError(f"it cannot be read: {(error.strerror or str(error)).lower()}")
        ) from error


def _unusable(file: Path, error: DataError) -> Failed:
    return Failed(told.checkpoint_unusable(str(file), error.what, (), error.help))
