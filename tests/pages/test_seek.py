"""Searching in a real browser: by a box drawn on the picture, the camera, colors, words and examples; and why."""

import pytest

SEARCH = "/collections/samples/search"
CAT = f"{SEARCH}?id=cat%2Foriginal"
PHONE = {"width": 390, "height": 844}
CAMERA = """
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [64, 48];
  const pen = canvas.getContext("2d");
  setInterval(() => pen.fillRect(64 * Math.random(), 0, 8, 48), 50);
  navigator.mediaDevices.enumerateDevices = async () => [{ kind: "videoinput" }];
  navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(10);
"""


@pytest.fixture(scope="module")
def address(samples):
    return samples


def names(page):
    return page.locator("ol.grid a.name").all_inner_texts()


def test_a_box_drawn_on_the_picture_is_searched_for(visit):
    page = visit()
    page.goto(CAT, wait_until="networkidle")
    box = page.get_by_alt_text("The picture looked for").bounding_box()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.25 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.75 * box["height"])
    assert page.locator(".box rect").count() == 1
    page.mouse.up()
    page.wait_for_url("**/search?id=cat%2Foriginal&box=*")
    assert page.locator(".box rect").count() == 1
    assert "cat/original" not in names(page)
    page.get_by_role("link", name="The whole picture").click()
    page.wait_for_url(lambda url: "box" not in url)


def test_a_picture_of_the_camera_is_searched_for(visit):
    page = visit()
    page.goto(SEARCH)
    assert not page.get_by_role("button", name="Camera").is_visible()  # this machine has none
    page.add_init_script(CAMERA)
    page.goto(SEARCH)
    page.get_by_role("button", name="Camera").click()
    for _ in range(100):
        if page.locator(".camera video").evaluate("video => video.videoWidth"):
            break
        page.wait_for_timeout(100)
    page.get_by_role("button", name="Take the picture").click()
    page.wait_for_url("**/search?query=*")
    assert page.get_by_text("camera.jpg").is_visible()


def test_a_color_that_is_chosen_counts_at_once(visit):
    page = visit()
    page.goto(SEARCH)
    page.get_by_text("By colors").click()
    page.get_by_label("Color 1", exact=True).fill("#2255cc")
    page.wait_for_url("**/search?color=%232255cc&amount=50")
    assert page.get_by_role("heading", name="These colors").is_visible()
    page.get_by_label("How much of color 2").fill("30")
    page.wait_for_url("**color=%232255cc&color=%23**&amount=50&amount=30")


def test_sliders_weigh_what_is_compared(visit):
    page = visit()
    page.goto(CAT)
    page.get_by_text("Weights", exact=True).click()
    slider = page.locator(".sliders li", has_text="Colors").get_by_role("slider")
    slider.focus()
    slider.press("End")
    page.wait_for_url("**part=meaning&part=color&weight=100&weight=100")
    assert page.locator(".switch [aria-current]").count() == 0


def test_examples_are_added_and_taken_away(visit):
    page = visit()
    page.goto(CAT)
    page.get_by_role("link", name="Less like cat/crop").click()
    page.wait_for_url("**unlike=cat%2Fcrop")
    page.get_by_role("link", name="Also like cat/mirrored").click()
    page.wait_for_url("**like=cat%2Fmirrored**")
    page.get_by_role("link", name="Take cat/crop away").click()
    page.wait_for_url(lambda url: "unlike" not in url and "like=cat%2Fmirrored" in url)


def test_why_opens_by_mouse_key_and_tap_and_closes_again(visit):
    page = visit()
    page.goto(CAT, wait_until="networkidle")
    first = page.locator("details.why").nth(0)
    summary = first.locator("summary")
    summary.hover()
    first.get_by_text("The same picture, altered.").wait_for()
    assert first.locator("polygon").count() > 0
    page.keyboard.press("Escape")
    assert not first.locator(".reasons-panel").is_visible()
    summary.focus()
    page.keyboard.press("Enter")
    assert first.locator(".reasons-panel").is_visible()
    page.locator("details.why summary").nth(1).click()
    assert not first.locator(".reasons-panel").is_visible()


def test_every_panel_lies_within_the_screen(visit):
    for viewport in ({"width": 1280, "height": 860}, PHONE):
        page = visit(viewport)
        page.goto(CAT, wait_until="networkidle")
        for number in range(4):
            why = page.locator("details.why").nth(number)
            why.locator("summary").click()
            why.get_by_text("The outlines show the same details.").wait_for()
            box = why.locator(".reasons-panel").bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= viewport["width"]
            page.keyboard.press("Escape")


def test_without_scripts_words_options_and_reasons_work(visit):
    page = visit(java_script_enabled=False)
    page.goto(SEARCH)
    page.get_by_label("Words", exact=True).fill("cat zzqxv")
    page.get_by_role("button", name="Search by words").click()
    page.wait_for_url("**/search?text=cat+zzqxv")
    assert page.get_by_text("Not understood, and left out: zzqxv").is_visible()
    assert names(page)[0].startswith("cat/")
    page.goto(CAT)
    page.get_by_text("Only a part of it").click()
    for side, percent in {"Left": "10", "Top": "10", "Right": "60", "Bottom": "70"}.items():
        page.get_by_label(side).fill(percent)
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**box=10&box=10&box=60&box=70")
    page.locator("details.why summary").first.click()
    page.get_by_role("link", name="See why it was found").first.click()
    page.wait_for_url("**/search/why?*")
    assert page.get_by_role("heading", name="was found").is_visible()


@pytest.mark.parametrize(("scheme", "width"), [pytest.param("light", 1280, marks=pytest.mark.slow), ("dark", 390)])
def test_open_panels_have_no_barriers(visit, barriers, scheme, width):
    page = visit({"width": width, "height": 844}, color_scheme=scheme)
    page.goto(
        f"{CAT}&text=cat+zzqxv&like=coffee%2Foriginal&unlike=moon%2Foriginal&color=%23aa3300&box=5&box=5&box=80&box=90"
    )
    page.evaluate("document.querySelectorAll('details:not(.why)').forEach((each) => (each.open = true))")
    if width < 900:
        page.get_by_text("Weights, colors and options").click()
    page.locator("details.why summary").first.click()
    page.locator(".signals").wait_for()
    assert barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
