"""Features that the runtime adds to the batches of an evaluation."""

MASK = "_mask"
"""Whether the example is one of the data (True) or padding of the last batch."""
PARENT = "_parent"
"""The number of the example that this one was expanded from (i32)."""
