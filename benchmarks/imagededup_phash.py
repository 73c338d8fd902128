"""The whole process of imagededup's PHash over a folder, as its documentation has it; `duplicates.py` measures it.

    python benchmarks/imagededup_phash.py FOLDER OUTFILE

Writes file name -> names of its duplicates, as JSON. Of what imagededup imports, torchvision (for its CNN, which hashes
don't need) is replaced where it is missing; that costs imagededup nothing and saves it an import.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

__all__ = ["imagededup_methods"]

_TORCHVISION = ("torchvision", "torchvision.models", "torchvision.models.vision_transformer", "torchvision.transforms")


def imagededup_methods() -> ModuleType | Any:
    """Return `imagededup.methods`. Raises ImportError where it is not installed."""
    try:
        import torchvision  # noqa: F401
    except ImportError:
        for name in _TORCHVISION:
            sys.modules.setdefault(name, MagicMock())
    from imagededup import methods

    return methods


if __name__ == "__main__":
    imagededup_methods().PHash(verbose=False).find_duplicates(
        image_dir=sys.argv[1], outfile=sys.argv[2], recursive=True
    )
