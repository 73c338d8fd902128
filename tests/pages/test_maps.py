"""The map of a collection: drawn, looked at, chosen from, and readable without scripts."""

import csv
import io
import re
from pathlib import Path

import pytest
from PIL import Image

import lookalike
from lookalike.catalog import Grant
from lookalike.work import Background

HOME = "/collections/shop/map"
WAIT = 60
HOSTILE = "a <b>'\"&.png"


@pytest.fixture(scope="module")
def space(tmp_path_factory, drawn):
    """A collection of drawn pictures in two groups, one of whose ids is hostile, and some records without pictures."""
    with lookalike.open(tmp_path_factory.mktemp("map") / "workspace") as space:
        paths = sorted(drawn.iterdir())
        shop = space.create("shop")
        shop.add(
            {"_id": HOSTILE if n == 0 else path.stem, "_file": str(path), "kind": "<i>" if n < 3 else "plain", "n": n}
            for n, path in enumerate(paths)
        )
        vector = [1.0, *255 * [0.1]]
        shop.add(
            {"_id": f"bare{n}", "_vector": [*vector[:n], -1.0, *vector[n + 1 :]], "kind": "bare"} for n in range(3)
        )
        space.create("empty")
        with Background(space, ["map"], scheduled=False) as background:
            space.draw = lambda: background.runner.wait(
                background.runner.start(
                    "map", {"description": "meaning", "method": "pca", "anew": True}, collection="shop"
                ).id,
                WAIT,
            )
            yield space


@pytest.fixture(scope="module")
def address(space, serving):
    with serving(space) as address:
        yield address


@pytest.fixture
def mapped(space):
    assert space.draw().state == "done"
    return space


@pytest.fixture
def ready(visit, mapped):
    """Return ready(**options): a browser that looks at the map, when its colors are there."""

    def come(viewport={"width": 1280, "height": 860}, target=HOME, **options):  # noqa: B006 - never changed
        page = visit(viewport, **options)
        page.goto(target)
        page.locator("[data-legend]").wait_for()
        return page

    return come


def dots(page):
    """Where each record is in the window, by id."""
    return page.evaluate(
        """async () => {
            const map = await (await fetch('/v1/collections/shop/map?description=meaning')).json();
            const box = document.querySelector('[data-sheet]').getBoundingClientRect();
            const span = (all) => (Math.max(...all) - Math.min(...all)) / 65535;
            const scale = Math.min(box.width / span(map.x), box.height / span(map.y)) * 0.92;
            return Object.fromEntries(map.ids.map((id, n) => [id, [
                box.x + box.width / 2 + (map.x[n] / 65535 - 0.5) * scale,
                box.y + box.height / 2 + (0.5 - map.y[n] / 65535) * scale,
            ]]));
        }"""
    )


def choose_all(page):
    page.locator("[data-sheet]").press("a")
    page.locator("[data-chosen]").wait_for()


def test_a_map_is_drawn_from_its_page(visitor, space):
    (space.path / "maps" / "shop" / "copy.npz").unlink(missing_ok=True)
    page = visitor.get(HOME, params={"description": "copy"})
    assert "Not drawn yet" in page.text
    answer = visitor.post(HOME, data={"description": "copy"})
    assert answer.headers["location"] == f"{HOME}?description=copy"
    for _ in range(600):
        page = visitor.get(answer.headers["location"])
        if "data-map=" in page.text and "data-job" not in page.text:
            break
    assert "7 records" in page.text  # the others have vectors of their own, by meaning alone
    assert "&lt;i&gt;" in page.text
    assert "<i>" not in page.text
    assert visitor.get("/collections/empty/map").text.count("Nothing is in this collection yet") == 1
    assert ">Map</a>" in visitor.get("/collections/shop").text


