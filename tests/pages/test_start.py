"""The first minute, and the start page of a workspace that is in use."""

import re
from pathlib import Path

import httpx
import pytest

import lookalike
from lookalike import pages
from lookalike.catalog import Grant
from lookalike.pages import start
from lookalike.work import Background


@pytest.fixture
def fresh(tmp_path, serving):
    """A workspace of its own, and a trusted browser at it whose forms are taken."""
    with (
        lookalike.open(tmp_path / "fresh") as space,
        serving(space, trusting=True) as address,
        httpx.Client(base_url=address, headers={"Accept": "text/html"}, timeout=60) as browser,
    ):
        browser.headers["X-CSRF-Token"] = re.search(r'name="csrf" content="(\w+)"', browser.get("/").text)[1]
        yield space, browser


def test_an_empty_workspace_says_how_to_begin(fresh, links):
    space, browser = fresh
    page = browser.get("/")
    assert page.status_code == 200
    assert links(page, "/new?next=import")
    assert 'action="/samples"' in page.text
    assert "lookalike index ~/Pictures -C pictures" in page.text
    assert str(space.path) in page.text


def test_the_sample_gallery_is_made_in_the_background_and_watched(fresh, monkeypatch, gallery):
    space, browser = fresh
    monkeypatch.setattr("lookalike.work.make_gallery", lambda folder, progress: gallery[1][:5])
    answer = browser.post("/samples")
    assert (answer.status_code, answer.headers["location"]) == (303, "/collections/samples")
    waiting = browser.get("/collections/samples").text
    assert "Making the sample gallery" in waiting
    assert browser.post("/samples").headers["location"] == "/collections/samples"  # pressed twice, made once
    (job,) = space.catalog.jobs.page()
    with Background(space, ["samples"], scheduled=False) as background:
        assert background.runner.wait(job.id, 120).state == "done"
    assert len(space.get("samples")) == 5
    page = browser.get("/collections/samples").text
    assert "Making the sample gallery" not in page
    assert "5 pictures" in page


def test_the_start_page_shows_each_collection_with_its_kind_its_count_and_its_pictures(visitor, links):
    page = visitor.get("/")
    assert "drawn" in page.text
    assert "Generic Photos · 7 pictures" in page.text
    assert len(links(page, "/collections/drawn/thumb")) == 6


def test_last_changes_are_told_to_those_who_run_the_place(fresh):
    space, browser = fresh
    space.create("shop")
    for count in (3, 4):
        space.catalog.audit.append("records.add", who="ann", target="shop", count=count)
    space.catalog.audit.append("collection.drop", who="ann", target="<b>gone</b>")
    space.catalog.audit.append("key.create", who="ann", target="key_1")
    text = browser.get("/").text
    changes = text[text.index("Last changes") :]
    assert "7 records added" in changes  # one after the other are told as one
    assert "&lt;b&gt;gone&lt;/b&gt;" in changes
    assert "key_1" not in changes
    _, secret = space.catalog.keys.create("reader", Grant("read"))
    with httpx.Client(base_url=browser.base_url, headers={"Accept": "text/html"}) as reader:
        reader.post("/signin", data={"key": secret})
        text = reader.get("/").text
    assert "shop" in text
    assert "Last changes" not in text


def test_many_collections_come_a_page_at_a_time(fresh, links, monkeypatch):
    monkeypatch.setattr(start, "_SHELF", 3)
    space, browser = fresh
    names = [f"c{number:02}" for number in range(7)]
    for name in names:
        space.create(name)
    seen, target = [], "/"
    while target:
        page = browser.get(target)
        seen += re.findall(r'<h2><a href="/collections/(c\d\d)">', page.text)
        target = next(iter(links(page, "after=")), None)
    assert seen == names


def test_readers_are_not_offered_what_they_may_not_do(fresh):
    space, browser = fresh
    _, secret = space.catalog.keys.create("reader", Grant("read"))
    with httpx.Client(base_url=browser.base_url, headers={"Accept": "text/html"}) as reader:
        reader.post("/signin", data={"key": secret})
        page = reader.get("/")
        token = re.search(r'name="csrf" content="(\w+)"', page.text)[1]
        assert "No collections yet" in page.text
        assert "/new" not in page.text
        assert "/samples" not in page.text
        assert reader.post("/samples", data={"csrf": token}).status_code == 403
        assert reader.get("/new").status_code == 403
    assert space.list() == []


def test_the_first_pages_of_the_sample_gallery_are_light(samples, key):
    """Each with its style and scripts, without pictures: as they are, and the gallery as it is sent."""
    parts = ["/static/style.css", "/static/app.js", "/static/drop.js"]
    with httpx.Client(base_url=samples, headers={"Accept": "text/html"}, timeout=60) as browser:
        browser.post("/signin", data={"key": key})
        first = [browser.get(target) for target in ("/", *parts)]
        gallery = [browser.get(target) for target in ("/collections/samples", *parts, "/static/filters.js")]
    named = set(re.findall(r'"(/static/[^"]+(?:css|js))"', gallery[0].text))
    assert named == {*parts, "/static/filters.js"} - {"/static/drop.js"}  # which app.js asks for
    assert "More like" in gallery[0].text
    assert sum(len(answer.content) for answer in first) < 65_000
    assert sum(len(answer.content) for answer in gallery) < 90_000
    assert sum(answer.num_bytes_downloaded for answer in gallery) < 25_000


def test_templates_are_sent_without_their_indentation(visitor):
    text = visitor.get("/new").text
    assert not re.search(r"(?m)^[ \t]", text)
    source = [path.read_text("utf-8") for path in (Path(pages.__file__).parent / "templates").iterdir()]
    for kept in re.findall(r"<(?:pre|textarea)\b.*?</(?:pre|textarea)>", "\n".join(source), re.S):
        assert not re.search(r"\n[ \t]", kept), "what is shown as it is must not be indented in a template"
