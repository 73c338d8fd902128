"""The page of two pictures in a real browser: one lens over both, however they are shown."""

import pytest

PAIR = "/compare?collection=samples&a_id=cat%2Foriginal&b_id=cat%2Fcrop"
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def address(samples):
    return samples


def transforms(page):
    return page.locator(".panes .plane").evaluate_all("planes => planes.map((plane) => plane.style.transform)")


def test_both_pictures_zoom_and_move_as_one(visit):
    page = visit()
    page.goto(PAIR, wait_until="networkidle")
    page.get_by_role("button", name="Zoom in").click()
    assert transforms(page)[0] == transforms(page)[1] == "translate(-15%, -15%) scale(1.3)"
    page.locator(".panes").focus()
    page.keyboard.press("ArrowLeft")
    assert transforms(page) == 2 * ["translate(-7%, -15%) scale(1.3)"]
    window = page.locator(".panes .window").first.bounding_box()
    page.mouse.move(window["x"] + window["width"] / 2, window["y"] + window["height"] / 2)
    page.mouse.wheel(0, -400)
    page.get_by_text("289%", exact=True).wait_for()
    before = transforms(page)[1]
    page.mouse.down()
    page.mouse.move(window["x"] + window["width"] / 2 + 40, window["y"] + window["height"] / 2 + 20)
    page.mouse.up()
    assert transforms(page)[0] == transforms(page)[1] != before
    page.locator(".panes").focus()
    page.keyboard.press("0")
    assert transforms(page) == 2 * ["translate(0%, 0%) scale(1)"]


def test_the_views_are_links_and_keys(visit):
    page = visit()
    page.goto(PAIR)
    over = page.locator(".over")
    assert not over.is_visible()
    page.locator(".panes").focus()
    page.keyboard.press("f")
    assert page.url.endswith("view=flip")
    assert over.is_visible()
    page.keyboard.press("f")
    assert not over.is_visible()
    page.get_by_role("link", name="Slider").click()
    page.reload()
    page.get_by_role("slider").fill("25")
    assert over.evaluate("over => getComputedStyle(over).clipPath") == "inset(0px 75% 0px 0px)"
    page.get_by_role("link", name="Difference").click()
    assert over.evaluate("over => getComputedStyle(over).mixBlendMode") == "difference"


def test_laid_in_place_a_crop_hardly_differs(visit):
    """The first, moved by its keypoints, covers the same details of the second: the difference is nearly black."""
    page = visit()
    page.goto(f"{PAIR}&view=difference", wait_until="networkidle")

    def brightness():
        from io import BytesIO

        import numpy as np
        from PIL import Image

        shot = page.locator(".stack .plane").screenshot()
        return np.asarray(Image.open(BytesIO(shot)).convert("L")).mean()

    in_place = brightness()
    page.get_by_label("Laid in place").uncheck()
    assert brightness() > 3 * in_place


def test_without_scripts_the_views_are_there(visit):
    page = visit(PHONE, java_script_enabled=False)
    page.goto(PAIR)
    assert page.locator(".panes img").count() == 2
    page.get_by_role("link", name="Flip").click()
    assert page.locator(".over").is_visible()
    page.get_by_text("Show the second").click()
    assert not page.locator(".over").is_visible()
    page.get_by_role("link", name="Difference").click()
    assert page.get_by_text("differences show four times as bright").is_visible()


@pytest.mark.parametrize("view", ["flip", "slider", "difference"])
@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.slow), "dark"])
def test_no_view_has_barriers(visit, barriers, view, scheme):
    page = visit(PHONE, color_scheme=scheme)
    page.goto(f"{PAIR}&view={view}")
    assert barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
