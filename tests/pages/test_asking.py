"""Everything that can be looked for on the search page, as URLs; and what is taken away from there."""

import csv
import io
import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest

SEARCH = "/collections/drawn/search"


def ids(page):
    return re.findall(r'<a class="name" href="[^"]*">([^<]*)</a>', page.text)


def asked(answer):
    return parse_qs(urlsplit(answer.headers["location"]).query)


def test_a_form_leads_to_the_url_of_what_it_changes(visitor):
    form = {"form": "1", "id": "0", "text": " ", "k": "24", "filter": "", "box": ["", "", "", ""]}
    colors = {"color": ["#c0392b", "#2471a3"], "amount": ["0", "0"]}
    weights = {"part": ["meaning", "copy", "color", "tags"], "weight": ["100", "0", "0", "0"]}
    assert asked(visitor.get(SEARCH, params=form | colors | weights)) == {"id": ["0"]}
    changed = form | colors | weights | {"weight": ["60", "0", "40", "0"], "by": "copy"}
    assert asked(visitor.get(SEARCH, params=changed)) == {
        "id": ["0"],
        "part": ["meaning", "color"],
        "weight": ["60", "40"],
    }
    alone = form | weights | {"weight": ["0", "0", "35", "0"]}
    assert asked(visitor.get(SEARCH, params=alone)) == {"id": ["0"], "by": ["color"]}
    painted = form | {"id": "", "color": ["#c0392b", "#2471a3"], "amount": ["0", "45"]}
    assert asked(visitor.get(SEARCH, params=painted)) == {"color": ["#2471a3"], "amount": ["45"]}


def test_weights_share_the_score(visitor):
    page = visitor.get(SEARCH, params={"id": "0", "part": ["meaning", "copy"], "weight": [1, 3]})
    assert ids(page)[0] == "0-small"
    assert "several at once" in page.text
    assert 'title="Score"' in page.text


def test_colors_are_looked_for(visitor, drawn):
    from PIL import Image

    red, green, blue = Image.open(drawn / "2.png").convert("RGB").resize((1, 1)).getpixel((0, 0))
    page = visitor.get(SEARCH, params={"color": f"#{red:02x}{green:02x}{blue:02x}", "amount": "80"})
    assert page.status_code == 200
    assert len(ids(page)) == 7
    refused = visitor.get(SEARCH, params={"color": "reddish"})
    assert refused.status_code == 422
    assert "reddish" in refused.text


def test_examples_for_and_against_are_shown_and_can_be_taken_away(visitor, links):
    page = visitor.get(SEARCH, params={"id": "0", "like": "1", "unlike": "2"})
    assert not {"0", "1", "2"} & set(ids(page))
    assert any(link.endswith("search?id=0&like=1") for link in links(page, SEARCH))
    assert any("like=1&like=3&unlike=2" in link for link in links(page, SEARCH))
    assert any("like=1&unlike=2&unlike=3" in link for link in links(page, SEARCH))
    assert visitor.get(SEARCH, params={"like": "nope"}).status_code == 404


def test_a_part_of_a_record_is_looked_for_and_finds_the_others(visitor):
    page = visitor.get(SEARCH, params={"id": "0", "box": ["0", "0", "50", "100"], "by": "copy"})
    assert 'width="50.0"' in page.text
    assert "0" not in ids(page)
    assert len(ids(page)) == 6


@pytest.mark.parametrize(
    "box", [["1", "2", "3"], ["50", "0", "20", "90"], ["a", "0", "20", "90"], ["0", "0", "1e9", "1"]]
)
def test_a_box_that_is_none_is_refused_on_the_page(visitor, box):
    page = visitor.get(SEARCH, params={"id": "0", "box": box})
    assert page.status_code == 422
    assert 'role="alert"' in page.text


def test_words_that_are_not_understood_are_named(visitor):
    page = visitor.get(SEARCH, params={"text": "cat <zzqxv>"})
    assert page.status_code == 200
    assert "<b>zzqxv</b>" in page.text or "<b>&lt;zzqxv&gt;</b>" in page.text
    strange = visitor.get(SEARCH, params={"text": "zzqxv"})
    assert strange.status_code == 422
    assert "zzqxv" in strange.text


