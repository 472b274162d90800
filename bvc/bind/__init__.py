"""Tree -> IR: names, types, units, choices, op calls, data cards. Starts no jax backend."""

from bvc.bind.experiment import bind as bind
