"""B0510-B0549: the work directory, its checkpoints, and the run itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from bvc.diagnostics.diagnostic import Diagnostic
from bvc.diagnostics.place import Origin
from bvc.diagnostics.suggest import listing

_MOST = 8


def workdir_in_use(workdir: str, holder: str) -> Diagnostic:
    """B0510: another process is running in the work directory."""
    return Diagnostic(
        "B0510",
        f"the work directory `{workdir}` is in use",
        notes=(f"held by {holder}",),
        help="wait for that run, end it, or take another `--workdir`",
    )


def workdir_of_another(workdir: str, differences: Sequence[tuple[str, str, str]]) -> Diagnostic:
    """B0511: the work directory belongs to another experiment: (key, there, here)."""
    lines = [f"`{key}`: there {there}, here {here}" for key, there, here in differences[:_MOST]]
    if len(differences) > _MOST:
        lines.append(f"and {len(differences) - _MOST} more")
    return Diagnostic(
        "B0511",
        f"the work directory `{workdir}` belongs to another experiment",
        notes=tuple(lines),
        help="take another `--workdir`, or give the spec the values that it has there",
    )


def workdir_foreign(workdir: str, found: Sequence[str]) -> Diagnostic:
    """B0512: the work directory holds a run's files, but not the `spec.toml` that bvc writes first."""
    return Diagnostic(
        "B0512",
        f"`{workdir}` holds a run that bvc did not begin",
        notes=(f"it holds {listing(found)}, and no `spec.toml`",),
        help="take another `--workdir`",
    )


def workdir_unusable(workdir: str, reason: str) -> Diagnostic:
    """B0513: the work directory cannot be made or opened."""
    return Diagnostic(
        "B0513",
        f"cannot use the work directory `{workdir}`: {reason}",
        help="give `--workdir` a folder that may be written",
    )


def cannot_write(what: str, where: str, reason: str) -> Diagnostic:
    """B0514: writing failed: no space, a limit, no permission."""
    return Diagnostic(
        "B0514",
        f"cannot write {what}: {reason}",
        notes=(f"to `{where}`", "what was saved before is untouched"),
        help="make room, then run the same command again: it continues from the last checkpoint",
    )


def cannot_read(what: str, where: str, reason: str) -> Diagnostic:
    """B0515: a file of the work directory is there and cannot be read."""
    return Diagnostic("B0515", f"cannot read {what}: {reason}", notes=(f"from `{where}`",))


def checkpoint_skipped(step: int, where: str, reason: str) -> Diagnostic:
    """B0520: a checkpoint was passed over for an earlier one."""
    return Diagnostic(
        "B0520",
        f"the checkpoint of step {step} is not used: {reason}",
        notes=(f"set aside as `{where}`",),
        severity="warning",
    )


def no_checkpoint_verifies(folder: str, reasons: Mapping[int, str]) -> Diagnostic:
    """B0521: there are checkpoints, and none can be trusted."""
    return Diagnostic(
        "B0521",
        "no checkpoint of this work directory can be used",
        notes=tuple(f"step {step}: {reason}" for step, reason in list(reasons.items())[:_MOST])
        + (f"in `{folder}`",),
        help="bring back a good copy, or take another `--workdir` to train from the start",
    )


def checkpoint_differs(where: str, differences: Sequence[tuple[str, str | None, str | None]]) -> Diagnostic:
    """B0522: a checkpoint has other arrays than the program: (name, saved or None, wanted or None)."""
    lines: list[str] = []
    for name, saved, wanted in differences[:_MOST]:
        if saved is None:
            lines.append(f"`{name}`: not in the checkpoint, wanted {wanted}")
        elif wanted is None:
            lines.append(f"`{name}`: {saved} in the checkpoint, not wanted")
        else:
            lines.append(f"`{name}`: {saved} in the checkpoint, wanted {wanted}")
    if len(differences) > _MOST:
        lines.append(f"and {len(differences) - _MOST} more")
    return Diagnostic(
        "B0522",
        "the checkpoint holds another model or optimizer",
        notes=(*lines, f"read from `{where}`"),
        help="take the spec with which it was saved, or another `--workdir`",
    )


