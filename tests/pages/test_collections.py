"""Collections made, set up, described anew and deleted on the pages, by those who may."""

import html
import re
import shutil

import httpx
import numpy as np
import pytest

from lookalike.catalog import Grant
from lookalike.kinds import KINDS


@pytest.fixture
def signed_in(space, address):
    """Return signed_in(scope, collections=None): a browser of whoever has such a key; its forms are taken."""
    browsers = []

    def open_browser(scope, collections=None):
        _, secret = space.catalog.keys.create(scope, Grant(scope, collections))
        browser = httpx.Client(base_url=address, headers={"Accept": "text/html"}, timeout=60)
        browsers.append(browser)
        browser.post("/signin", data={"key": secret})
        browser.headers["X-CSRF-Token"] = re.search(r'name="csrf" content="(\w+)"', browser.get("/").text)[1]
        return browser

    yield open_browser
    for browser in browsers:
        browser.close()


@pytest.fixture
def shop(space):
    collection = space.create("shop", kind="products", index=["brand"])
    collection.add({"_id": f"r{n}", "_vector": [1.0, n, *254 * [0.5]], "brand": "ab"[n % 2]} for n in range(4))
    yield collection
    if "shop" in {info.name for info in space.list()}:
        space.drop("shop")


def last_change(space):
    entry = space.catalog.audit.page(limit=1).entries[0]
    return entry.action, entry.target


def test_each_kind_has_a_card_that_says_when_to_choose_it(visitor):
    text = visitor.get("/new?kind=matching").text
    for title in ("Generic Photos", "Product Photos", "Dominant Colors", "Image Matching", "Custom"):
        assert f"<b>{title}</b>" in text
    for card in KINDS.values():
        assert card.choose in text
    assert re.findall(r'value="(\w+)" checked', text) == ["matching"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_collection_of_each_kind_is_made(visitor, space, kind):
    answer = visitor.post("/new", data={"name": f"new-{kind}", "kind": kind})
    try:
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/collections/new-{kind}"
        assert space.get(f"new-{kind}").settings == KINDS[kind].settings
        assert last_change(space) == ("collection.create", f"new-{kind}")
    finally:
        space.drop(f"new-{kind}")


def test_a_collection_is_made_as_was_said_and_its_maker_led_on(visitor, space):
    given = {"name": "own", "kind": "custom", "product_id": "sku", "index": "brand, size.width ,", "next": "connect"}
    answer = visitor.post("/new", data={**given, "describers": ["copy", "color"], "entities": "shape: 16"})
    try:
        assert answer.headers["location"] == "/collections/own/connect"
        settings = space.get("own").settings
        assert settings.product_id == "sku"
        assert settings.index == ("brand", "size.width")
        assert settings.describers == ("copy", "color")
        assert settings.entities == {"shape": 16}
    finally:
        space.drop("own")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "drawn"}, "drawn"),
        ({"name": "a/b"}, "a/b"),
        ({"name": ""}, "name"),
        ({"name": "x", "kind": "odd"}, "kind"),
        ({"name": "x", "model": "nope"}, "nope"),
        ({"name": "x", "index": "$where"}, "index"),
        ({"name": "x", "entities": "shape: many", "kind": "custom"}, "entities.shape"),
        ({"name": "x", "entities": "shape: 1.5", "kind": "custom"}, "entities.shape"),
        ({"name": "<b>x</b>"}, "&lt;b&gt;x&lt;/b&gt;"),
    ],
)
def test_what_makes_no_collection_is_said_and_what_was_typed_stays(visitor, space, given, said):
    before = [info.name for info in space.list()]
    answer = visitor.post("/new", data={"kind": "photos", "product_id": "my-product", **given})
    assert answer.status_code == 422
    trouble = re.search(r'role="alert">(.*?)</p>', answer.text)[1]
    assert said in trouble
    assert 'value="my-product"' in answer.text
    assert [info.name for info in space.list()] == before


def test_a_product_field_that_the_wire_keeps_elsewhere_is_warned_of(visitor, space, shop):
    address = "/collections/shop/settings"
    assert "ximilar_" not in visitor.get(address).text
    space.configure("shop", product_id="_estate_id")
    assert "<code>ximilar_estate_id</code>" in visitor.get(address).text
    space.configure("shop", product_id="_batch")
    assert "ximilar_" not in visitor.get(address).text
    space.configure("shop", product_id="product_id")


