"""The step of a program as a jaxpr; what a user's component does wrong in it is told at its node."""

from __future__ import annotations

from jax.extend.core import ClosedJaxpr

from bvc.compile.blame import blamed
from bvc.compile.program import Program
from bvc.compile.step.step import Training, abstract_step


def traced_step(program: Program, training: Training) -> ClosedJaxpr:
    """The whole step of one of the program's trainings, traced without devices.

    Raises:
        Failed: a component that is not bvc's own raised an error (B0306).
    """
    experiment = program.experiment
    with blamed(
        experiment.model, *experiment.objective, *experiment.frozen.values(), experiment.optimizer.transform
    ):
        return abstract_step(training, program.state, program.batch)
