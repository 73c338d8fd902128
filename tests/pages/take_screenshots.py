"""Take the pictures of docs/screenshots anew: `python tests/pages/take_screenshots.py`.

Makes a sample gallery in a temporary folder, serves it, and drives a Chromium over it. With a folder as argument,
every page goes there, light and dark, wide and narrow, to be looked at.
"""

import io
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import uvicorn
from PIL import Image
from playwright.sync_api import sync_playwright

import lookalike
from lookalike.api.app import Access, create_app
from lookalike.atlas.layout import best_method
from lookalike.charting import draw
from lookalike.gallery import make_gallery

PORT = 8397
SHOTS = {
    "start": "/",
    "gallery": "/collections/samples",
    "search": "/collections/samples/search?id=cat%2Foriginal",
    "compare": "/compare?collection=samples&a_id=cat%2Foriginal&b_id=cat%2Fmirrored",
    "map": "/collections/samples/map?color=category",
}
KEPT = {
    "search-light-desktop": "search",
    "compare-dark-desktop": "compare",
    "gallery-light-phone": "phone",
    "map-light-desktop": "map",
}
DOCUMENTS = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
SIZES = {"desktop": ({"width": 1280, "height": 800}, 1), "phone": ({"width": 390, "height": 844}, 2)}


def main(folder: Path, names: Mapping[str, str] | None) -> None:
    """Write NAME-SCHEME-SIZE.png for every page, or only those in `names`, which says what to call them."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, lookalike.open(Path(scratch) / "workspace") as space:
        space.create("samples", product_id="product").add(make_gallery(Path(scratch) / "pictures"))
        draw(space, "samples", "meaning", best_method(), lambda share: None)
        config = uvicorn.Config(create_app(space, Access("key", trusting=True)), port=PORT, log_level="error")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        try:
            take(folder, names)
        finally:
            server.should_exit = True
            thread.join()


def take(folder: Path, names: Mapping[str, str] | None) -> None:
    """Drive the browser."""
    flags = ["--disable-gpu", "--disable-quic", "--disable-background-networking", "--hide-scrollbars"]
    flags += ["--no-sandbox"] if os.geteuid() == 0 else []
    path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        for size, (viewport, scale) in SIZES.items():
            for scheme in ("light", "dark"):
                page = browser.new_page(viewport=viewport, device_scale_factor=scale, color_scheme=scheme)
                for room, target in SHOTS.items():
                    shot = f"{room}-{scheme}-{size}"
                    if names is None or shot in names:
                        page.goto(f"http://127.0.0.1:{PORT}{target}", wait_until="networkidle")
                        page.wait_for_timeout(1000 if room == "map" else 0)  # thumbnails come when it stands still
                        save(page.screenshot(), folder / f"{(names or {}).get(shot, shot)}.png")
                page.close()
        browser.close()


def save(screenshot: bytes, path: Path) -> None:
    """Reduce to 256 colors: the commonest as they are, so that flat parts stay flat, the others dithered."""
    picture = Image.open(io.BytesIO(screenshot)).convert("RGB")
    common = [color for _, color in sorted(picture.getcolors(2**24), reverse=True)[:48]]
    others = picture.quantize(256 - len(common), method=Image.Quantize.MAXCOVERAGE).getpalette()
    palette = Image.new("P", (1, 1))
    palette.putpalette([level for color in common for level in color] + others[: 3 * (256 - len(common))])
    picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]), None)
    else:
        main(DOCUMENTS, KEPT)
