"""The map as a picture, and colors that people of any color vision can tell apart."""

import io
import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

import lookalike
from lookalike.atlas.drawing import DARK, LIGHT, draw_picture
from lookalike.atlas.fields import GONE, LEGEND, Coloring

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
VISIONS = {
    "usual": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


def lab(colors, vision):
    rgb = np.array([list(bytes.fromhex(color[1:])) for color in colors]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(vision).T, 0, 1)
    return rgb2lab(np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055))


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def coloring(codes, kind="values", values=()):
    return Coloring("field", kind, list(values), 0.0, 1.0, np.array(codes, np.int16), 0)


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("look", [LIGHT, DARK], ids=["light", "dark"])
def test_colors_of_a_legend_are_told_apart(look, vision):
    assert len(look.values) == LEGEND
    seen = lab([*look.values, look.ground, look.other, look.none], VISIONS[vision])
    pairs = [(i, j) for i, j in combinations(range(len(seen)), 2) if i < LEGEND]
    nearest = min((float(deltaE_ciede2000(seen[i], seen[j])), i, j) for i, j in pairs)
    assert nearest[0] > 10, nearest


def test_the_stylesheet_has_the_colors_of_the_legend():
    text = (Path(lookalike.__file__).parent / "pages" / "static" / "map.css").read_text("utf-8")
    for number, (light, dark) in enumerate(zip(LIGHT.values, DARK.values, strict=True)):
        assert re.findall(rf"\.hue{number} {{ fill: (#\w+); }}", text) == [light, dark]


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("look", [LIGHT, DARK], ids=["light", "dark"])
def test_a_ramp_gets_lighter_all_the_way(look, vision):
    assert (np.diff(lab(look.ramp, VISIONS[vision])[:, 0]) > 4).all()


def test_dots_are_where_the_records_lie_in_the_colors_of_their_values():
    grid = np.array([[0, 0], [65_535, 65_535], [0, 65_535], [65_535, 0]], np.uint16)
    found = pixels(draw_picture(grid, coloring([0, 1, -1, GONE], values=[("a", 2), ("b", 1)]), LIGHT, ["b", "a"], 200))
    assert found.shape == (200, 200, 3)
    spots = found[[193, 6, 6, 193], [6, 193, 6, 193]]
    wanted = [LIGHT.values[1], LIGHT.values[0], LIGHT.none, LIGHT.ground]
    assert np.abs(spots - [list(bytes.fromhex(color[1:])) for color in wanted]).max() <= 6
    assert np.abs(found[100, 100] - 255).max() <= 2


def test_numbers_are_a_ramp_and_no_field_is_one_color():
    grid = np.array([[0, 0], [65_535, 65_535]], np.uint16)
    ramp = pixels(draw_picture(grid, coloring([0, 1000], "numbers"), DARK, side=200))
    ends = [list(bytes.fromhex(color[1:])) for color in (DARK.ramp[0], DARK.ramp[-1])]
    assert np.abs(ramp[[193, 6], [6, 193]] - ends).max() <= 6
    plain = pixels(draw_picture(grid, None, DARK, side=200))
    assert np.abs(plain[193, 6] - plain[6, 193]).max() == 0


def test_a_map_of_nothing_is_a_picture_all_the_same():
    assert pixels(draw_picture(np.empty((0, 2), np.uint16), None, LIGHT, side=100)).min() >= 253
