"""The start page, galleries and records; names and metadata from hostile hands."""

import re
from html import escape

import httpx
import pytest

import lookalike

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


def test_the_start_page_shows_each_collection_with_its_count(visitor, links):
    page = visitor.get("/")
    assert "drawn" in page.text
    assert "7 pictures" in page.text
    assert len(links(page, "/collections/drawn/thumb")) == 6


def test_an_empty_workspace_says_what_to_do(tmp_path, serving):
    with lookalike.open(tmp_path / "empty") as space, serving(space, trusting=True) as address:
        page = httpx.get(address)
    assert page.status_code == 200
    assert "lookalike index ~/Pictures -C pictures" in page.text
    assert str(tmp_path / "empty") in page.text


def test_every_record_is_on_one_page_of_the_gallery_and_only_one(visitor, links):
    seen, target = [], "/collections/many"
    while target:
        page = visitor.get(target)
        seen += [link.rpartition("=")[2] for link in links(page, "/collections/many/record?id=")]
        target = next(iter(links(page, "after=")), None)
    assert sorted(seen) == [f"r{number:03}" for number in range(130)]


def test_records_without_a_picture_get_a_placeholder_with_their_id(visitor, links):
    page = visitor.get("/collections/many")
    assert page.text.count('class="nopic"') == 60
    assert "130 pictures" in page.text
    assert not links(page, "/thumb")


def test_a_filter_narrows_the_gallery(visitor, links):
    page = visitor.get("/collections/drawn", params={"filter": '{"parity": "odd"}'})
    assert "3 pictures that match" in page.text
    assert sorted(link.rpartition("=")[2] for link in links(page, "/drawn/record?id=")) == ["1", "3", "5"]


def test_filters_to_click_are_offered(visitor, links):
    offered = links(visitor.get("/collections/drawn"), "?filter=")
    assert [visitor.get(link).text.count('class="frame"') for link in offered] == [4, 3]


@pytest.mark.parametrize("text", ["{", "[1]", '"x"', '{"a": {"$near": 1}}', "[" * 20_000, '{"a": NaN}'])
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


def test_first_pages_are_light(visitor):
    parts = ["/collections/drawn", "/static/style.css", "/static/app.js", "/static/drop.js"]
    assert sum(len(visitor.get(part).content) for part in parts) < 100_000
