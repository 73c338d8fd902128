"""Galleries, their filters and values, and records; names and metadata from hostile hands."""

import base64
import json
import re
from html import escape, unescape
from urllib.parse import parse_qs, urlsplit

import pytest

HOSTILE_IDS = [
    "a/b c",
    "../../etc/passwd",
    "?&=#%2F+;",
    "日本語 ü",
    "\"><script>alert('id')</script>",
    "{{ 7 * 7 }}",
    "a\nb\\c",
]


@pytest.fixture(scope="module")
def hostile(space):
    """A collection whose names and metadata want to be markup."""
    collection = space.create("hostile")
    collection.add(
        {
            "_id": id_,
            "_vector": [1.0, place, *254 * [0.1]],
            "note": "<script>alert('note')</script>",
            "<b>": {"a": "<i>"},
        }
        for place, id_ in enumerate(HOSTILE_IDS)
    )
    yield collection
    space.drop("hostile")


def test_every_record_is_on_one_page_of_the_gallery_and_only_one(visitor, links):
    seen, said, target = [], [], "/collections/many"
    while target:
        page = visitor.get(target)
        seen += [link.rpartition("=")[2] for link in links(page, "/collections/many/record?id=")]
        said.append(re.search(r"Page \d+ of \d+", page.text)[0])
        target = next(iter(links(page, "after=")), None)
    assert sorted(seen) == [f"r{number:03}" for number in range(130)]
    assert said == ["Page 1 of 3", "Page 2 of 3", "Page 3 of 3"]


def test_records_without_a_picture_get_a_placeholder_with_their_id(visitor, links):
    page = visitor.get("/collections/many")
    assert page.text.count('class="nopic"') == 60
    assert "130 pictures" in page.text
    assert not links(page, "/thumb")


def test_a_placeholder_says_what_is_known(visitor, hostile):
    text = visitor.get("/collections/hostile").text
    assert "<b>note</b> &lt;script&gt;alert(&#39;note&#39;)&lt;/script&gt;" in text
    assert "<b>&lt;b&gt;</b> {&#34;a&#34;: &#34;&lt;i&gt;&#34;}" in text


def test_placeholders_are_all_of_one_shape_and_leave_out_what_says_nothing(visitor, space, draw, save, tmp_path):
    wide = save(draw(0)[:20], tmp_path / "wide.png")
    encoded = base64.b64encode(wide.read_bytes()).decode()
    space.create("unseen").add([{"_id": "wide", "_base64": encoded, "tags": [], "note": "", "rooms": 0}])
    try:
        text = visitor.get("/collections/unseen").text
        assert re.findall(r'class="(shape-?\d+)"', text) == ["shape3"]
        assert re.findall(r'<span class="known"><span><b>(\w+)</b> (\w+)</span></span>', text) == [("rooms", "0")]
    finally:
        space.drop("unseen")


def test_a_filter_narrows_the_gallery(visitor, links):
    page = visitor.get("/collections/drawn", params={"filter": '{"parity": "odd"}'})
    assert "3 pictures that match" in page.text
    assert sorted(link.rpartition("=")[2] for link in links(page, "/drawn/record?id=")) == ["1", "3", "5"]


def facets(page):
    """Return {(field, value): (count, link, on)} of the values to click."""
    found = {}
    for field, values in re.findall(r'<h2 class="small">([^<]*)</h2>\s*<ul>(.*?)</ul>', page.text, re.DOTALL):
        for on, target, value, count in re.findall(
            r'<a( aria-current="true")? href="([^"]*)"><span>(.*?)</span> <small>([\d,]+)</small>', values
        ):
            found[unescape(field), unescape(value)] = (int(count), unescape(target), bool(on))
    return found


def test_values_are_counted_and_clicking_them_narrows(visitor):
    offered = facets(visitor.get("/collections/drawn"))
    assert {name: count for name, (count, *_) in offered.items()} == {("parity", "even"): 4, ("parity", "odd"): 3}
    page = visitor.get(offered["parity", "odd"][1])
    assert page.text.count('class="frame"') == 3
    count, back, on = facets(page)["parity", "odd"]
    assert (count, on) == (3, True)
    assert back == "/collections/drawn"