def test_a_new_collection_with_such_a_product_field_is_warned_of_at_once(visitor, space):
    given = {"kind": "products", "next": "import", "product_id": "_estate_id"}
    refused = visitor.post("/new", data={**given, "name": "a/b"})
    assert (refused.status_code, "<code>ximilar_estate_id</code>" in refused.text) == (422, True)
    made = visitor.post("/new", data={**given, "name": "estates"}, follow_redirects=True)
    assert (made.status_code, "<code>ximilar_estate_id</code>" in made.text) == (200, True)
    made = visitor.post("/new", data={**given, "name": "batches", "product_id": "_batch"}, follow_redirects=True)
    assert (made.status_code, "ximilar_" in made.text) == (200, False)
    for name in ("estates", "batches"):
        space.drop(name)


def test_settings_are_shown_and_changed(visitor, space, shop):
    text = visitor.get("/collections/shop/settings").text
    assert 'name="weight.meaning" value="0.7"' in text
    assert 'name="product_id" value="product_id"' in text
    assert "Can't be changed later" in text
    changes = {"product_id": "", "index": "brand, price", "weight.copy": "2", "weight.tags": "0,5", "threshold": "0.9"}
    answer = visitor.post(
        "/collections/shop/settings",
        data={**changes, "fields": "tags, title: 0.5", "auto_tags": "3", "ignore_case": "1"},
    )
    assert answer.status_code == 303
    settings = space.get("shop").settings
    assert settings.product_id is None
    assert settings.index == ("brand", "price")
    assert settings.weights == {"copy": 2.0, "tags": 0.5}
    assert settings.fields == {"tags": 1.0, "title": 0.5}
    assert (settings.auto_tags, settings.threshold, settings.ignore_case) == (3, 0.9, True)
    assert last_change(space) == ("collection.configure", "shop")
    saved = visitor.get(answer.headers["location"]).text
    assert "Saved." in saved
    assert 'name="ignore_case" value="1" checked' in saved
    # a form sent as it is shown changes nothing
    fields = dict(re.findall(r'name="([\w.]+)" value="([^"]*)"', saved))
    visitor.post("/collections/shop/settings", data={name: fields[name] for name in fields if name != "csrf"})
    assert space.get("shop").settings == settings


@pytest.fixture
def taggers(space, shop, with_tagger):
    """Two taggers that read what the shop has, one that doesn't, and a damaged one."""
    for name in ("place", "room"):
        with_tagger(space, shop, name)
    with_tagger(space, shop, "other", "another/1@model")
    with_tagger(space, shop, "odd")
    (space.path / "taggers" / "odd" / "tagger.json").write_text("{}", "utf-8")
    yield
    shutil.rmtree(space.path / "taggers")


GOOD = {"weight.meaning": "1", "threshold": "0.5", "fields": "tags: 1"}


def chain(text):
    """The taggers that a settings page shows as chosen, row by row, with those that can be."""
    rows = re.findall(r'<select name="(tagger\.\d+)".*?</select>', text, re.S)
    chosen = [re.search(rf'name="{row}".*?</select>', text, re.S)[0] for row in rows]
    picked = [(re.findall(r'value="([^"]+)" selected', one) or [""])[0] for one in chosen]
    return picked, re.findall(r'value="([^"]+)"', chosen[-1]) if chosen else []


def test_a_chain_of_taggers_is_chosen_in_order(visitor, space, shop, taggers):
    assert chain(visitor.get("/collections/shop/settings").text) == (["", ""], ["place", "room"])
    answer = visitor.post("/collections/shop/settings", data={**GOOD, "tagger.0": "room", "tagger.1": "place"})
    assert answer.status_code == 303
    assert shop.settings.taggers == ("room", "place")
    shop.add([{"_id": "new", "_image": np.zeros((64, 64, 3), np.uint8)}])
    record = shop.get(["new"])[0].fields
    assert [record[f"{name}-field"] for name in ("room", "place")] == ["out", "out"]
    text = visitor.get(answer.headers["location"]).text
    assert chain(text)[0] == ["room", "place", "", ""]
    visitor.post("/collections/shop/settings", data={**GOOD, "tagger.0": "", "tagger.1": "place", "tagger.2": ""})
    assert shop.settings.taggers == ("place",)


