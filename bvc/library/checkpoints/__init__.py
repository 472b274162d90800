"""Checkpoints of other programs: reading, naming, converting and writing parameters, without jax."""