def test_indexed_fields_are_counted_whatever_their_values(visitor, space):
    indexed = space.create("indexed", index=["kind", "sold", "size.width", "unique"])
    try:
        indexed.add(
            {"_id": f"r{n}", "_vector": [1.0, n, *254 * [0.5]], "kind": ["<i>x</i>", "5"][: 1 + n % 2]}
            | {"sold": n % 3 == 0, "size": {"width": n // 3}, "unique": f"u{n}", "other": "same"}
            for n in range(6)
        )
        offered = facets(visitor.get("/collections/indexed"))
        counts = {name: count for name, (count, *_) in offered.items()}
        assert counts == {
            ("kind", "<i>x</i>"): 6,
            ("kind", "5"): 3,
            ("sold", "false"): 4,
            ("sold", "true"): 2,
            ("size.width", "0"): 3,
            ("size.width", "1"): 3,
        }
        for name, (count, target, _) in offered.items():
            page = visitor.get(target)
            assert page.text.count('class="frame"') == count, name
            assert facets(page)[name][2]
    finally:
        space.drop("indexed")


def test_a_value_is_asked_for_besides_a_filter_that_rows_cannot_say(visitor):
    where = {"$or": [{"parity": "odd"}, {"product": "0"}]}
    page = visitor.get("/collections/drawn", params={"filter": json.dumps(where)})
    assert page.text.count('class="frame"') == 5
    assert "Rows can't show all of it" in page.text
    count, target, _ = facets(page)["parity", "even"]
    assert visitor.get(target).text.count('class="frame"') == count == 2


def test_rows_of_the_form_become_the_filter_in_the_url(visitor):
    rows = {"field": ["parity", "", "product"], "op": ["is", "is", "in"], "value": ["even", "x", "0, 2"]}
    answer = visitor.get("/collections/drawn", params=rows)
    assert answer.status_code == 303
    target = answer.headers["location"]
    assert parse_qs(urlsplit(target).query)["filter"] == ['{"parity": "even", "product": {"$in": [0, 2]}}']
    rows["value"][2] = '"0", "2"'
    page = visitor.get(visitor.get("/collections/drawn", params=rows).headers["location"])
    assert page.text.count('class="frame"') == 3  # 0, 0-small and 2
    shown = re.findall(r'name="(?:field|value)" value="([^"]*)"', page.text)
    assert [unescape(text) for text in shown] == ["parity", "even", "product", '"0", "2"', "", ""]


def test_rows_that_say_nothing_are_no_filter_and_odd_ones_are_refused(visitor):
    blank = visitor.get("/collections/drawn", params={"field": "", "op": "is", "value": "x"})
    assert blank.headers["location"] == "/collections/drawn"
    assert visitor.get("/collections/drawn", params={"field": "a", "op": "odd", "value": ""}).status_code == 422
    many = {"field": ["a"] * 99, "op": ["is"] * 99, "value": ["1"] * 99}
    assert visitor.get("/collections/drawn", params=many).status_code == 422


def test_each_condition_can_be_taken_away(visitor):
    where = {"parity": "even", "product": {"$ne": "0"}}
    page = visitor.get("/collections/drawn", params={"filter": json.dumps(where)})
    chips = re.findall(r'<a class="chip on" href="([^"]*)"', page.text)
    assert [parse_qs(urlsplit(unescape(chip)).query)["filter"] for chip in chips] == [
        ['{"product": {"$ne": "0"}}'],
        ['{"parity": "even"}'],
    ]


def test_an_empty_collection_says_how_to_fill_it(visitor, space):
    space.create("bare")
    try:
        for room in ("", "/search", "/search?text=cat", "/duplicates"):
            text = visitor.get(f"/collections/bare{room}").text
            main = text.partition("<main")[2]
            assert "Nothing is in this collection yet" in main
            assert 'href="/collections/bare/connect"' in main
            assert "0 records" not in main
            assert "0 groups" not in main
    finally:
        space.drop("bare")


def test_an_empty_collection_that_is_being_filled_says_that(visitor, space):
    space.create("bare")
    job = space.catalog.jobs.add("samples", {}, collection="bare")
    space.catalog.jobs.claim("test", ["samples"])
    try:
        main = visitor.get("/collections/bare").text.partition("<main")[2]
        assert "data-said>begun</span>" in main
        assert "as soon as they are described" in main
        assert 'href="/collections/bare/import"' not in main
    finally:
        space.catalog.jobs.cancel(job.id)
        space.drop("bare")


@pytest.mark.parametrize("text", ["{", "[1]", '"x"', '{"a": {"$near": 1}}', "[" * 20_000, '{"a": NaN}', "9" * 5000])
def test_a_filter_that_means_nothing_is_said_on_the_page(visitor, text):
    page = visitor.get("/collections/drawn", params={"filter": text})
    assert page.status_code == 422
    assert 'role="alert">The filter can' in page.text


def test_a_record_page_tells_all_that_is_known(visitor, links):
    page = visitor.get("/collections/drawn/record?id=0")
    for fact in ("320 × 240 pixels", "PNG", "0.png", "even", "#"):
        assert fact in page.text
    assert links(page, "/collections/drawn/picture?id=0")
    assert "More like this" in page.text


@pytest.mark.parametrize("id_", HOSTILE_IDS)
def test_hostile_ids_are_shown_and_linked_as_they_are(visitor, links, hostile, id_):
    gallery = visitor.get("/collections/hostile")
    pages = [visitor.get(link) for link in links(gallery, "/hostile/record?id=")]
    assert all(page.status_code == 200 for page in pages)
    titles = [re.search(r'<h1 class="id">(.*?)</h1>', page.text, re.DOTALL)[1] for page in pages]
    assert escape(id_).replace("&quot;", "&#34;").replace("&#x27;", "&#39;") in titles
    search = visitor.get("/collections/hostile/search", params={"id": id_})
    assert search.status_code == 200
    assert search.text.count('class="card match"') == len(HOSTILE_IDS) - 1


def test_no_text_of_a_record_becomes_markup(visitor, hostile):
    rooms = ("", "/search?id=a%2Fb+c", "/record?id=a%2Fb+c", "/search")
    for target in ("/", *(f"/collections/hostile{room}" for room in rooms)):
        text = visitor.get(target).text
        assert "<script>alert" not in text
        assert "<i>" not in text
        assert "49" not in re.findall(r">([^<]*)<", text)


def test_what_is_not_there_is_said_to_people_on_a_page_and_to_programs_as_a_problem(visitor):
    for target in ("/collections/nope", "/collections/drawn/record?id=nope", "/nowhere"):
        page = visitor.get(target)
        assert page.status_code == 404
        assert page.headers["content-type"].startswith("text/html")
        problem = visitor.get(target, headers={"Accept": "application/json"})
        assert problem.headers["content-type"] == "application/problem+json"
    said = visitor.get("/collections/nope").text
    assert "There is no collection &#39;nope&#39;" in said
    assert "<code>lookalike index DIR -C nope</code>" in said
    assert "<b>" not in visitor.get("/collections/%60%3Cb%3E%60").text


def test_the_api_answers_browsers_with_problems_too(visitor):
    assert visitor.get("/v1/collections/nope").headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "target", ["/", "/signin", "/collections/drawn", "/collections/drawn/search?id=0", "/compare", "/nowhere"]
)
def test_pages_forbid_what_is_not_theirs(visitor, target):
    page = visitor.get(target, follow_redirects=True)
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "same-origin"
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page.text)
    assert not re.search(r'(?:src|href|action)="(?!/|#)', page.text)


def test_the_stylesheet_and_scripts_are_served_without_a_key(stranger):
    for name in ("style.css", "app.js", "drop.js", "logo.svg"):
        assert stranger.get(f"/static/{name}").status_code == 200
    assert stranger.get("/static/../routes.py").status_code in (303, 404)
