"""The sample gallery: real photographs and honest edits of them, made on the spot and never shipped.

The photographs come out of scikit-image's wheel (extra `demo`); they are read as files, so that nothing is
fetched. Their origins, as scikit-image states them:

    public domain or CC0   astronaut, rocket (NASA, SpaceX), galaxies (NASA Hubble), cat, coffee, photographer,
                           horse, cell, retina, bricks, grass, gravel, handwriting
    no known restrictions  coins (Brooklyn Museum), tissue
    motorcycle             Middlebury Stereo Datasets 2014 (D. Scharstein et al.), two views of one scene
    no separate statement  moon, page, colors: part of scikit-image (BSD-3-Clause)
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.errors import MissingExtra, SourceNotFound

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["SIZE", "make_examples", "make_gallery"]

_FORMATS = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}
_SIDE = 640  # longest side of the pictures made, in pixels


@dataclass(frozen=True, slots=True)
class _Subject:
    """A photograph and what is known of it. tiles: cut it into different, similar pictures as well."""

    name: str
    file: str
    category: str
    tags: tuple[str, ...]
    gray: bool = False
    tiles: bool = False


_SUBJECTS = (
    _Subject("cat", "chelsea.png", "animal", ("cat", "pet", "face")),
    _Subject("horse", "horse.png", "animal", ("horse", "silhouette", "drawing"), gray=True),
    _Subject("astronaut", "astronaut.png", "person", ("portrait", "spacesuit", "flag")),
    _Subject("photographer", "camera.png", "person", ("camera", "tripod", "outdoors"), gray=True),
    _Subject("coffee", "coffee.png", "object", ("cup", "food", "table")),
    _Subject("coins", "coins.png", "object", ("coins", "museum", "metal"), gray=True, tiles=True),
    _Subject("motorcycle", "motorcycle_left.png", "vehicle", ("motorcycle", "garage", "red")),
    _Subject("rocket", "rocket.jpg", "space", ("rocket", "night", "launch pad")),
    _Subject("galaxies", "hubble_deep_field.jpg", "space", ("stars", "galaxies", "telescope"), tiles=True),
    _Subject("moon", "moon.png", "space", ("moon", "craters"), gray=True, tiles=True),
    _Subject("retina", "retina.jpg", "medical", ("eye", "vessels"), tiles=True),
    _Subject("tissue", "ihc.png", "medical", ("microscope", "stain"), tiles=True),
    _Subject("cell", "cell.png", "medical", ("microscope", "hologram"), gray=True),
    _Subject("bricks", "brick.png", "texture", ("wall", "regular"), gray=True, tiles=True),
    _Subject("grass", "grass.png", "texture", ("plants", "irregular"), gray=True, tiles=True),
    _Subject("gravel", "gravel.png", "texture", ("stones", "irregular"), gray=True, tiles=True),
    _Subject("page", "page.png", "document", ("print", "text"), gray=True),
    _Subject("handwriting", "text.png", "document", ("writing", "text"), gray=True),
    _Subject("colors", "color.png", "graphic", ("color wheel", "round")),
)


@dataclass(frozen=True, slots=True)
class _Edit:
    """A way to alter a picture. ending and quality say how the result is saved."""

    name: str
    apply: Callable[[Image], Image]
    ending: str = "jpg"
    quality: int = 88


@dataclass(frozen=True, slots=True)
class _Entry:
    """One picture to make: a photograph, and the edit."""

    subject: _Subject
    edit: _Edit
    photograph: str

    @property
    def file(self) -> str:
        """File name in the gallery. A changed edit needs another name, since files that exist are kept."""
        return f"{self.subject.name}-{self.edit.name}.{self.edit.ending}"


def make_gallery(folder: str | os.PathLike[str], progress: Callable[[int], None] | None = None) -> list[dict[str, Any]]:
    """Write the pictures that the folder lacks, and return a record for each of the `SIZE` pictures.

    Records have `_id` ("cat/mirrored"), `_file` and the metadata category, subject, edit, tags and product (all
    pictures of one subject are one product). The same library versions write the same bytes. progress is called
    with the number of pictures done since its last call.
    Raises MissingExtra without scikit-image.
    """
    photographs = _photographs()
    target = Path(folder).expanduser().absolute()
    target.mkdir(parents=True, exist_ok=True)
    records = []
    for photograph, group in groupby(_PLAN, lambda entry: entry.photograph):
        entries = list(group)
        missing = [entry for entry in entries if not (target / entry.file).is_file()]
        picture = _open(photographs / photograph) if missing else None
        for entry in entries:
            if picture is not None and entry in missing:
                _save(entry.edit.apply(picture), target / entry.file, entry.edit)
            records.append(_record(entry, target / entry.file))
            if progress:
                progress(1)
    return records


def make_examples(folder: str | os.PathLike[str]) -> list[Path]:
    """Write a handful of the gallery's pictures under plain names, "cat.png" among them; files that exist are kept.

    Returns their paths. Raises MissingExtra without scikit-image.
    """
    photographs, target = _photographs(), Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    planned = {f"{entry.subject.name}/{entry.edit.name}": entry for entry in _PLAN}
    for name, wanted in _EXAMPLES.items():
        entry, path = planned[wanted], target / name
        if not path.exists():
            edit = replace(entry.edit, ending=path.suffix[1:])
            _save(edit.apply(_open(photographs / entry.photograph)), path, edit)
    return [target / name for name in _EXAMPLES]


def _photographs() -> Path:
    """Return the folder of scikit-image's pictures, without importing it."""
    spec = importlib.util.find_spec("skimage")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra("The sample gallery", "demo")
    return Path(spec.submodule_search_locations[0]) / "data"


