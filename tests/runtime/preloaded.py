"""What a process does before it is forked: imports what `bvc run` needs, checks and plans; no device is asked for."""

import gc

import jax._src.xla_bridge

import bvc.runtime.run  # noqa: F401
import tests.runtime.objects  # noqa: F401 - a store that a work directory may lie in
from bvc.check import check
from bvc.plan.plan import plan
from bvc.plan.target import Target
from tests.runtime.forks import SELDOM, SPEC

gc.set_threshold(*SELDOM)  # of the forks, too

program = check(str(SPEC)).program
assert program is not None
plan(program, Target("a machine like this", "cpu", 1, 2**40))
gc.freeze()  # forks need not look through it
assert not jax._src.xla_bridge.backends_are_initialized(), "forks could not start their own"
