"""`bvc plan --fit`: the fastest way to run an experiment on a target that its memory allows."""
