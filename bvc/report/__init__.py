"""What runs have recorded, as a page and as pictures. It reads work directories only; no jax."""
