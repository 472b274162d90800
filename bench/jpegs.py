"""Writes the JPEG files that `data.py` measures: photographs that scikit-image carries, as in a folder of ImageNet.

    python bench/jpegs.py JPEGS.npz

in an environment of its own that has scikit-image, pooch and Pillow. Sizes are about 500 x 375, quality 90; every other
file is mirrored. The same versions write the same bytes.
"""

from __future__ import annotations

import io
import sys

import numpy as np
import PIL.Image
from skimage import data

FILES = 32


def main(target: str) -> None:
    """Write `target`, an archive of uint8 vectors."""
    photographs = (data.astronaut(), data.coffee(), data.chelsea(), data.rocket())
    random = np.random.default_rng(0)
    files: dict[str, np.ndarray] = {}
    for number in range(FILES):
        width, height = (int(side + random.integers(-30, 30)) for side in (500, 375))
        image = PIL.Image.fromarray(photographs[number % len(photographs)])
        image = image.resize((width, height), PIL.Image.Resampling.LANCZOS)
        if number % 2:
            image = image.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
        written = io.BytesIO()
        image.save(written, "JPEG", quality=90)
        files[f"{number:02d}"] = np.frombuffer(written.getvalue(), np.uint8)
    np.savez(target, **files)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(sys.argv[1])
