"""Browsers: sessions that can't be forged, forms that other sites can't send, accounts."""

import re
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

import lookalike
from lookalike.api import plans, sessions
from lookalike.api.app import Access, create_app
from lookalike.api.sessions import Claim, Sessions
from lookalike.pages import visitor as visitor_room

HTML = {"Accept": "text/html"}


@pytest.fixture
def browser(app):
    return TestClient(app, "http://localhost", headers=HTML, follow_redirects=False)


@pytest.fixture
def ann(space, browser):
    """A browser in which ann, who may write, has signed in; `browser.token` is what its forms carry."""
    space.catalog.users.add("ann", "correct horse", "write")
    assert browser.post("/signin", data={"name": "Ann", "password": "correct horse"}).status_code == 303
    browser.token = token_of(browser.get("/"))
    return browser


def token_of(page):
    return re.search(r'name="csrf" content="(\w+)"', page.text)[1]


def test_the_pages_set_the_cookie_that_the_gate_reads():
    assert visitor_room.COOKIE == sessions.COOKIE


def test_a_cookie_comes_from_here_or_is_worth_nothing(monkeypatch):
    mine, other = Sessions("one secret"), Sessions("another")
    claim = Claim("user", "ann.b@c.example", "0123")
    cookie = mine.issue(claim)
    assert mine.read(cookie) == claim
    assert other.read(cookie) is None
    for wrong in ("", ".", "a.b.c.d.e", cookie[:-1] + ("0" if cookie[-1] != "0" else "1"), "x" + cookie, "é" + cookie):
        assert mine.read(wrong) is None
    monkeypatch.setattr(sessions.time, "time", lambda: 4e9)
    assert mine.read(cookie) is None


def test_the_token_belongs_to_the_session():
    mine = Sessions("one secret")
    a, b = mine.issue(Claim("user", "a")), mine.issue(Claim("user", "b"))
    assert mine.is_token(a, mine.token(a))
    assert not mine.is_token(a, mine.token(b))
    assert not mine.is_token(a, a.rpartition(".")[2]), "the cookie's own signature is no token"
    assert not mine.is_token(a, "é")


def test_the_secret_of_sessions_is_kept_for_its_owners_eyes(tmp_path):
    secret = sessions.load_or_make_secret(tmp_path)
    assert sessions.load_or_make_secret(tmp_path) == secret
    assert (tmp_path / "session.secret").stat().st_mode & 0o077 == 0


def test_a_user_signs_in_and_the_cookie_is_kept_from_scripts_and_other_sites(space, browser):
    space.catalog.users.add("ann", "correct horse")
    answer = browser.post("/signin", data={"name": "ANN", "password": "correct horse", "next": "/compare"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/compare")
    assert {"httponly", "samesite=strict"} <= set(answer.headers["set-cookie"].lower().replace(" ", "").split(";"))
    wrong = browser.post("/signin", data={"name": "ann", "password": "correct house"})
    assert wrong.status_code == 401
    assert "The name or the password is wrong" in wrong.text
    of_key, of_name = wrong.text.split("<form")[-2:]
    assert "is wrong" in of_name
    assert "is wrong" not in of_key
    assert 'name="name" value="ann"' in of_name


def test_a_session_may_what_its_user_may(ann, shapes, records, space):
    shapes()
    headers = {"X-CSRF-Token": ann.token}
    assert ann.post("/v1/collections/c/records", json=records("1"), headers=headers).json()["inserted"] == ["1"]
    assert ann.post("/v1/collections", json={"name": "n"}, headers=headers).status_code == 403
    assert space.catalog.audit.page(target="c").entries[0].who == "ann"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-CSRF-Token": "0" * 64},
        {"X-CSRF-Token": "good", "Sec-Fetch-Site": "cross-site"},
        {"X-CSRF-Token": "good", "Sec-Fetch-Site": "same-site"},
        {"X-CSRF-Token": "good", "Origin": "https://evil.example"},
        {"X-CSRF-Token": "good", "Origin": "null"},
    ],
)
def test_what_another_site_sends_changes_nothing(ann, shapes, records, headers):
    shapes()
    given = {name: ann.token if value == "good" else value for name, value in headers.items()}
    assert ann.post("/v1/collections/c/records", json=records("1"), headers=given).status_code == 401
    assert ann.delete("/v1/collections/c/records/1", headers=given).status_code == 401
    assert ann.post("/compare", files={"a": ("a.png", b"x")}, headers=given).status_code == 401


def test_every_form_that_changes_something_carries_the_token(ann, shapes, draw, space):
    space.create("pictures").add([{"_id": "1", "_image": draw(1)}])
    for address in ("/", "/collections/pictures", "/collections/pictures/search?id=1", "/compare"):
        page = ann.get(address)
        assert page.status_code == 200
        forms = re.findall(r"<form[^>]*method=\"post\".*?</form>", page.text, re.DOTALL)
        assert forms
        for form in forms:
            assert f'name="csrf" value="{ann.token}"' in form, form


