"""Small things that one picture shows and the other doesn't, beside all that recompression and resizing do."""

import cv2
import numpy as np
import pytest

from lookalike.folders.details import differing_share, shown_by_one


def form(number: str) -> np.ndarray:
    page = np.full((707, 500, 3), 255, np.uint8)
    for line in range(60, 660, 24):
        cv2.putText(page, "Payable within 14 days, net", (60, line), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (30, 30, 30))
    page[100:140, 50:300] = 255
    cv2.putText(page, number, (60, 125), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0))
    return page


def again(pixels: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def test_one_digit_of_a_form_is_seen():
    assert min(shown_by_one(form("No. 10482"), form("No. 10782"), np.eye(3))) > 0


@pytest.mark.parametrize("quality", [40, 90])
def test_recompression_and_resizing_are_no_difference(draw, quality):
    for picture in (form("No. 10482"), draw(5, 800, 600)):
        assert shown_by_one(picture, again(picture, quality), np.eye(3)) == (0, 0)
        half = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        assert shown_by_one(picture, again(half, quality), np.eye(3)) == (0, 0)
        assert shown_by_one(half, picture, np.eye(3)) == (0, 0)


def test_of_a_crop_only_what_both_show_counts():
    page = form("No. 10482")
    crop = np.array([[500 / 440, 0, -30 / 440], [0, 707 / 640, -40 / 640], [0, 0, 1]])
    assert shown_by_one(page, page[40:680, 30:470], crop) == (0, 0)
    assert max(shown_by_one(page, form("No. 10782")[40:680, 30:470], crop)) > 0


def test_a_place_that_is_some_pixels_off_is_made_exact():
    page = form("No. 10482")
    crop = np.array([[506 / 440, 0, -34 / 440], [0, 710 / 640, -37 / 640], [0, 0, 1]])
    assert shown_by_one(page, page[40:680, 30:470], crop) == (0, 0)
    assert max(shown_by_one(page, form("No. 10782")[40:680, 30:470], crop)) > 0


def test_a_turned_copy_is_no_difference(draw):
    picture = draw(6, 640, 480)
    turned = np.array([[0, -1, 1], [1, 0, 0], [0, 0, 1.0]])
    assert shown_by_one(picture, np.rot90(picture, -1).copy(), turned) == (0, 0)


def test_a_soft_shadow_is_seen():
    y, x = np.mgrid[:512, :512] / 512
    lung = 90 + 60 * np.exp(-(((x - 0.5) / 0.3) ** 2)) + np.random.default_rng(2).normal(0, 3, (512, 512))
    shadow = 28 * np.exp(-((x - 0.3) ** 2 + (y - 0.5) ** 2) / 0.06**2)
    one, other = (np.repeat(np.clip(gray, 0, 255).astype(np.uint8)[..., None], 3, 2) for gray in (lung, lung + shadow))
    assert max(shown_by_one(one, other, np.eye(3))) > 0


def test_a_gray_copy_is_held_by_its_brightness(draw):
    picture = draw(7, 640, 480)
    gray = np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    assert shown_by_one(picture, gray, np.eye(3)) == (0, 0)
    assert max(shown_by_one(picture, np.ascontiguousarray(picture[..., [2, 0, 1]]), np.eye(3))) > 0


def test_a_blurred_copy_shows_nothing_more():
    sharp, blurred = shown_by_one(form("No. 10482"), cv2.GaussianBlur(form("No. 10482"), (0, 0), 1.5), np.eye(3))
    assert sharp > 0
    assert blurred == 0


def test_a_blurred_copy_differs_in_nothing_and_a_blank_form_does():
    filled, blank = form("No. 10482"), form("No. 10482")
    blank[100:140, 50:300] = 255
    assert differing_share(filled, cv2.GaussianBlur(filled, (0, 0), 1.5), np.eye(3)) == 0
    assert differing_share(filled, blank, np.eye(3)) > 0
    assert differing_share(blank, filled, np.eye(3)) > 0
    other = cv2.GaussianBlur(form("No. 10782"), (0, 0), 1.5)
    assert differing_share(filled, other, np.eye(3)) > 0
