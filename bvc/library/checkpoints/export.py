"""Writing the parameters of a model for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
from safetensors.numpy import save_file

from bvc.component.names import parameters
from bvc.library.checkpoints.naming import Flat, Naming
from bvc.library.checkpoints.repairs import restack


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
        ValueError: another suffix.
    """
    naming = model.naming() if hasattr(model, "naming") else Naming(())
    flat = {naming.published(name): leaf for name, leaf in named(model).items()}
    if stacked:
        for stacking in naming.stacks:
            flat = restack(flat, stacking)
    if file.suffix == ".npz":
        arrays: dict[str, Any] = {_rooted(name): leaf for name, leaf in flat.items()}
        np.savez(file, **arrays)
    elif file.suffix == ".safetensors":
        save_file({name: np.ascontiguousarray(leaf) for name, leaf in flat.items()}, file)
    else:
        raise ValueError(f"{file.name}: parameters are written to .npz or .safetensors")