def test_a_form_with_its_token_is_taken(ann, draw):
    import io

    from PIL import Image

    picture = io.BytesIO()
    Image.fromarray(draw(1)).save(picture, "PNG")
    files = {"a": ("a.png", picture.getvalue())}
    assert ann.post("/compare", files=files, data={"csrf": ann.token}).status_code == 303
    assert ann.post("/compare", files=files, data={"csrf": "wrong"}).status_code == 401


def test_another_password_or_role_holds_at_once(ann, space, service):
    admin = service()
    admin.patch("/v1/users/ann", json={"role": "read"})
    assert ann.delete("/v1/collections/c/records/1", headers={"X-CSRF-Token": ann.token}).status_code == 403
    admin.patch("/v1/users/ann", json={"password": "battery staple"})
    assert ann.get("/").status_code == 303
    assert ann.post("/signin", data={"name": "ann", "password": "battery staple"}).status_code == 303
    admin.delete("/v1/users/ann")
    assert ann.get("/").status_code == 303


def test_the_session_of_a_revoked_key_ends(browser, service, key, space):
    assert browser.post("/signin", data={"key": key()}).status_code == 303
    assert browser.get("/").status_code == 200
    [row] = space.catalog.keys.list()
    service().delete(f"/v1/keys/{row.id}")
    assert browser.get("/").status_code == 303


def test_a_key_for_some_collections_shows_those_pages_only(browser, key, space):
    for name in ("mine", "theirs"):
        space.create(name, kind="custom", entities={"shape": 3})
    browser.post("/signin", data={"key": key(collections=["mine"])})
    start = browser.get("/").text
    assert "mine" in start
    assert "theirs" not in start
    assert browser.get("/collections/theirs").status_code == 403


def test_passwords_can_not_be_tried_for_long(space, browser, monkeypatch):
    monkeypatch.setattr(plans.time, "monotonic", lambda: 1000.0)
    space.catalog.users.add("ann", "correct horse")
    answers = [browser.post("/signin", data={"name": "ann", "password": f"wrong {n}"}).status_code for n in range(12)]
    assert answers == [401] * 10 + [429] * 2
    assert browser.post("/signin", data={"name": "ann", "password": "correct horse"}).status_code == 429


def test_strangers_make_no_accounts_unless_they_may(browser, space):
    assert browser.post("/signup", data={"name": "eve", "password": "correct horse"}).status_code == 401
    assert space.catalog.users.list() == []
    assert "No accounts here" in browser.get("/signup").text


def test_where_they_may_they_read(tmp_path):
    with lookalike.open(tmp_path / "open", replace(lookalike.Settings(), signup=True)) as space:
        browser = TestClient(create_app(space, Access()), "http://localhost", headers=HTML, follow_redirects=False)
        assert "/signup" in browser.get("/signin").text
        refused = browser.post("/signup", data={"name": "eve", "password": "short"})
        assert "the length of the password is 5; it must be 10" in refused.text
        assert 'name="name" value="eve"' in refused.text
        assert refused.status_code == 422
        assert "10 to 1,000 characters" in refused.text
        elsewhere = {"Origin": "https://evil.example"}
        assert (
            browser.post("/signup", data={"name": "eve", "password": "long enough"}, headers=elsewhere).status_code
            == 401
        )
        assert browser.post("/signup", data={"name": "eve", "password": "long enough"}).status_code == 303
        token = token_of(browser.get("/"))
        assert browser.get("/v1/collections").status_code == 200
        made = browser.post("/v1/collections", json={"name": "n"}, headers={"X-CSRF-Token": token})
        assert made.status_code == 403


def test_another_site_neither_begins_nor_ends_a_session(ann):
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    ann.post("/signout", headers=elsewhere)
    assert ann.get("/").status_code == 200
    refused = ann.post("/signin", data={"name": "ann", "password": "correct horse"}, headers=elsewhere)
    assert refused.status_code == 401
    assert "set-cookie" not in refused.headers


def test_a_trusted_browser_needs_no_key_and_a_program_does(space):
    local = TestClient(create_app(space, Access(trusting=True)), "http://localhost", client=("127.0.0.1", 5))
    assert local.get("/", headers=HTML).status_code == 200
    assert local.get("/v1/collections", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert local.get("/v1/collections").status_code == 401
    token = token_of(local.get("/", headers=HTML))
    browser = {"Sec-Fetch-Site": "same-origin"}
    assert local.post("/v1/collections", json={"name": "n"}, headers=browser).status_code == 401
    body = {"name": "n", "kind": "custom", "entities": {"shape": 3}}
    made = local.post("/v1/collections", json=body, headers={**browser, "X-CSRF-Token": token})
    assert made.status_code == 201
    remote = TestClient(create_app(space, Access(trusting=True)), "http://localhost", client=("192.0.2.1", 5))
    assert remote.get("/v1/collections", headers=browser).status_code == 401
