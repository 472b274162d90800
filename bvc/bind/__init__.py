"""Tree -> IR: names, types, units, choices, op calls, data cards. Starts no jax backend."""

from bvc.bind.experiment import bind as bind
from bvc.bind.experiment import bind_parts as bind_parts
