"""Fixtures shared by every room's tests."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Machines are shared: what takes long there, for once, is no fault of the code.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def _nobody_elses_cache(tmp_path, monkeypatch):
    """Tests neither read nor fill the cache and the models of whoever runs them."""
    monkeypatch.setenv("LOOKALIKE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def space(tmp_path):
    """An empty workspace."""
    import lookalike

    with lookalike.open(tmp_path / "space") as space:
        yield space


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real pictures and labels; tests that need it skip without it."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the real pictures of shared/data, which are not beside this checkout")
    return SHARED_DATA


@pytest.fixture(scope="session")
def draw():
    """Return draw(seed, width=320, height=240): (height, width, 3) uint8, a scene of shapes that seed decides."""
    import cv2
    import numpy as np

    def draw_scene(seed: int, width: int = 320, height: int = 240) -> np.ndarray:
        random = np.random.default_rng(seed)
        top, bottom = random.integers(0, 256, (2, 3))
        ramp = np.linspace(0, 1, height)[:, None, None]
        scene = (top * (1 - ramp) + bottom * ramp + np.zeros((height, width, 3))).astype(np.uint8)
        for _ in range(12):
            color = tuple(int(c) for c in random.integers(0, 256, 3))
            x, y = int(random.integers(0, width)), int(random.integers(0, height))
            size = int(random.integers(10, max(11, width // 4)))
            if random.random() < 0.5:
                cv2.circle(scene, (x, y), size, color, -1, cv2.LINE_AA)
            else:
                cv2.rectangle(scene, (x, y), (x + size, y + size // 2), color, -1)
        return scene

    return draw_scene


@pytest.fixture(scope="session")
def save():
    """Return save(pixels, path, quality=90) -> path: writes pixels in the format that the path's ending names."""
    from PIL import Image

    def save_picture(pixels, path, quality=90):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, quality=quality)
        return path

    return save_picture


@pytest.fixture(scope="session")
def read_tags():
    """Return what reads a page's HTML: names of its tags, those left open, and the addresses it holds."""
    from html.parser import HTMLParser

    class Tags(HTMLParser):
        """The tags of a page, and whether each that must be closed was."""

        VOID = ("meta", "img", "br", "line", "polyline")

        def __init__(self, text):
            super().__init__()
            self.names, self.open, self.addresses = [], [], []
            self.feed(text)

        def handle_starttag(self, tag, attrs):
            self.names.append(tag)
            self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset", "action")]
            if tag not in self.VOID:
                self.open.append(tag)

        def handle_endtag(self, tag):
            if tag not in self.VOID:
                assert self.open.pop() == tag

    return Tags


@pytest.fixture
def pictures(tmp_path, draw, save):
    """A folder of six drawn pictures, one of them in a sub-folder, and a file that is no picture."""
    folder = tmp_path / "pictures"
    for seed in range(5):
        save(draw(seed), folder / f"{seed}.jpg")
    save(draw(5), folder / "more" / "5.png")
    (folder / "notes.txt").write_text("not a picture", "utf-8")
    return folder


@pytest.fixture
def noted(space, pictures):
    """A collection "pictures" of records "0" to "4", each with `note`: words that no other has."""
    collection = space.create("pictures")
    collection.add(
        [{"_id": f"{n}", "_file": str(pictures / f"{n}.jpg"), "note": f"private words {n}"} for n in range(5)]
    )
    return collection
