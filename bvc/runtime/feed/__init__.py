"""Examples for the step: found, numbered, put in order, prepared ahead, and shared among processes."""
