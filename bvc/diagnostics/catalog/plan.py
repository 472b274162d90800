"""B0541-B0549: the hardware that a plan is for, and whether the plan fits."""

from __future__ import annotations

from collections.abc import Sequence

from bvc.diagnostics.diagnostic import Diagnostic
from bvc.diagnostics.suggest import did_you_mean, listing


def does_not_fit(
    target: str, needed: str, there: str, excess: str, shares: Sequence[str], help: str
) -> Diagnostic:
    """B0541: a step needs more memory than a device has; sizes come as text."""
    return Diagnostic(
        "B0541",
        f"a step needs {needed} on each device of {target}, {excess} more than the {there} that it has",
        notes=(f"of that {', '.join(shares)}",),
        help=help,
    )


def memory_surprise(measured: str, planned: str, difference: float) -> Diagnostic:
    """B0543: a step needs other memory than planned; sizes come as text, the difference as a share of the plan."""
    return Diagnostic(
        "B0543",
        f"a device used {measured} at its peak, the plan says {planned} ({difference:+.0%})",
        notes=(
            "evaluations and saving count as well",
            "`plan.txt` in the work directory says what takes how much",
        ),
        severity="warning" if difference > 0 else "note",
    )


def time_surprise(measured: float, planned: float) -> Diagnostic:
    """B0544: a step takes another time than at peak rates, in milliseconds."""
    return Diagnostic(
        "B0544",
        f"a step takes {measured:.3g} ms, {measured / planned:.2g} times the {planned:.3g} ms at peak rates",
        help="`bvc run --profile 10:15` shows where the time goes",
        severity="note",
    )


def unknown_target(text: str, name: str, known: Sequence[str]) -> Diagnostic:
    """B0542: `--target` names hardware that nothing is known of, or a shape that cannot be read."""
    choices = f"write NAME, NAME:8, NAME:2x4 or NAME:2x4:SLICES; known are {listing(known)}"
    return Diagnostic(
        "B0542",
        f"no target `{text}`",
        notes=(choices,),
        help=did_you_mean(name, known) or "describe it in a file of `stdlib/target`",
    )


def no_compiler(target: str, compiler: str, extra: str) -> Diagnostic:
    """B0545: `--compile` needs a compiler that is not installed; `extra` of bvc brings it."""
    return Diagnostic(
        "B0545",
        f"`--compile` for {target} needs {compiler}, which is not installed",
        notes=(f"the hardware itself is not needed, and without `--compile` neither is {compiler}",),
        help=f"pip install 'bvc[{extra}]'",
    )


def not_compiled(target: str, compiler: str, message: str) -> Diagnostic:
    """B0546: the compiler gave up for another reason than memory; `message` is its own."""
    return Diagnostic(
        "B0546",
        f"{compiler} did not compile the step for {target}",
        notes=(message,),
        help="without `--compile` the plan is an estimate that needs no compiler",
    )


def recomputed_apart(parts: int, target: str) -> Diagnostic:
    """B0549: layers are recomputed outside a loop, where the estimate of memory is poor."""
    return Diagnostic(
        "B0549",
        f"{parts} parts of the step are recomputed outside a loop: the estimate of its memory may be far off",
        notes=(
            f"compilers have taken up to 3 times what recomputation should leave; {target} may do so too",
        ),
        help="apply the layers as a `Stack` with `layers`, or ask the compiler with `--compile`",
        severity="warning",
    )


def machines_not_full(text: str, devices: int, machine: int) -> Diagnostic:
    """B0542: more GPUs than a machine has, but not all of each machine."""
    return Diagnostic(
        "B0542",
        f"no target `{text}`: {devices} devices do not fill machines of {machine}",
        help=f"take {machine}, or a multiple of it",
    )


def rates_unknown(target: str, slices: int, known: Sequence[str]) -> Diagnostic:
    """B0547: `--fit` for hardware whose rates are not known, so that no plan is the fastest."""
    missing = "the rates of the network between its slices" if slices > 1 else "its rates"
    return Diagnostic(
        "B0547",
        f"no plan is the fastest on {target}: {missing} are not known",
        notes=(f"known are {listing(known)}",),
        help="name hardware, for example `--target h100:8`",
    )


def nothing_fits(target: str, there: str, least: str, excess: str) -> Diagnostic:
    """B0548: no mesh, layout, remat, accumulation and precision makes a step fit; sizes come as text."""
    return Diagnostic(
        "B0548",
        f"no way to run this fits the {there} of a device of {target}; the smallest step needs {least}, {excess} more",
        notes=("searched were meshes, layouts, remat, parts of the batch and precision",),
        help="take more devices, or devices with more memory, a smaller model, or `adafactor`, whose state is small",
    )
