"""Charts as values, drawn by ourselves: once into marks, then as SVG, as PNG, and in pages that need nothing else."""
