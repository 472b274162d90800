"""Every diagnostic of bvc is built here: one function per cause, one file per family."""
