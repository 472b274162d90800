"""bvc: a compiler for vision experiments."""
