"""`bvc plan --compile`: what the compiler of the target says, on a machine without the target."""
