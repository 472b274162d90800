"""Running a program: loop, saving, resuming, evaluating, logging."""
