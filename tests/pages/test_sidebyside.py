"""Comparing on the pages: uploads and records, in any mixture."""

import pytest


def upload(visitor, drawn, target, **names):
    files = {side: (name, (drawn / name).read_bytes(), "image/png") for side, name in names.items()}
    return visitor.post(target, files=files).headers["location"]


def test_two_uploads_get_a_verdict_with_its_evidence(visitor, drawn):
    target = upload(visitor, drawn, "/compare", a="0.png", b="0-small.jpg")
    page = visitor.get(target)
    assert page.status_code == 200
    assert "edited copy" in page.text
    for signal in ("Perceptual hashes", "Copy vector", "Meaning vector", "Structure (SSIM)", "Colors"):
        assert signal in page.text
    assert "0-small.jpg" in page.text


def test_one_picture_after_the_other(visitor, drawn):
    first = upload(visitor, drawn, "/compare", a="2.png")
    assert "Second picture" in visitor.get(first).text
    both = upload(visitor, drawn, first, b="2.png")
    assert "The same picture, pixel for pixel." in visitor.get(both).text


def test_a_record_against_an_upload_and_the_other_way_round(visitor, drawn, links):
    target = upload(visitor, drawn, "/compare?collection=drawn&a_id=1", b="1.png")
    page = visitor.get(target)
    assert "identical" in page.text
    swapped = next(link for link in links(page, "b_id=1"))
    assert "identical" in visitor.get(swapped).text


def test_different_pictures_are_not_called_identical(visitor):
    page = visitor.get("/compare?collection=drawn&a_id=1&b_id=4")
    assert "Neither the bytes nor the pixels are the same" in page.text
    assert "pixel for pixel" not in page.text


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("a=nope", 410),
        ("collection=drawn&a_id=nope", 404),
        ("collection=nope&a_id=0", 404),
        ("a_id=0", 404),
        ("collection=many&a_id=r001", 410),
    ],
)
def test_what_is_not_there_is_said(visitor, query, status):
    assert visitor.get(f"/compare?{query}").status_code == status


def test_the_view_stays_in_the_links(visitor, links):
    page = visitor.get("/compare?collection=drawn&a_id=0&b_id=0-small&view=slider")
    assert 'data-view="slider"' in page.text
    assert links(page, "b_id=0&")[0].startswith("/compare?view=slider&")
    assert visitor.get("/compare?view=inside-out").status_code == 422
