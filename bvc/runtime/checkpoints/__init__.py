"""Saved states and published parameters: written, verified, read, converted."""
