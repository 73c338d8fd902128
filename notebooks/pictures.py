"""What the notebooks share: labeled pictures to try things with, and pictures in a row.

Set LOOKALIKE_PICTURES to a folder of folders, each a label, and the notebooks use your pictures. Without it they use
real photographs that come with scikit-image (`pip install 'lookalike[demo]'`), each cut into twelve pieces: which
pieces are of one photograph? No piece shows what another shows, so it takes more than finding copies.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import lookalike as la

PHOTOGRAPHS = (
    *("astronaut", "brick", "camera", "cell", "chelsea", "coffee", "coins", "grass", "gravel", "hubble_deep_field"),
    *("immunohistochemistry", "moon", "page", "retina", "rocket", "text"),
)
ROWS, COLUMNS = 3, 4


def labeled_pictures(below: Path) -> Path:
    """Return a folder of folders: yours, or a new one in `below`."""
    given = os.environ.get("LOOKALIKE_PICTURES")
    return Path(given).expanduser() if given else _pieces(below / "pictures")


def photographs(into: Path, count: int = 8) -> list[Path]:
    """Return files of whole pictures, one of each label of yours, or of the photographs, which are written there."""
    given = os.environ.get("LOOKALIKE_PICTURES")
    if given:
        folders = sorted(path for path in Path(given).expanduser().iterdir() if path.is_dir())
        return [min(path for path in folder.iterdir() if path.is_file()) for folder in folders[:count]]
    into.mkdir(parents=True, exist_ok=True)
    for name in PHOTOGRAPHS[:count]:
        Image.fromarray(_photograph(name)).save(into / f"{name}.jpg", quality=92)
    return sorted(into.glob("*.jpg"))


def show(pictures: Sequence[Any], titles: Sequence[str], columns: int = 6) -> None:
    """Draw pictures, anything `read_image` takes, side by side."""
    rows = -(-len(pictures) // columns)
    _, cells = plt.subplots(rows, columns, figsize=(2 * columns, 2.3 * rows), squeeze=False, layout="constrained")
    for cell in cells.flat:
        cell.axis("off")
    for cell, picture, title in zip(cells.flat, pictures, titles, strict=False):
        cell.imshow(la.read_image(picture).pixels)
        cell.set_title(title, fontsize=9)
    plt.show()


def _pieces(folder: Path) -> Path:
    for name in PHOTOGRAPHS:
        (folder / name).mkdir(parents=True, exist_ok=True)
        whole = _photograph(name)
        for row, strip in enumerate(np.array_split(whole, ROWS)):
            for column, piece in enumerate(np.array_split(strip, COLUMNS, axis=1)):
                Image.fromarray(piece).save(folder / name / f"{row}{column}.jpg", quality=92)
    return folder


def _photograph(name: str) -> np.ndarray:
    from skimage import data

    found = Image.fromarray(getattr(data, name)()).convert("RGB")
    found.thumbnail((640, 640))
    return np.asarray(found)
