"""Pixels: what several ops compute with, in numpy."""