def _open(path: Path) -> Image:
    from PIL import Image

    if not path.is_file():
        raise SourceNotFound(str(path), "this version of scikit-image does not bring the photograph")
    with Image.open(path) as file:
        whole = file.convert("RGBA")
    white = Image.new("RGBA", whole.size, "white")
    white.alpha_composite(whole)
    picture = white.convert("RGB")
    picture.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return picture


def _save(picture: Image, path: Path, edit: _Edit) -> None:
    aside = path.with_suffix(".part")
    options: dict[str, Any] = {"quality": edit.quality}
    if edit.ending == "png":
        options = {"optimize": True}
    picture.save(aside, _FORMATS[edit.ending], **options)
    aside.replace(path)  # a run that is interrupted leaves no half picture


def _record(entry: _Entry, path: Path) -> dict[str, Any]:
    subject = entry.subject
    return {
        "_id": f"{subject.name}/{entry.edit.name}",
        "_file": str(path),
        "category": subject.category,
        "subject": subject.name,
        "edit": entry.edit.name,
        "tags": list(subject.tags),
        "product": subject.name,
    }


def _crop(left: float, top: float, right: float, bottom: float) -> Callable[[Image], Image]:
    """Return an edit that keeps a part; the sides are fractions of the picture."""

    def apply(picture: Image) -> Image:
        width, height = picture.size
        return picture.crop((round(left * width), round(top * height), round(right * width), round(bottom * height)))

    return apply


def _copy(picture: Image) -> Image:
    return picture


def _mirror(picture: Image) -> Image:
    from PIL import ImageOps

    return ImageOps.mirror(picture)


def _turn(degrees: int) -> Callable[[Image], Image]:
    """Return an edit that turns counterclockwise; slight turns keep the size and fill the corners with gray."""

    def apply(picture: Image) -> Image:
        from PIL import Image

        quarter = degrees % 90 == 0
        return picture.rotate(degrees, Image.Resampling.BICUBIC, expand=quarter, fillcolor=(128, 128, 128))

    return apply


def _grayscale(picture: Image) -> Image:
    return picture.convert("L").convert("RGB")


def _sepia(picture: Image) -> Image:
    from PIL import ImageOps

    return ImageOps.colorize(picture.convert("L"), (34, 18, 6), (255, 240, 205), (158, 118, 76))


def _recolor(picture: Image) -> Image:
    """Turn every hue by 40 degrees."""
    from PIL import Image

    hue, saturation, value = picture.convert("HSV").split()
    hue = hue.point(lambda level: (level + 228) % 256)
    return Image.merge("HSV", (hue, saturation, value)).convert("RGB")


def _brighten(picture: Image) -> Image:
    from PIL import ImageEnhance

    return ImageEnhance.Contrast(ImageEnhance.Brightness(picture).enhance(1.25)).enhance(1.1)


def _blur(picture: Image) -> Image:
    from PIL import ImageFilter

    return picture.filter(ImageFilter.GaussianBlur(3))


