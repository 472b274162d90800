"""The grid of devices, and where every array of the state lives on it."""
