"""Colors: a histogram whose dot product is a similarity, and dominant colors that sum a picture up."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageColor

from lookalike.describers.colors import (
    BASIC_COLORS,
    COLOR_BINS,
    COLOR_VERSION,
    ColorDescriber,
    basic_name,
    color_histogram,
    dominant_colors,
)
from lookalike.errors import InvalidArgument

levels = st.integers(0, 255)
colors = st.tuples(levels, levels, levels)


def plain(color, height: int = 30, width: int = 40) -> np.ndarray:
    return np.full((height, width, 3), color, np.uint8)


def flag() -> np.ndarray:
    """Red over white over blue, 8 : 5 : 3."""
    picture = plain((255, 255, 255), 640, 640)
    picture[:320] = (200, 16, 46)
    picture[520:] = (0, 32, 160)
    return picture


# --- The histogram ---


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(1, 300), st.integers(1, 300))
def test_rows_are_of_unit_length_and_never_negative(seed, height, width):
    row = color_histogram(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))
    assert row.shape == (COLOR_BINS,)
    assert row.dtype == np.float32
    assert row.min() >= 0
    assert np.linalg.norm(row) == pytest.approx(1, abs=1e-5)


def test_the_same_colors_elsewhere_and_larger_are_the_same_row():
    picture = flag()
    elsewhere = np.ascontiguousarray(picture[::-1, ::-1].transpose(1, 0, 2))
    larger = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    assert color_histogram(elsewhere) == pytest.approx(color_histogram(picture), abs=1e-6)
    assert color_histogram(larger) == pytest.approx(color_histogram(picture), abs=1e-6)


def test_the_dot_product_is_the_share_in_common():
    black, white = plain(0), plain(255)
    half = np.concatenate([black, white])
    assert color_histogram(black) @ color_histogram(black) == pytest.approx(1, abs=1e-6)
    assert color_histogram(black) @ color_histogram(white) == 0
    assert color_histogram(black) @ color_histogram(half) == pytest.approx(np.sqrt(0.5), abs=1e-6)


@pytest.mark.parametrize("other", [(0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255), (255, 0, 255), (128,) * 3])
def test_different_hues_have_little_in_common(other):
    assert color_histogram(plain((255, 0, 0))) @ color_histogram(plain(other)) < 0.2


def test_a_slight_change_of_color_changes_the_row_slightly():
    random = np.random.default_rng(0)
    before = random.integers(0, 256, (300, 3))
    after = np.clip(before + random.integers(-4, 5, before.shape), 0, 255)
    near = [color_histogram(plain(a)) @ color_histogram(plain(b)) for a, b in zip(before, after, strict=True)]
    assert np.mean(near) > 0.95
    assert np.median(near) > 0.99


def test_recompressed_and_resized_pictures_keep_their_colors(draw):
    for seed in range(10):
        picture = draw(seed, 640, 480)
        small = cv2.resize(picture, (240, 180), interpolation=cv2.INTER_AREA)
        saved = cv2.imdecode(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_COLOR)
        assert color_histogram(picture) @ color_histogram(saved) > 0.97


GOLDEN = {  # bin -> value, all others 0
    7: 0.5590,
    56: 0.0798,
    57: 0.2364,
    66: 0.4045,
    67: 0.0991,
    68: 0.2116,
    69: 0.6269,
    78: 0.1152,
    79: 0.0282,
}


def test_the_stored_histogram_never_changes():
    row = color_histogram(flag())
    golden = np.zeros(COLOR_BINS, np.float32)
    golden[list(GOLDEN)] = list(GOLDEN.values())
    # OpenCV's Lab is interpolated, not to the last digit the same in each of its versions.
    assert row == pytest.approx(golden, abs=0.01), {i: round(float(v), 4) for i, v in enumerate(row) if v > 0}
    assert (COLOR_BINS, COLOR_VERSION) == (104, 1)


# --- Dominant colors ---


def test_a_flag_is_summed_up_by_its_colors_most_dominant_first():
    found = dominant_colors(flag())
    assert [(color.hex, color.name) for color in found] == [
        ("#c8102e", "red"),
        ("#ffffff", "white"),
        ("#0020a0", "blue"),
    ]
    assert [color.share for color in found] == [8 / 16, 5 / 16, 3 / 16]
    assert found[0].rgb == (200, 16, 46)


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 120), st.integers(1, 120), st.integers(1, 8))
def test_shares_sum_to_one_and_fall(seed, height, width, k):
    random = np.random.default_rng(seed)
    palette = random.integers(0, 256, (random.integers(1, 12), 3), dtype=np.uint8)
    picture = palette[random.integers(0, len(palette), (height, width))]
    found = dominant_colors(picture, k)
    shares = [color.share for color in found]
    assert 1 <= len(found) <= k
    assert sum(shares) == pytest.approx(1, abs=1e-9)
    assert shares == sorted(shares, reverse=True)
    assert min(shares) > 0
    assert all(color.hex == "#{:02x}{:02x}{:02x}".format(*color.rgb) for color in found)


@given(colors, st.integers(1, 90))
@settings(max_examples=60)
def test_one_color_is_told_exactly_once(color, side):
    (found,) = dominant_colors(plain(color, side, 2 * side))
    assert (found.rgb, found.share) == (color, 1.0)


def test_the_same_pixels_give_the_same_colors(draw):
    picture = draw(4)
    first = dominant_colors(picture)
    cv2.setRNGSeed(12345)
    assert dominant_colors(picture.copy()) == first


def test_near_identical_colors_are_told_as_one():
    picture = plain((100, 120, 140), 64, 64)
    picture[:32] = (104, 123, 141)
    assert len(dominant_colors(picture)) == 1


def test_pictures_smaller_than_the_histogram_keep_their_pure_colors():
    two = np.array([[[255, 0, 0], [0, 0, 255]]], np.uint8)
    assert [(color.rgb, color.share) for color in dominant_colors(two)] == [((0, 0, 255), 0.5), ((255, 0, 0), 0.5)]


@pytest.mark.parametrize("k", [0, 33, -1])
def test_a_number_of_colors_out_of_range_is_refused(k):
    with pytest.raises(InvalidArgument):
        dominant_colors(plain(0), k)


# --- Names ---


@pytest.mark.parametrize(
    ("name", "shades"),
    [
        ("black", "black #101014 #202020"),
        ("grey", "grey darkgrey dimgrey lightgrey silver #8a8c90"),
        ("white", "white snow ghostwhite mintcream #fafafa"),
        ("red", "red crimson firebrick darkred maroon tomato"),
        ("pink", "pink hotpink deeppink lightpink palevioletred"),
        ("orange", "orange darkorange coral"),
        ("yellow", "yellow gold goldenrod"),
        ("green", "green lime darkgreen olive olivedrab forestgreen seagreen lightgreen"),
        ("blue", "blue navy midnightblue royalblue steelblue skyblue lightblue cyan teal turquoise"),
        ("purple", "purple indigo violet darkviolet mediumpurple orchid magenta"),
        ("brown", "brown saddlebrown sienna #654321 #3b2314"),
        ("beige", "beige wheat tan antiquewhite bisque"),
    ],
)
def test_shades_bear_the_name_people_give_them(name, shades):
    got = {shade: basic_name(ImageColor.getrgb(shade)) for shade in shades.split()}
    assert set(got.values()) == {name}, got


@given(colors)
def test_every_color_has_a_name(color):
    assert basic_name(color) in BASIC_COLORS


# --- The describer ---


def test_the_describer_gives_a_row_for_each_picture_in_order(draw):
    pictures = [draw(1), draw(2, 50, 40), draw(3, 7, 300)]
    describer = ColorDescriber()
    rows = describer.describe(pictures)["color"]
    assert (rows.shape, rows.dtype) == ((3, COLOR_BINS), np.float32)
    assert all((rows[i] == color_histogram(picture)).all() for i, picture in enumerate(pictures))
    assert [(spec.name, spec.width, spec.metric) for spec in describer.vectors] == [("color", COLOR_BINS, "cosine")]
    assert describer.signature == "color/1"


def test_the_describer_of_no_pictures_gives_no_rows():
    assert ColorDescriber().describe([])["color"].shape == (0, COLOR_BINS)


def test_a_scaled_decode_down_to_what_is_wanted_changes_little(draw):
    wanted = 2 * ColorDescriber().wants
    for seed in range(5):
        picture = draw(seed, 8 * wanted, 6 * wanted)
        scaled = cv2.resize(picture, (4 * wanted // 3, wanted), interpolation=cv2.INTER_AREA)
        assert color_histogram(picture) @ color_histogram(scaled) > 0.999


@pytest.mark.parametrize(
    "wrong", [np.zeros((5, 5), np.uint8), np.zeros((5, 5, 4), np.uint8), np.zeros((5, 0, 3), np.uint8)]
)
def test_what_is_no_picture_is_refused(wrong):
    for describe in (color_histogram, dominant_colors):
        with pytest.raises(InvalidArgument):
            describe(wrong)
