"""Comparison of bvc with recorded numbers of big_vision: `python -m tests.parity FILE.npz...`."""