def test_an_address_is_fetched_only_where_that_is_allowed(visitor, address):
    for url, sentence in [(f"{address}/static/logo.svg", "127.0.0.1"), ("file:///etc/passwd", "http://"), ("", "http")]:
        page = visitor.post(f"{SEARCH}/address?k=3", data={"url": url})
        assert page.status_code == 422
        assert sentence in page.text


def test_a_page_of_matches_leads_to_the_next(visitor, links):
    first = visitor.get(SEARCH, params={"id": "0", "k": 4})
    second = visitor.get(next(link for link in links(first, "after=")))
    assert len(ids(second)) == 2
    assert not set(ids(first)) & set(ids(second))


def test_facets_narrow_the_search(visitor, links):
    page = visitor.get(SEARCH, params={"id": "0", "k": 12})
    narrowed = visitor.get(next(link for link in links(page, "k=12") if "odd" in link))
    assert sorted(ids(narrowed)) == ["1", "3", "5"]


def test_what_was_found_is_taken_away(visitor):
    params = {"id": "0", "k": 3}
    found = visitor.get(f"{SEARCH}/found.json", params=params)
    assert found.headers["content-disposition"] == 'attachment; filename="found.json"'
    rows = json.loads(found.content)["matches"]
    assert rows[0]["_id"] == "0-small"
    table = list(csv.DictReader(io.StringIO(visitor.get(f"{SEARCH}/found.csv", params=params).text)))
    assert [row["_id"] for row in table] == [row["_id"] for row in rows]
    assert float(table[0]["score"]) == rows[0]["score"]
    report = visitor.get(f"{SEARCH}/found.html", params=params).text
    assert report.count('src="data:image/jpeg;base64,') == 4
    assert not re.search(r'(src|href)="(?!data:)', report)
    assert visitor.get(f"{SEARCH}/found.exe", params=params).status_code == 422


def test_why_tells_what_two_share(visitor):
    page = visitor.get(f"{SEARCH}/why", params={"id": "0", "b": "0-small"})
    assert "Why 0-small was found" in page.text
    assert "edited copy" in page.text
    assert "parity: even" in page.text
    bare = visitor.get(f"{SEARCH}/why", params={"id": "0", "b": "0-small", "bare": 1})
    assert "<html" not in bare.text
    assert "edited copy" in bare.text
    assert visitor.get(f"{SEARCH}/why", params={"id": "0", "b": "nope"}).status_code == 404
    painted = visitor.get(f"{SEARCH}/why", params={"color": "#804020", "b": "1"})
    assert "Colors wanted" in painted.text


def test_a_record_is_looked_for_by_its_id_with_the_options_that_were_set(visitor):
    page = visitor.get(SEARCH, params={"by": "copy", "k": 3, "filter": '{"parity": "odd"}'})
    form = re.search(r'<form method="get"[^>]*>((?:(?!</form>).)*name="id".*?)</form>', page.text, re.DOTALL)[1]
    kept = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
    assert kept == {"by": "copy", "k": "3", "filter": "{&#34;parity&#34;: &#34;odd&#34;}"}
    assert 'type="text" name="id"' in form


def test_an_id_that_is_not_there_is_asked_for_again(visitor):
    page = visitor.get(SEARCH, params={"id": "<nope>", "k": 3})
    assert page.status_code == 404
    assert 'name="id" value="&lt;nope&gt;"' in page.text
    assert 'type="file"' in page.text
    assert "lookalike collection show" not in page.text  # that is for a terminal


def test_a_picture_that_cannot_be_used_is_refused_where_another_can_be_chosen(visitor):
    typed = visitor.post(f"{SEARCH}/address?k=3", data={"url": "http://127.0.0.1:9/a.jpg"})
    brought = visitor.post(f"{SEARCH}?k=3", files={"picture": ("notes.txt", b"no picture")})
    for page, sentence in ((typed, "127.0.0.1:9"), (brought, "notes.txt")):
        assert page.status_code == 422
        assert sentence in re.search(r'role="alert">(.*?)</p>', page.text)[1]
        assert 'type="file"' in page.text
    assert 'name="url" value="http://127.0.0.1:9/a.jpg"' in typed.text