def test_it_reads_without_scripts(visitor, mapped, links):
    page = visitor.get(HOME)
    pictures = links(page, "/map/picture")
    picture = visitor.get(pictures[0])
    assert picture.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(picture.content)).size == (1000, 1000)
    dark = visitor.get(re.search(r'srcset="([^"]*)"', page.text)[1].replace("&amp;", "&"))
    assert dark.content != picture.content
    assert any("%22plain%22" in target for target in links(page, "filter="))
    by_number = visitor.get(HOME, params={"color": "n"})
    assert by_number.status_code == 200
    assert visitor.get(f"{HOME}/picture", params={"color": "n"}).status_code == 200
    assert visitor.get(f"{HOME}/picture", params={"color": "-"}).status_code == 200
    assert visitor.get(HOME, params={"description": "smell"}).status_code == 422
    assert visitor.get("/collections/empty/map/picture").status_code == 404


def test_readers_see_the_map_and_nothing_that_changes_anything(mapped, address, keyed, visit):
    with keyed(mapped.catalog, address, Grant("read")) as reader:
        page = reader.get(HOME)
        assert page.status_code == 200
        for word in ("data-delete", "data-tag", "Draw anew", "data-sure"):
            assert word not in page.text
        assert reader.post(HOME, data={}).status_code == 403
        assert "whoever may write" in reader.get(HOME, params={"description": "color"}).text
    secret = mapped.catalog.keys.create("reader", Grant("read"))[1]
    page = visit(secret=secret)
    page.goto(HOME)
    page.locator("[data-legend]").wait_for()
    choose_all(page)
    assert page.locator("[data-count]").inner_text() == "10 records chosen"
    assert page.get_by_role("button", name="Delete").count() == 0


def test_a_record_is_told_of_under_the_mouse_and_opened_by_a_click(ready):
    page = ready()
    x, y = dots(page)["5"]
    page.mouse.move(x, y)
    page.locator("[data-spot] b", has_text=re.compile("^5$")).wait_for()
    page.mouse.click(x, y)
    page.get_by_role("link", name="Open", exact=True).click()
    page.wait_for_url("**/record?id=5")


def test_hostile_names_are_text(ready):
    page = ready()
    assert page.get_by_role("button", name="<i>").is_visible()
    page.mouse.move(*dots(page)[HOSTILE])
    page.locator("[data-spot] b", has_text=HOSTILE).wait_for()
    assert page.locator("[data-spot] b b").count() == 0


def test_the_keys_and_the_wheel_move_it_and_the_url_follows(ready):
    page = ready()
    sheet = page.locator("[data-sheet]")
    sheet.focus()
    for key in ("+", "+", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    page.wait_for_url("**at=0.*")
    x, y, zoom = map(float, re.search(r"at=([\d.]+)%2C([\d.]+)%2C([\d.]+)", page.url).groups())
    assert x > 0.5
    assert y > 0.5
    assert zoom == pytest.approx(1.96)
    page.reload()
    page.locator("[data-legend]").wait_for()
    page.wait_for_timeout(400)
    assert f"%2C{zoom}" in page.url  # the view is that of the URL
    page.locator("[data-sheet]").hover()
    page.mouse.wheel(0, 400)
    page.wait_for_function("() => !location.search.includes('%2C1.96')")
    page.get_by_role("button", name="All", exact=True).click()
    page.wait_for_function("() => !location.search.includes('at=')")


def test_colors_are_chosen_and_values_switched_off(ready):
    page = ready()
    assert page.locator("[data-legend] button").all_inner_texts() == ["plain\n4", "<i>\n3", "bare\n3"]
    page.get_by_role("button", name="plain").click()
    choose_all(page)
    assert page.locator("[data-count]").inner_text() == "6 records chosen"
    page.reload()  # what is switched off is in the URL
    page.locator("[data-legend] button[aria-pressed=false]", has_text="plain").wait_for()
    choose_all(page)
    assert page.locator("[data-count]").inner_text() == "6 records chosen"
    page.keyboard.press("Escape")
    assert page.locator("[data-chosen]").is_hidden()
    page.locator("select[name=color]").select_option("n")
    page.wait_for_url("**color=n**")
    page.locator("[data-legend] h2", has_text=re.compile("^n$")).wait_for()
    page.reload()
    page.locator("[data-legend] h2", has_text=re.compile("^n$")).wait_for()
    assert "hide" not in page.url
    page.locator("select[name=color]").select_option("-")
    page.locator("[data-legend]").wait_for(state="hidden")


def test_a_url_that_hides_nonsense_hides_nothing(ready):
    page = ready(target=f"{HOME}?hide=%5B%22plain%22,7,null")
    assert page.locator("[data-legend] button[aria-pressed=true]").count() == 3


def test_a_line_drawn_around_records_chooses_them_and_shift_a_rectangle(ready):
    page = ready()
    x, y = dots(page)["5"]
    page.get_by_role("button", name="Select").click()
    page.mouse.move(x - 9, y - 9)
    page.mouse.down()
    for dx, dy in ((9, -9), (9, 9), (-9, 9)):
        page.mouse.move(x + dx, y + dy, steps=3)
    page.mouse.up()
    assert page.locator("[data-count]").inner_text() == "1 record chosen"
    page.get_by_role("link", name="Show them").click()
    page.wait_for_url("**/collections/shop?filter=*")
    assert page.locator("ul.rows li").count() == 1
    page.go_back()
    page.locator("[data-legend]").wait_for()
    box = page.locator("[data-sheet]").bounding_box()
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + 9, box["y"] + 9)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 9, box["y"] + box["height"] - 9, steps=3)
    page.mouse.up()
    page.keyboard.up("Shift")
    assert page.locator("[data-count]").inner_text() == "10 records chosen"


