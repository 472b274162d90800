"""Tools for data that do not train: preparing, converting, looking, measuring."""
