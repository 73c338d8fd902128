"""Searching on the pages: every state is a URL, and an upload is a URL too."""

import re

import pytest


def ids(page):
    return re.findall(r'<a class="name" href="[^"]*">([^<]*)</a>', page.text)


def png(drawn, name):
    return {"picture": (name, (drawn / name).read_bytes(), "image/png")}


def test_a_search_by_record_shows_it_first_and_then_the_nearest(visitor, links):
    page = visitor.get("/collections/drawn/search?id=0")
    assert page.text.index("Looks like this") < page.text.index("nearest picture")
    assert ids(page)[0] == "0-small"
    assert "0" not in ids(page)
    scores = [float(score) for score in re.findall(r'title="Score">([\d.]+)<', page.text)]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 6
    assert links(page, "/collections/drawn/search?id=0-small")


def test_k_filter_group_and_by_are_in_the_url_and_in_every_link_onward(visitor, links):
    page = visitor.get(
        "/collections/drawn/search", params={"id": "0", "k": 2, "by": "color", "filter": '{"parity": "even"}'}
    )
    assert len(ids(page)) == 2
    onward = links(page, "/search?id=0-small")[0]
    assert all(part in onward for part in ("k=2", "by=color", "filter=%7B"))
    grouped = visitor.get("/collections/drawn/search", params={"id": "1", "group": 1})
    assert sorted(name[0] for name in ids(grouped)) == ["0", "2", "3", "4", "5"]


def test_an_uploaded_picture_leads_to_a_url_that_finds_it(visitor, drawn, links):
    answer = visitor.post("/collections/drawn/search?k=3&by=copy", files=png(drawn, "3.png"))
    assert answer.status_code == 303
    target = answer.headers["location"]
    assert re.fullmatch(r"/collections/drawn/search\?k=3&by=copy&query=[\w-]{20,}", target)
    page = visitor.get(target)
    assert ids(page)[0] == "3"
    assert "1.0000" in page.text
    assert "100%" in page.text
    assert visitor.get(links(page, "/uploads/")[0]).headers["content-type"] == "image/jpeg"


def test_a_random_start_is_a_redirect_to_a_record_that_matches(visitor):
    answer = visitor.get("/collections/drawn/search", params={"random": 1, "filter": '{"product": "4"}'})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/collections/drawn/search?filter=%7B%22product%22%3A+%224%22%7D&id=4"
    nothing = visitor.get("/collections/drawn/search", params={"random": 1, "filter": '{"product": "9"}'})
    assert nothing.headers["location"].startswith("/collections/drawn/search?filter=")


def test_without_a_question_the_page_offers_where_to_begin(visitor, links):
    page = visitor.get("/collections/drawn/search")
    assert len(links(page, "/collections/drawn/search?id=")) == 7
    assert 'type="file"' in page.text


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("id=nope", 404, "has no record"),
        ("query=nope", 410, "no longer kept"),
        ("id=0&k=0", 422, "k: "),
        ("id=0&k=many", 422, "k: "),
        ("id=0&by=smell", 422, "no vector named &#39;smell&#39;"),
        ("id=0&filter={", 422, "The filter can"),
        ("id=0&filter=%7B%22a%22:%7B%22$near%22:1%7D%7D", 422, "The filter can"),
    ],
)
def test_bad_questions_are_answered_with_a_sentence(visitor, query, status, sentence):
    page = visitor.get(f"/collections/drawn/search?{query}")
    assert page.status_code == status
    assert sentence in page.text


@pytest.mark.parametrize(
    ("files", "status", "sentence"),
    [
        ({"picture": ("notes.txt", b"not a picture")}, 422, "notes.txt: "),
        ({"picture": ("cut.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 30)}, 422, "cut.png: "),
        ({"picture": ("<b>.png", b"")}, 422, "&lt;b&gt;.png: "),
        ({"picture": ("", b"")}, 422, "it holds no picture"),
        ({"other": (None, b"text")}, 422, "it holds no picture"),
    ],
)
def test_bad_uploads_are_answered_with_a_sentence(visitor, files, status, sentence):
    page = visitor.post("/collections/drawn/search", files=files)
    assert page.status_code == status
    assert sentence in page.text


def test_an_upload_over_the_limit_is_refused_before_decoding(visitor, draw, save, tmp_path):
    path = save(draw(1, 1000, 800), tmp_path / "large.png")
    page = visitor.post("/collections/drawn/search", files={"picture": ("large.png", path.read_bytes())})
    assert page.status_code == 413
    assert "large.png: 800,000 pixels, over the limit of 400,000" in page.text


def test_a_form_that_is_no_form_is_refused(visitor):
    page = visitor.post("/collections/drawn/search", content=b"{}", headers={"Content-Type": "application/json"})
    assert page.status_code == 422
    broken = visitor.post("/collections/drawn/search", content=b"--x", headers={"Content-Type": "multipart/form-data"})
    assert broken.status_code == 400