def test_what_a_step_says_beside_its_tagger_stays(visitor, space, shop, taggers):
    step = {"tagger": "room", "field": "kind", "when": {"brand": "<a>"}, "least": 0.8}
    space.configure("shop", taggers=[step, "place"])
    text = visitor.get("/collections/shop/settings").text
    assert "fills kind, only where {&#34;brand&#34;: &#34;&lt;a&gt;&#34;}, from 0.8 on" in text
    visitor.post("/collections/shop/settings", data={**GOOD, "tagger.0": "place", "tagger.1": "room"})
    assert shop.settings.taggers == ("place", step)
    visitor.post("/collections/shop/settings", data=GOOD)
    assert shop.settings.taggers == ("place", step), "a form without these rows changes nothing of them"


@pytest.mark.parametrize("unknown", ["nope", "other", "odd", "../place", "<b>x</b>", "/etc"])
def test_an_unknown_tagger_is_said_on_the_page(visitor, space, shop, taggers, unknown):
    answer = visitor.post("/collections/shop/settings", data={**GOOD, "tagger.0": "room", "tagger.1": unknown})
    assert answer.status_code == 422
    trouble = html.unescape(re.search(r'role="alert">(.*?)</p>', answer.text)[1])
    assert unknown in trouble
    assert "one of place, room" in trouble
    assert chain(answer.text)[0][0] == "room", "what was chosen stays in the form"
    assert shop.settings.taggers == ()
    assert "<b>x" not in answer.text


def test_a_tagger_that_is_gone_is_said_and_can_be_taken_out(visitor, space, shop, taggers):
    space.configure("shop", taggers=["room", "place"])
    shutil.rmtree(space.path / "taggers" / "room")
    text = visitor.get("/collections/shop/settings").text
    assert "room (not here any more, or altered)" in text
    same = {**GOOD, "tagger.0": "room", "tagger.1": "place"}
    assert visitor.post("/collections/shop/settings", data={**same, "index": "brand"}).status_code == 303
    answer = visitor.post("/collections/shop/settings", data={**same, "tagger.2": "place"})
    assert answer.status_code == 422, "a changed chain must work as a whole"
    assert "room" in re.search(r'role="alert">(.*?)</p>', answer.text)[1]
    visitor.post("/collections/shop/settings", data={**GOOD, "tagger.0": "", "tagger.1": "place"})
    assert shop.settings.taggers == ("place",)


def test_without_vectors_or_taggers_there_is_nothing_to_choose(visitor, space, shop):
    text = visitor.get("/collections/shop/settings").text
    assert "None is here yet" in text
    assert chain(text) == ([], [])
    space.create("bare-one", kind="custom", entities={"shape": 2})
    assert "Taggers" not in visitor.get("/collections/bare-one/settings").text
    space.drop("bare-one")


@pytest.mark.parametrize(
    "wrong",
    [{"weight.meaning": "much"}, {"weight.meaning": "-1"}, {"threshold": "2"}, {"index": "a..b"}, {"auto_tags": "99"}],
)
def test_settings_that_make_no_sense_are_refused_and_stay_in_the_form(visitor, space, shop, wrong):
    before = space.get("shop").settings
    good = {"weight.meaning": "1", "threshold": "0.5", "fields": "tags: 1"}
    answer = visitor.post("/collections/shop/settings", data={**good, **wrong})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert f'value="{next(iter(wrong.values()))}"' in answer.text
    assert space.get("shop").settings == before


def test_another_model_is_asked_for_as_a_job(visitor, space, shop, monkeypatch):
    monkeypatch.setattr("lookalike.pages.collections._models", lambda: ["lookalike-mini", "siglip2-base"])
    assert 'action="/collections/shop/redescribe"' in visitor.get("/collections/shop/settings").text
    assert visitor.post("/collections/shop/redescribe", data={"model": "lookalike-mini"}).status_code == 422
    assert visitor.post("/collections/shop/redescribe", data={"model": "no-such-model"}).status_code == 404
    known = next(name for name in _known_models() if name != "lookalike-mini")
    assert visitor.post("/collections/shop/redescribe", data={"model": known}).status_code == 303
    (job,) = space.catalog.jobs.page(collection="shop", live=True)
    assert (job.kind, job.spec) == ("redescribe", {"model": known, "anyway": False})
    assert "Describing anew" in visitor.get("/collections/shop/settings").text
    assert visitor.post("/collections/shop/redescribe", data={"model": known}).status_code == 422
    space.catalog.jobs.cancel(job.id)


