"""What a run says of itself while it goes on: the metrics file, writers, progress, time, surprises."""
