"""Checkpoints of other programs: reading, naming, converting and writing parameters. numpy and safetensors only."""