def checkpoint_unreadable(where: str, reason: str) -> Diagnostic:
    """B0523: a checkpoint was asked for and cannot be read."""
    return Diagnostic(
        "B0523",
        f"cannot read the checkpoint: {reason}",
        notes=(f"read from `{where}`",),
        help="bring back a good copy, or name another checkpoint",
    )


def not_finite(step: int, metrics: Sequence[str], parameters: Sequence[str], last: int | None) -> Diagnostic:
    """B0530: a loss, a norm or a parameter is NaN or infinite."""
    notes: list[str] = []
    if parameters:
        notes.append(f"not finite in {listing(parameters, 3)}")
    notes.append(
        f"the checkpoint of step {last} is kept" if last is not None else "nothing had been saved before"
    )
    return Diagnostic(
        "B0530",
        f"training diverged: {listing(metrics)} not finite at step {step}",
        notes=tuple(notes),
        help="lower `optimizer.lr`, lengthen the warmup or set `optimizer.clip_norm`; "
        "the same command would come to the same step again",
    )


def interrupted(step: int, workdir: str, signal: str) -> Diagnostic:
    """B0531: a signal ended the run; its state is saved."""
    return Diagnostic(
        "B0531",
        f"stopped by {signal} after step {step}; the state is saved",
        help=f"the same command with `--workdir {workdir}` continues there",
        severity="note",
    )


def evaluation_empty(name: str, stream: str) -> Diagnostic:
    """B0532: an evaluator got no example at all."""
    return Diagnostic(
        "B0532",
        f"`evals.{name}` has nothing to measure: its data `{stream}` holds no example",
        help=f"give `evals.{name}.data.split` a split that holds examples",
    )


def out_of_memory(step: int, reason: str) -> Diagnostic:
    """B0533: the memory of a device does not suffice for the step."""
    return Diagnostic(
        "B0533",
        f"out of device memory at step {step}",
        notes=(reason,),
        help="a smaller `data.train.batch`, `remat`, or more devices; `bvc plan` says what takes how much",
    )


def evaluation_unfit(name: str, reason: str, looked: str, help: str | None) -> Diagnostic:
    """B0534: an evaluator cannot use the predictions, the labels or a file."""
    return Diagnostic(
        "B0534",
        f"`evals.{name}` cannot measure: {reason}",
        notes=(f"in {looked}",) if looked else (),
        help=help or "mend the data or the file, or measure other examples",
    )


def evaluation_nan(name: str, stream: str, array: str, wrong: int, examples: int) -> Diagnostic:
    """B0535: what the model gives to an evaluator is NaN."""
    return Diagnostic(
        "B0535",
        f"`evals.{name}` measured NaN: `{array}` of {wrong} of the {examples} examples in a batch of `{stream}`",
        help="the parameters or the examples are broken: look at both before a number is believed",
    )


def mesh_unfit(axes: Mapping[str, int | None], devices: int, place: Origin, target: str) -> Diagnostic:
    """B0540: the sizes of the mesh's axes do not make up the number of devices of `target`."""
    fixed = [size for size in axes.values() if size is not None]
    rest = next((axis for axis, size in axes.items() if size is None), None)
    product = " * ".join(map(str, fixed)) + (f" = {math.prod(fixed)}" if len(fixed) > 1 else "")
    return Diagnostic(
        "B0540",
        f"the mesh does not fit the {devices} devices of {target}",
        place.mend,
        f"{product} does not divide {devices}" if rest else f"the mesh has {product}, {target} {devices}",
        notes=(f"`{rest}` takes what is left",) if rest else (),
        help="take sizes that divide it" if rest else 'let one axis take what is left: `data = "rest"`',
        origin=place,
    )


def mesh_over_slices(axes: Mapping[str, int], slices: int, place: Origin, target: str) -> Diagnostic:
    """B0540: slices do not divide the first axes of the mesh."""
    sizes = ", ".join(f"{axis} = {size}" for axis, size in axes.items())
    return Diagnostic(
        "B0540",
        f"the mesh does not lie over the {slices} slices of {target}",
        place.mend,
        f"with {sizes} its first axes do not split into {slices} equal parts",
        help=f"give the first axis a size that {slices} divides",
        origin=place,
    )
