"""What the data takes on the hosts: its pipeline's graph, the time of each op, bytes of an epoch, cores and memory."""