def _shrink(picture: Image) -> Image:
    from PIL import Image

    width, height = picture.size
    return picture.resize((max(1, width * 2 // 5), max(1, height * 2 // 5)), Image.Resampling.LANCZOS)


def _border(picture: Image) -> Image:
    """Put it on instant-film paper: a white margin, wider below."""
    from PIL import Image

    width, height = picture.size
    margin = max(12, width // 18)
    paper = Image.new("RGB", (width + 2 * margin, height + 4 * margin), (250, 248, 243))
    paper.paste(picture, (margin, margin))
    paper.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return paper


def _caption(picture: Image) -> Image:
    from PIL import ImageDraw, ImageFont

    captioned = picture.copy()
    width, height = captioned.size
    font = ImageFont.load_default(max(14, width // 14))
    place = (width // 2, height - max(8, height // 14))
    ImageDraw.Draw(captioned).text(
        place, "LOOK AT THIS", "white", font, anchor="ms", stroke_width=2, stroke_fill="black"
    )
    return captioned


def _screenshot(picture: Image) -> Image:
    """Show it in a window on a desktop, three quarters of its size."""
    from PIL import Image, ImageDraw

    inner = picture.resize((picture.width * 3 // 4, picture.height * 3 // 4), Image.Resampling.LANCZOS)
    width, height = inner.width + 64, inner.height + 96
    desktop = Image.new("RGB", (width, height), (52, 73, 110))
    draw = ImageDraw.Draw(desktop)
    draw.rounded_rectangle((24, 24, width - 25, height - 25), 8, (236, 238, 241))
    for number, color in enumerate(((237, 106, 94), (245, 191, 79), (98, 197, 84))):
        draw.ellipse((36 + 18 * number, 33, 46 + 18 * number, 43), color)
    desktop.paste(inner, (32, 54))
    return desktop


_ORIGINAL = _Edit("original", _copy, quality=92)
_ALWAYS = (
    _ORIGINAL,
    _Edit("crop", _crop(0.08, 0.1, 0.85, 0.92)),
    _Edit("mirrored", _mirror, "webp"),
    _Edit("recompressed", _copy, quality=14),
    _Edit("small", _shrink, "png"),
    _Edit("screenshot", _screenshot, quality=82),
)
_IN_COLOR = (
    _Edit("close-up", _crop(0.3, 0.18, 0.82, 0.75)),
    _Edit("grayscale", _grayscale),
    _Edit("recolored", _recolor, "webp"),
    _Edit("captioned", _caption),
    _Edit("turned", _turn(90)),
    _Edit("bordered", _border),
)
_IN_GRAY = (
    _Edit("sepia", _sepia),
    _Edit("tilted", _turn(8), "webp"),
    _Edit("blurred", _blur),
    _Edit("brighter", _brighten),
    _Edit("captioned", _caption, "png"),
)
_TILES = (
    _Edit("tile-1", _crop(0.02, 0.02, 0.46, 0.46), quality=90),
    _Edit("tile-2", _crop(0.54, 0.02, 0.98, 0.46), "webp", 90),
    _Edit("tile-3", _crop(0.02, 0.54, 0.46, 0.98), quality=90),
    _Edit("tile-4", _crop(0.54, 0.54, 0.98, 0.98), "png"),
)
_SECOND_VIEW = (
    _Edit("second-view", _copy, quality=92),
    _Edit("second-view-crop", _crop(0.1, 0.05, 0.95, 0.9), "webp"),
    _Edit("second-view-brighter", _brighten),
)


def _plan() -> Iterator[_Entry]:
    for subject in _SUBJECTS:
        by_color = _IN_GRAY if subject.gray else _IN_COLOR
        for edit in (*_ALWAYS, *by_color, *(_TILES if subject.tiles else ())):
            yield _Entry(subject, edit, subject.file)
        if subject.name == "motorcycle":
            for edit in _SECOND_VIEW:
                yield _Entry(subject, edit, "motorcycle_right.png")


_PLAN = tuple(_plan())

_EXAMPLES = {
    "astronaut.jpg": "astronaut/original",
    "cat.png": "cat/original",
    "cat_1.jpg": "cat/close-up",
    "cat_2.jpg": "cat/mirrored",
    "coffee.jpg": "coffee/original",
    "horse.jpg": "horse/original",
    "motorcycle.jpg": "motorcycle/original",
    "motorcycle_1.jpg": "motorcycle/second-view",
    "rocket.jpg": "rocket/original",
}

SIZE = len(_PLAN)
"""Number of pictures in the gallery."""
