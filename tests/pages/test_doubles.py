"""A collection's duplicates on its pages: found, decided, and deleted after a look at what goes."""

import html
import re

import httpx
import pytest
from PIL import Image

import lookalike
from lookalike.catalog import Grant
from lookalike.pages import doubles
from lookalike.records import Record

HOME = "/collections/pairs/duplicates"


@pytest.fixture
def space(tmp_path, draw, save):
    """A collection of 0 and 1, each with a smaller copy, and 2, which has none; one id is hostile."""
    for seed in range(3):
        save(draw(seed), tmp_path / f"{seed}.jpg", quality=95)
    for seed in range(2):
        save(draw(seed)[::2, ::2], tmp_path / f"{seed}-small.jpg", quality=80)
    with lookalike.open(tmp_path / "workspace") as space:
        ids = {"1-small": "1 <b>'\"&small"}
        space.create("pairs").add(
            {"_id": ids.get(path.stem, path.stem), "_file": str(path)} for path in sorted(tmp_path.glob("*.jpg"))
        )
        yield space


@pytest.fixture
def address(space, serving):
    with serving(space) as address:
        yield address


def shown(visitor, target=HOME):
    """The page, once the search is over."""
    for _ in range(30):
        page = visitor.get(target)
        if "refresh" not in page.headers:
            break
    assert page.status_code == 200
    return page.text


def key_of(text, id_):
    """The name of the group that holds a record."""
    cards = text.split("data-card")[1:]
    card = next(card for card in cards if f'name="keep" value="{html.escape(id_)}"' in card)
    return re.search(r'name="group" value="(\w+)"', card)[1]


def test_groups_are_found_and_the_larger_one_is_suggested(visitor):
    text = shown(visitor)
    assert "2 groups of duplicates" in text
    assert "1 &lt;b&gt;" in text
    assert "<b>&#39;" not in text
    assert re.findall(r'name="keep" value="(\w+)" checked', text) == ["0", "1"]
    assert text.count("suggested: most pixels") == 2
    assert visitor.post(HOME, data={"probability": "1"}).status_code == 303
    assert "No two of the 5 records" in shown(visitor)


def test_decisions_are_kept_for_the_collection_and_taken_back(visitor, space):
    key = key_of(shown(visitor), "0")
    decided = visitor.post(f"{HOME}/decide", data={"group": key, "verdict": "different"})
    assert decided.status_code == 303
    assert [(one.verdict, one.members) for one in space.catalog.decisions.list("pairs")] == [
        ("different", ["0", "0-small"])
    ]
    assert space.catalog.decisions.list() == []
    text = shown(visitor)
    assert "1 group of duplicates" in text
    assert "1 group said to be no duplicates" in text
    assert key_of(shown(visitor, f"{HOME}?done=1"), "0") == key
    visitor.post(f"{HOME}/decide", data={"group": key, "verdict": "open"})
    assert space.catalog.decisions.list("pairs") == []
    visitor.post(f"{HOME}/decide", data={"group": key, "verdict": "same"})
    assert "said to be the same" in shown(visitor)
    assert visitor.post(f"{HOME}/decide", data={"group": "nope", "verdict": "same"}).status_code == 410


def test_the_others_are_deleted_after_a_look_at_what_goes(visitor, space):
    key = key_of(shown(visitor), "0")
    asked = visitor.get(f"{HOME}/delete", params={"group": key, "keep": "0-small"})
    assert "Delete 1 record?" in asked.text
    assert len(space.get("pairs")) == 5
    assert visitor.post(f"{HOME}/delete", data={"group": key, "keep": "2"}).status_code == 404, "no member"
    assert visitor.post(f"{HOME}/delete", data={"group": key, "keep": "0-small"}).status_code == 303
    assert space.get("pairs").get(["0", "0-small"])[0] is None
    assert len(space.get("pairs")) == 4
    assert "Not duplicates" in shown(visitor)
    assert 'value="0-small"' not in shown(visitor)


