"""Memory on a device while a step runs, read from its ops: what compilers fuse, in which order they run it."""
