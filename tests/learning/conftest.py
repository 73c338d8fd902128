"""Drawn classes: small enough to be described in a second, and hard enough for learning to help."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def classes(tmp_path_factory, draw, save):
    """A folder of 8 classes with 6 pictures each: one scene of shapes, moved, behind another one that changes."""
    folder = tmp_path_factory.mktemp("classes")
    for number in range(8):
        scene = draw(100 + number)
        for place in range(6):
            moved = np.roll(scene, (10 * place, 15 * place), (0, 1))
            mixed = 0.4 * moved + 0.6 * draw(1000 + 10 * number + place)
            save(mixed.astype(np.uint8), folder / f"class-{number}" / f"{place}.jpg")
    return folder


@pytest.fixture(scope="session")
def trained(classes, tmp_path_factory):
    """What came of training on them, with a model folder."""
    from lookalike.learning import train
    from lookalike.settings import Settings

    return train(classes, tmp_path_factory.mktemp("out") / "drawn", settings=Settings(threads=1), anyway=True)
