"""Writing the parameters of a model for other programs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jax
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import save_file

from bvc.component import DataError
from bvc.component.names import parameters
from bvc.library.checkpoints.naming import Flat, naming_of
from bvc.library.checkpoints.repairs import restack

SUFFIXES = (".npz", ".safetensors")
"""Names of files that parameters are written to."""


def named(model: Any) -> Flat:
    """Public name -> array, layer by layer."""
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(model)]
    return {
        found.name: leaves[found.leaf] if found.layer is None else leaves[found.leaf][found.layer]
        for found in parameters(model)
    }


def _rooted(name: str) -> str:
    """What a model learns without gradients lies in `state`, beside the parameters."""
    return name if name.startswith("state/") else f"params/{name}"


def export(model: Any, file: Path, *, stacked: bool = False) -> None:
    """Write a model's parameters under big_vision's names, to `.npz` or `.safetensors` by the file's suffix.

    Args:
        model: the module with its arrays.
        file: where to write.
        stacked: stack repeated layers, as big_vision's `scan` expects them.

    Raises:
        DataError: another suffix, or writing failed.
    """
    flat = published(model, named(model))
    if stacked:
        for stacking in naming_of(model).stacks:
            flat = restack(flat, stacking)
    write(flat, file)


def published(model: Any, values: Flat) -> Flat:
    """Values by public name, under big_vision's names."""
    naming = naming_of(model)
    return {naming.published(name): leaf for name, leaf in values.items()}


def write(flat: Flat, file: Path) -> None:
    """Write arrays under their names, whole or not at all.

    In `.npz` they lie in `params`, as big_vision keeps them; what a model learns without gradients in `state`.

    Raises:
        DataError: the suffix is neither `.npz` nor `.safetensors`, or writing failed.
    """
    if file.suffix not in SUFFIXES:
        raise DataError(f"`{file.name}` is no name for parameters", help="end it in .npz or .safetensors")
    draft = file.with_name(f".{os.getpid()}.{file.name}")
    try:
        if file.suffix == ".npz":
            arrays: dict[str, Any] = {_rooted(name): leaf for name, leaf in flat.items()}
            np.savez(draft, **arrays)
        else:
            draft.touch()
            mode = draft.stat().st_mode
            save_file({name: np.ascontiguousarray(leaf) for name, leaf in flat.items()}, draft)
            draft.chmod(mode)  # safetensors makes files that only their owner can read
        os.replace(draft, file)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"the parameters cannot be written: {reason.lower()}", str(file)) from error
    finally:
        draft.unlink(missing_ok=True)
