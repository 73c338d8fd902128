"""A person at a real browser makes a collection, sets it up, filters it and deletes it."""

from urllib.parse import parse_qs, urlsplit

import pytest

import lookalike
from lookalike.pages import start
from lookalike.work import Background

PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def space(tmp_path_factory, drawn):
    """A workspace with one collection of pictures and one of records without."""
    with lookalike.open(tmp_path_factory.mktemp("managing") / "workspace") as space:
        space.create("drawn", index=["parity"]).add(
            {"_id": path.stem, "_file": str(path), "parity": "even" if int(path.stem[0]) % 2 == 0 else "odd"}
            for path in sorted(drawn.iterdir())
        )
        space.create("bare", kind="custom", entities={"shape": 3}).add(
            {"_id": f"r{n}", "_vector": [1.0, n, 0.5], "maker": "Kvist & Søn", "price": n} for n in range(8)
        )
        yield space


@pytest.fixture(scope="module")
def address(space, serving):
    with serving(space) as address:
        yield address


def ids(page):
    return sorted(page.locator("ul.rows a.name").all_inner_texts())


def asked(page):
    return parse_qs(urlsplit(page.url).query).get("filter")


def test_a_collection_is_made_by_keyboard_set_up_and_deleted(visit, space):
    page = visit()
    page.get_by_role("link", name="Create New Collection").click()
    page.get_by_role("radio", name="Generic Photos").focus()
    page.keyboard.press("ArrowDown")
    assert page.get_by_role("radio", name="Product Photos").is_checked()
    page.keyboard.press("Tab")
    page.keyboard.type("my shop")
    page.keyboard.press("Enter")  # the browser itself says that the name has a space
    assert page.url.endswith("/new")
    page.get_by_label("Name").fill("my-shop")
    page.keyboard.press("Enter")
    page.wait_for_url("**/collections/my-shop")
    assert page.get_by_text("Nothing is in this collection yet").is_visible()
    assert space.get("my-shop").info.kind == "products"
    page.get_by_role("link", name="Settings").click()
    page.get_by_label("Fields to index").fill("brand")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()
    assert space.get("my-shop").settings.index == ("brand",)
    page.get_by_role("link", name="Delete the collection").click()
    page.get_by_label("Type its name").fill("my-shop")
    page.get_by_role("button", name="Delete the collection").click()
    page.wait_for_url(lambda url: urlsplit(url).path == "/")
    assert "my-shop" not in {info.name for info in space.list()}


def test_rows_are_added_and_taken_away_and_become_the_filter(visit):
    page = visit()
    page.goto("/collections/bare")
    page.get_by_text("Filter", exact=True).click()
    rows = page.locator("[data-row]")
    assert rows.count() == 1
    rows.nth(0).get_by_label("Field").fill("price")
    rows.nth(0).get_by_label("Operator").select_option("is at least")
    rows.nth(0).get_by_label("Value", exact=True).fill("3")
    page.get_by_role("button", name="Add a condition").click()
    assert page.evaluate("document.activeElement.name") == "field"
    page.keyboard.type("price")
    rows.nth(1).get_by_label("Operator").select_option("is less than")
    rows.nth(1).get_by_label("Value", exact=True).fill("5")
    page.get_by_role("button", name="Add a condition").click()
    rows.nth(2).get_by_label("Field").fill("nothing")
    rows.nth(2).get_by_label("Operator").select_option("is missing")
    assert not rows.nth(2).get_by_label("Value", exact=True).is_visible()
    page.get_by_role("button", name="Add a condition").click()
    rows.nth(3).get_by_role("button", name="Remove").click()
    assert rows.count() == 3
    page.get_by_role("button", name="Apply").first.click()
    page.wait_for_url("**filter=*")
    assert asked(page) == ['{"price": {"$gte": 3, "$lt": 5}, "nothing": {"$exists": false}}']
    assert ids(page) == ["r3", "r4"]
    page.get_by_role("link", name="price is less than 5").click()
    page.wait_for_url(lambda url: "exists" in url and "%24lt" not in url)
    assert ids(page) == ["r3", "r4", "r5", "r6", "r7"]
    page.go_back()
    assert ids(page) == ["r3", "r4"]


