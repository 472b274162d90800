"""One step of training; each part that a spec may name has a file of its own."""
