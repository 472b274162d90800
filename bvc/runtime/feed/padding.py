"""Features that the runtime adds to batches."""

MASK = "_mask"
"""Whether the example is one of the data (True) or padding of the last batch."""
PARENT = "_parent"
"""The number of the example that this one was expanded from (i32)."""
SKIPPED = "_skipped"
"""Examples of training that were replaced in this batch; the feed takes it out."""