def test_what_was_deleted_is_brought_back_from_the_page(visitor, space):
    collection = space.get("pairs")
    before = collection._store.get(["0"], with_vectors=True)[0]
    key = key_of(shown(visitor), "0")
    visitor.post(f"{HOME}/delete", data={"group": key, "keep": "0-small"})
    visitor.post("/collections/pairs/record/delete", params={"id": "2"})
    for path in (HOME, "/collections/pairs"):
        assert "1 record deleted just now" in shown(visitor, path)
    removals = re.findall(r'data-removal="([^"]+)"', visitor.get("/collections/pairs/removed").text)
    assert len(removals) == 2
    assert visitor.post(f"/collections/pairs/removed/{removals[0]}/forget").status_code == 303
    answer = visitor.post(f"/collections/pairs/removed/{removals[1]}/back")
    assert answer.status_code == 303
    assert "1 record brought back." in visitor.get(answer.headers["location"]).text
    after = collection._store.get(["0"], with_vectors=True)[0]
    assert dict(after.payload) == dict(before.payload)
    assert all(after.vectors[name].tobytes() == before.vectors[name].tobytes() for name in before.vectors)
    assert len(collection) == 4
    assert "deleted just now" not in shown(visitor)
    assert visitor.post(f"/collections/pairs/removed/{removals[1]}/back").status_code == 404
    assert "Nothing deleted is kept" in visitor.get("/collections/pairs/removed").text


def test_groups_tell_when_pictures_were_taken(visitor, space, tmp_path, draw):
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x9003] = "2024:02:29 12:34:56"
    Image.fromarray(draw(2)).save(tmp_path / "taken.jpg", exif=exif, quality=95)
    space.get("pairs").add([{"_id": "taken", "_file": str(tmp_path / "taken.jpg")}])
    text = shown(visitor)
    assert "2024-02-29 12:34:56" in text
    assert re.search(r'name="keep" value="taken" checked', text)


def test_a_reader_sees_groups_and_changes_nothing(address, space, visitor):
    key = key_of(shown(visitor), "0")
    _, secret = space.catalog.keys.create("reader", Grant("read"))
    with httpx.Client(base_url=address, headers={"Accept": "text/html"}, timeout=60) as reader:
        assert reader.post("/signin", data={"key": secret}).status_code == 303
        text = shown(reader)
        assert "Delete the others" not in text
        assert "Not duplicates" not in text
        reader.headers["X-CSRF-Token"] = re.search(r'name="csrf" content="(\w+)"', text)[1]
        assert reader.post(f"{HOME}/decide", data={"group": key, "verdict": "same"}).status_code == 403
        assert reader.get(f"{HOME}/delete", params={"group": key, "keep": "0"}).status_code == 403
        assert reader.post(f"{HOME}/delete", data={"group": key, "keep": "0"}).status_code == 403
    assert len(space.get("pairs")) == 5


@pytest.mark.parametrize(("width", "scheme"), [pytest.param(1280, "light", marks=pytest.mark.slow), (390, "dark")])
def test_the_keyboard_goes_through_the_groups(visit, barriers, space, width, scheme):
    page = visit({"width": width, "height": 844}, color_scheme=scheme)
    page.goto(HOME)
    page.locator(".doubles > li").first.wait_for()
    assert barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("2")
    assert page.locator(".here input:checked").get_attribute("value") == "1 <b>'\"&small"
    with page.expect_navigation():
        page.keyboard.press("x")
    assert barriers(page) == []
    page.get_by_role("button", name="Delete 1 record").click()
    page.wait_for_url(f"**{HOME}")
    assert [one is None for one in space.get("pairs").get(["1", "1 <b>'\"&small"])] == [True, False]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"_width": 900}, "most pixels"),
        ({"_exif": 9, "_size": 5}, "most EXIF fields"),
        ({"brand": "x", "_size": 5}, "most metadata"),
        ({"_size": 2000, "_mtime": 99}, "most bytes"),
        ({"_format": "JPEG", "_size": 5, "_mtime": 3}, "oldest file"),
    ],
)
def test_the_better_record_is_suggested(fields, why):
    """Bytes count within one format only, and a record without a file is no older one."""
    usual = {"_width": 800, "_height": 600, "_exif": 3, "_format": "PNG", "_size": 1000, "_mtime": 50}
    records = [Record("a", usual), Record("b", usual | fields), Record("c", {**usual, "_mtime": 0})]
    assert doubles._best(records) == ("b", why)