def test_the_chosen_are_tagged_saved_and_deleted(ready, mapped):
    shop = mapped.get("shop")
    shop.update([{"_id": "5", "tags": ["old"]}])
    page = ready()
    choose_all(page)
    page.get_by_placeholder("Tags").fill("seen, =1+1")
    page.get_by_role("button", name="Tag them").click()
    page.get_by_role("link", name="Show all with “seen”").wait_for()
    assert shop.count({"tags": "seen"}) == 10
    assert shop.get(["5"])[0].fields["tags"] == ["old", "seen", "=1+1"]
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(saved.value.path()).read_text("utf-8-sig"), newline="")))
    assert sorted(row["_id"] for row in rows) == sorted(record.id for record in shop.records())
    assert rows[0].keys() >= {"kind", "tags"}
    assert "_file" not in rows[0]
    shop.add([{"_id": "late", "_vector": [1.0] * 256, "kind": "late"}])
    page.keyboard.press("Escape")
    page.get_by_role("button", name="plain").click()
    page.get_by_role("button", name="<i>").click()
    choose_all(page)
    page.get_by_role("button", name="Delete").click()
    assert page.get_by_role("heading", name="Delete 3 records?").is_visible()
    page.get_by_role("button", name="Keep them").click()
    assert len(shop) == 11
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("Since it was drawn: 1 new, 3 gone").wait_for()
    assert shop.count({"kind": "bare"}) == 0
    page.get_by_role("button", name="Update").click()
    page.get_by_text("8 records, near").wait_for()
    vector = [1.0, *255 * [0.1]]
    shop.delete(["late"])
    shop.add({"_id": f"bare{n}", "_vector": [*vector[:n], -1.0, *vector[n + 1 :]], "kind": "bare"} for n in range(3))


@pytest.mark.parametrize(("scheme", "width"), [pytest.param("light", 1280, marks=pytest.mark.slow), ("dark", 390)])
def test_the_map_has_no_barriers(ready, barriers, scheme, width):
    page = ready({"width": width, "height": 844}, color_scheme=scheme)
    choose_all(page)
    assert barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Delete").click()
    assert barriers(page) == []


def test_without_scripts_there_is_a_picture_and_a_table(visit, mapped):
    page = visit(java_script_enabled=False)
    page.goto(HOME)
    assert page.get_by_alt_text("The map, a dot for each record, colored by kind").is_visible()
    assert page.locator("table.groups tbody tr").count() == 3
