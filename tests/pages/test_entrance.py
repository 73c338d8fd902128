"""Signing in: the key opens, everything else is led to the door or refused."""

import pytest

from lookalike.api import security
from lookalike.pages import visitor as visitor_room
from lookalike.pages.entrance import local_path

HOSTILE_TARGETS = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "\t//evil.example",
    "/\n/evil.example",
    "javascript:alert(1)",
    "evil.example",
    "",
]


def test_a_stranger_is_led_to_the_sign_in_page_and_back(stranger):
    answer = stranger.get("/collections/drawn?filter=%7B%7D")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/signin?next=%2Fcollections%2Fdrawn%3Ffilter%3D%257B%257D"
    page = stranger.get(answer.headers["location"])
    assert page.status_code == 200
    assert 'name="next" value="/collections/drawn?filter=%7B%7D"' in page.text


def test_the_key_opens_and_the_cookie_is_kept_from_scripts_and_other_sites(stranger, key):
    answer = stranger.post("/signin", data={"key": f" {key}\n", "next": "/compare"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/compare")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert stranger.get("/").status_code == 200


def test_a_wrong_key_is_refused_with_a_sentence(stranger):
    answer = stranger.post("/signin", data={"key": "wrong", "next": "/compare"})
    assert answer.status_code == 401
    assert "That is not the key" in answer.text
    assert "set-cookie" not in answer.headers
    assert stranger.get("/").status_code == 303


def test_a_key_in_the_url_signs_in_and_leaves_the_url(stranger, key):
    answer = stranger.get(f"/collections/drawn?key={key}&filter=%7B%7D")
    assert (answer.status_code, answer.headers["location"]) == (303, "/collections/drawn?filter=%7B%7D")
    assert stranger.get("/").status_code == 200


def test_a_wrong_key_in_the_url_is_refused(stranger):
    assert stranger.get("/?key=wrong").status_code == 401
    assert stranger.get("/signin?key=wrong").status_code == 401


@pytest.mark.parametrize("target", HOSTILE_TARGETS)
def test_nobody_is_sent_to_another_place(stranger, key, target):
    assert local_path(target) == "/"
    assert stranger.post("/signin", data={"key": key, "next": target}).headers["location"] == "/"
    assert stranger.get("/signin", params={"next": target}).headers["location"] == "/"


def test_who_is_in_need_not_sign_in_again(visitor):
    assert visitor.get("/signin?next=/compare").headers["location"] == "/compare"


def test_signing_out_ends_the_session(visitor):
    assert visitor.get("/").status_code == 200
    assert visitor.post("/signout").status_code == 303
    assert visitor.get("/").status_code == 303


def test_strangers_see_no_pictures(stranger):
    answer = stranger.get("/collections/drawn/thumb?id=0", headers={"Accept": "image/*"})
    assert answer.status_code == 401


def test_forms_of_other_sites_are_refused(visitor):
    files = {"picture": ("a.png", b"x")}
    answer = visitor.post("/collections/drawn/search", files=files, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 401


def test_a_link_from_another_site_is_asked_again_from_here(stranger):
    """Browsers keep a strict cookie back on such a visit; the page's own refresh brings it along."""
    answer = stranger.get("/collections/drawn?filter=%22%3E", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0; url=/collections/drawn?filter=%22%3E">' in answer.text


def test_the_pages_set_the_cookie_that_the_gate_reads():
    assert visitor_room.COOKIE == security.COOKIE