def _known_models():
    from lookalike.describers.cards import names

    return names()


def test_a_collection_is_deleted_by_those_who_type_its_name(visitor, space, shop):
    page = visitor.get("/collections/shop/delete")
    assert "4 records" in page.text
    for typed in ("", "Shop", "drawn"):
        refused = visitor.post("/collections/shop/delete", data={"typed": typed})
        assert refused.status_code == 422
        assert "Nothing was deleted" in refused.text
    assert visitor.post("/collections/shop/delete", data={"typed": "shop"}).headers["location"] == "/"
    assert "shop" not in {info.name for info in space.list()}
    assert last_change(space) == ("collection.drop", "shop")
    assert visitor.get("/collections/shop/delete").status_code == 404


def test_a_record_is_deleted_after_a_look_at_it(visitor, space, shop, links):
    (asked,) = links(visitor.get("/collections/shop/record?id=r1"), "record/delete")
    page = visitor.get(asked)
    assert "Delete this record?" in page.text
    assert shop.get(["r1"])[0] is not None  # looking deletes nothing
    assert visitor.post(asked).headers["location"] == "/collections/shop"
    assert shop.get(["r1"]) == [None]
    assert last_change(space) == ("records.delete", "shop")
    assert visitor.post(asked).status_code == 404


CHANGES = [
    ("/new", {"name": "x", "kind": "photos"}),
    ("/collections/shop/settings", {"weight.meaning": "1", "threshold": "0.5"}),
    ("/collections/shop/redescribe", {"model": "lookalike-mini"}),
    ("/collections/shop/delete", {"typed": "shop"}),
    ("/collections/shop/record/delete?id=r1", {}),
    ("/collections/shop/connect", {"scope": "read"}),
]


@pytest.mark.parametrize(("target", "form"), CHANGES)
def test_no_change_without_the_token_of_the_page(visitor, space, shop, target, form):
    token = visitor.headers.pop("X-CSRF-Token")
    before = (len(shop), shop.settings, len(space.list()), len(space.catalog.keys.list()))
    assert visitor.post(target, data=form).status_code == 401
    assert visitor.post(target, data={**form, "csrf": "0" * 64}).status_code == 401
    sent = {"Sec-Fetch-Site": "cross-site"}
    assert visitor.post(target, data={**form, "csrf": token}, headers=sent).status_code == 401
    assert (len(shop), shop.settings, len(space.list()), len(space.catalog.keys.list())) == before


@pytest.mark.parametrize(("target", "form"), CHANGES)
def test_no_change_by_readers(signed_in, shop, target, form):
    reader = signed_in("read")
    answer = reader.post(target, data=form)
    assert answer.status_code == 403
    assert "You may not do that" in answer.text
    assert len(shop) == 4


def test_readers_see_settings_but_no_buttons(signed_in, shop):
    reader = signed_in("read")
    text = reader.get("/collections/shop/settings").text
    assert '<fieldset class="plainly" disabled>' in text
    assert "Save" not in text
    assert "/delete" not in text
    assert "/delete" not in reader.get("/collections/shop/record?id=r1").text
    assert "Make a key" not in reader.get("/collections/shop/connect").text
    assert reader.get("/collections/shop/delete").status_code == 403


def test_writers_delete_records_but_not_collections(signed_in, shop):
    writer = signed_in("write", ["shop"])
    assert writer.post("/collections/shop/record/delete?id=r1").status_code == 303
    assert writer.post("/collections/shop/delete", data={"typed": "shop"}).status_code == 403
    assert writer.get("/collections/drawn").status_code == 403


def test_above_each_page_stand_the_others(visitor, signed_in, shop, links):
    for browser in (visitor, signed_in("read")):
        text = browser.get("/collections/shop").text
        bar = text[text.index('class="rooms"') : text.index("</nav>", text.index('class="rooms"'))]
        targets = re.findall(r'href="([^"]+)"', bar)
        assert {"/collections/shop", "/collections/shop/connect", "/collections/shop/settings"} <= set(targets)
        for target in targets:
            page = browser.get(target)
            assert page.status_code == 200
            assert page.text.count('aria-current="page"') == 1
    assert 'class="rooms"' not in visitor.get("/collections/nope").text
