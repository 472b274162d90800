"""Transforms of the whole batch, on the devices, one per file."""
