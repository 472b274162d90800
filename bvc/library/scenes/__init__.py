"""The generated `shapes` dataset: what a scene is, how it is said, how it is drawn, how it is stored."""