def test_the_form_works_without_scripts(visit):
    page = visit(java_script_enabled=False)
    page.goto("/collections/drawn")
    page.get_by_text("Filter", exact=True).click()
    page.get_by_label("Field").fill("parity")
    page.get_by_label("Value", exact=True).fill("odd")
    page.get_by_role("button", name="Apply").first.click()
    assert asked(page) == ['{"parity": "odd"}']
    assert ids(page) == ["1", "3", "5"]
    page.get_by_text("Change the filter").click()
    page.get_by_label("Field").nth(1).fill("_id")
    page.get_by_label("Operator").nth(1).select_option("is one of")
    page.get_by_label("Value", exact=True).nth(1).fill('"1", "2"')
    page.get_by_role("button", name="Apply").first.click()
    assert ids(page) == ["1"]
    page.get_by_role("link", name="odd 1").click()
    assert ids(page) == ["1", "2"]


def test_a_key_is_made_and_a_program_copied(visit, space):
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    page.goto("/collections/drawn/connect")
    page.get_by_label("What the key may do").select_option("write")
    page.get_by_role("button", name="Make a key").click()
    page.get_by_text("Copy it now").wait_for()
    page.locator("section", has=page.get_by_role("heading", name="Python")).get_by_role("button", name="Copy").click()
    for _ in range(200):  # until the script has written it
        text = page.evaluate("navigator.clipboard.readText()")
        if text:
            break
        page.wait_for_timeout(50)
    assert text.startswith("from lookalike import Client")
    secret = text.partition('key="')[2].partition('"')[0]
    assert space.catalog.keys.check(secret).grant.collections == ["drawn"]


def test_a_job_is_watched_until_it_is_over(visit, space, gallery, monkeypatch):
    monkeypatch.setattr(start, "SAMPLES", "watched")
    monkeypatch.setattr("lookalike.work.make_gallery", lambda folder, progress: gallery[1][:4])
    page = visit()
    space.create("watched")
    space.catalog.jobs.add("samples", {}, collection="watched", who="service")
    page.goto("/collections/watched")
    assert page.get_by_text("waiting for its turn").is_visible()
    with Background(space, ["samples"], scheduled=False):
        page.locator("ul.rows a.name").nth(3).wait_for()  # the page was loaded again by itself
    assert not page.get_by_text("Making the sample gallery").is_visible()
    page.wait_for_load_state("networkidle")
    page.goto("/compare")
    space.drop("watched")


@pytest.mark.parametrize("width", [1440, 390])
def test_what_is_known_of_a_record_without_a_picture_fits_into_its_place(visit, space, width):
    known = {f"field{number}": "words" for number in range(6)}
    space.create("known").add([{"_id": f"r{row}", "_vector": [1.0, row, *254 * [0.5]]} | known for row in range(4)])
    try:
        page = visit({"width": width, "height": 844})
        page.goto("/collections/known")
        fits = page.locator(".nopic").evaluate_all("all => all.map((one) => one.scrollHeight <= one.clientHeight)")
        assert fits == [True] * 4
        assert page.get_by_text("field0").first.is_visible()
    finally:
        space.drop("known")


def test_taggers_are_chosen_in_a_browser_without_scripts(visit, space, with_tagger):
    for name in ("place", "room"):
        with_tagger(space, space.get("drawn"), name)
    page = visit(java_script_enabled=False)
    page.goto("/collections/drawn/settings")
    page.get_by_label("Tagger 1").select_option("room")
    page.get_by_label("Tagger 2").select_option("place")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()
    assert space.get("drawn").settings.taggers == ("room", "place")
    assert page.get_by_label("Tagger 2").input_value() == "place"


ROOMS = {
    "start": "/",
    "new": "/new",
    "pictures": '/collections/drawn?filter={"parity": "odd"}',
    "placeholders": "/collections/bare",
    "record": "/collections/bare/record?id=r1",
    "settings": "/collections/drawn/settings",
    "connect": "/collections/drawn/connect",
    "delete": "/collections/drawn/delete",
    "delete a record": "/collections/drawn/record/delete?id=0",
}


@pytest.mark.parametrize("look", [pytest.param("light", marks=pytest.mark.slow), "dark"])
def test_pages_have_no_barriers_and_fit(visit, barriers, look):
    page = visit(PHONE if look == "dark" else {"width": 1280, "height": 860}, color_scheme=look)
    for room, target in ROOMS.items():
        page.goto(target)
        page.locator("summary").evaluate_all("all => all.forEach((one) => (one.parentElement.open = true))")
        assert barriers(page) == [], room
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"], room
