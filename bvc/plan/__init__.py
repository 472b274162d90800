"""What an experiment costs: bytes, FLOPs and collectives of a step, told before anything runs."""
