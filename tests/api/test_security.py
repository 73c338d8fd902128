"""Keys over HTTP: which opens what, for whom, until when."""

from datetime import UTC, datetime, timedelta

import pytest

from lookalike.api import security
from lookalike.api.scopes import rule_of
from lookalike.catalog import Grant
from lookalike.errors import InvalidArgument

SCOPES = ("read", "write", "admin")

CALLS = [
    ("GET", "/v1/collections", "read"),
    ("GET", "/v1/collections/c", "read"),
    ("POST", "/v1/collections/c/count", "read"),
    ("POST", "/v1/collections/c/search", "read"),
    ("GET", "/v1/jobs", "read"),
    ("GET", "/v1/usage", "read"),
    ("POST", "/v1/collections/c/records", "write"),
    ("PATCH", "/v1/collections/c/records", "write"),
    ("DELETE", "/v1/collections/c/records/a", "write"),
    ("POST", "/v1/collections/c/records/delete", "write"),
    ("POST", "/v1/collections/c/erase", "write"),
    ("POST", "/v1/collections/c/import", "write"),
    ("POST", "/v1/collections/c/export", "write"),
    ("POST", "/v1/collections/c/feeds", "write"),
    ("POST", "/v1/collections", "admin"),
    ("PATCH", "/v1/collections/c", "admin"),
    ("DELETE", "/v1/collections/c", "admin"),
    ("POST", "/v1/collections/c/retag", "write"),
    ("POST", "/v1/collections/c/redescribe", "admin"),
    ("POST", "/v1/backup", "admin"),
    ("GET", "/v1/keys", "admin"),
    ("POST", "/v1/keys", "admin"),
    ("DELETE", "/v1/keys/key_none", "admin"),
    ("GET", "/v1/users", "admin"),
    ("DELETE", "/v1/users/nobody", "admin"),
    ("GET", "/v1/audit", "admin"),
]


def routes(app):
    return [
        (method.upper(), path)
        for path, methods in app.openapi()["paths"].items()
        if path.startswith("/v1/")
        for method in methods
    ]


@pytest.mark.parametrize(("method", "path", "needed"), CALLS)
def test_a_scope_opens_what_it_is_for_and_nothing_above_it(service, shapes, key, problem, method, path, needed):
    shapes()
    for scope in SCOPES:
        answer = service(key(scope)).request(method, path, json={})
        if SCOPES.index(scope) < SCOPES.index(needed):
            assert f"scope {needed}" in problem(answer, 403, "not_permitted")["detail"]
        else:
            assert answer.status_code not in (401, 403)


def test_no_route_answers_without_a_key(app, service, problem):
    assert len(routes(app)) > 30
    for method, path in routes(app):
        problem(service(None).request(method, path.replace("{", "").replace("}", "")), 401, "access_denied")


def test_reading_keys_change_nothing_by_any_route(app):
    reading = {(method, path) for method, path in routes(app) if rule_of(method, path).scope == "read"}
    changing = {path for method, path in reading if method not in ("GET", "POST")}
    assert changing == {"/v1/jobs/{id}", "/v1/feeds/{id}"}, "these ask whose it is; anything else needs write"


def test_a_key_for_some_collections_knows_no_others(service, shapes, key, records, problem):
    shapes("a"), shapes("b")
    mine = service(key("admin", collections=["a"]))
    assert [info["name"] for info in mine.get("/v1/collections").json()] == ["a"]
    assert mine.post("/v1/collections/a/records", json=records("1")).json()["inserted"] == ["1"]
    problem(mine.get("/v1/collections/b"), 403, "not_permitted")
    problem(mine.post("/v1/collections/b/records", json=records("1")), 403, "not_permitted")
    problem(mine.post("/v1/collections", json={"name": "n"}), 403, "not_permitted")
    problem(mine.get("/v1/keys"), 403, "not_permitted")
    problem(mine.get("/metrics"), 403, "not_permitted")
    assert mine.patch("/v1/collections/a", json={"ignore_case": True}).status_code == 200


def test_an_expired_key_opens_nothing(service, key, problem):
    late = key("admin", expires=datetime.now(UTC) - timedelta(seconds=1))
    assert "expired" in problem(service(late).get("/v1/collections"), 401, "access_denied")["detail"]


def test_a_key_that_expires_while_it_is_remembered_opens_nothing(service, key, problem):
    soon = service(key("admin", expires=datetime.now(UTC) + timedelta(seconds=0.3)))
    assert soon.get("/v1/collections").status_code == 200
    while soon.get("/v1/collections").status_code == 200:
        pass
    problem(soon.get("/v1/collections"), 401, "access_denied")


def test_a_key_revoked_here_opens_nothing_from_then_on(service, key, space, problem):
    mine = service(key("write"))
    assert mine.get("/v1/collections").status_code == 200
    [row] = space.catalog.keys.list()
    assert service().delete(f"/v1/keys/{row.id}").json()["state"] == "revoked"
    assert "revoked" in problem(mine.get("/v1/collections"), 401, "access_denied")["detail"]


def test_a_key_revoked_elsewhere_opens_nothing_soon(service, key, space, monkeypatch):
    mine = service(key("write"))
    assert mine.get("/v1/collections").status_code == 200
    [row] = space.catalog.keys.list()
    space.catalog.keys.revoke(row.id)
    assert security._FRESH <= 1
    monkeypatch.setattr(security, "_FRESH", 0)
    assert mine.get("/v1/collections").status_code == 401


def test_a_remembered_key_is_not_looked_up_again(service, key, space, monkeypatch):
    mine, looked = service(key()), []
    check = space.catalog.keys.check
    monkeypatch.setattr(space.catalog.keys, "check", lambda secret: looked.append(secret) or check(secret))
    monkeypatch.setattr(security, "_FRESH", 600)
    for _ in range(5):
        assert mine.get("/v1/collections").status_code == 200
    assert len(looked) == 1


def test_keys_are_made_changed_and_listed_without_their_secrets(service, space, problem):
    admin = service()
    made = admin.post("/v1/keys", json={"name": "shop", "scope": "write", "collections": ["a"], "plan": "public"})
    assert made.status_code == 201
    id_, secret = made.json()["id"], made.json()["secret"]
    assert made.json()["plan"]["requests_per_second"] == 1
    assert space.catalog.keys.check(secret).name == "shop"
    assert secret not in admin.get("/v1/keys").text
    changed = admin.patch(f"/v1/keys/{id_}", json={"collections": None, "plan": {"records": 5}}).json()
    assert (changed["scope"], changed["collections"], changed["plan"]["records"]) == ("write", None, 5)
    assert changed["plan"]["requests_per_second"] is None
    assert admin.get(f"/v1/keys/{id_}").json() == changed
    problem(admin.get("/v1/keys/key_none"), 404, "entry_not_found")
    problem(admin.post("/v1/keys", json={"scope": "owner"}), 422, "invalid_request")
    problem(admin.post("/v1/keys", json={"plan": {"records": 0}}), 422, "invalid_request")


def test_users_are_let_in_changed_and_removed(service, space, problem):
    admin = service()
    assert admin.post("/v1/users", json={"name": "Ann", "password": "correct horse"}).json()["role"] == "read"
    problem(admin.post("/v1/users", json={"name": "ann", "password": "correct horse"}), 409, "name_taken")
    problem(admin.post("/v1/users", json={"name": "bob", "password": "short"}), 422, "invalid_argument")
    assert admin.patch("/v1/users/ann", json={"role": "write", "password": "battery staple"}).json()["role"] == "write"
    assert space.catalog.users.sign_in("ann", "battery staple").role == "write"
    assert [user["name"] for user in admin.get("/v1/users").json()] == ["ann"]
    assert admin.delete("/v1/users/ann").status_code == 204
    problem(admin.delete("/v1/users/ann"), 404, "entry_not_found")


def test_the_first_start_makes_a_key_for_its_owners_eyes(space):
    secret = security.service_key(space)
    path = space.path / "service.key"
    assert path.read_text() == secret
    assert path.stat().st_mode & 0o077 == 0
    assert space.catalog.keys.check(secret).grant.scope == "admin"
    assert security.service_key(space) == secret
    assert len(space.catalog.keys.list()) == 1


def test_a_key_of_an_older_version_goes_on(space):
    (space.path / "service.key").write_text("la_a_key_of_long_ago")
    assert security.service_key(space) == "la_a_key_of_long_ago"
    assert space.catalog.keys.check("la_a_key_of_long_ago").name == "service"


def test_a_revoked_service_key_stays_revoked(space):
    security.service_key(space)
    [row] = space.catalog.keys.list()
    space.catalog.keys.revoke(row.id)
    assert security.service_key(space) is None
    assert [row.state for row in space.catalog.keys.list()] == ["revoked"]


def test_who_has_a_key_and_no_file_gets_no_other(space):
    space.catalog.keys.create("mine", Grant("admin"))
    assert security.service_key(space) is None
    assert not (space.path / "service.key").exists()


def test_the_settings_may_give_the_key(space):
    from dataclasses import replace

    space.settings = replace(space.settings, key="a key from the settings")
    assert security.service_key(space) == "a key from the settings"
    assert not (space.path / "service.key").exists()
    space.settings = replace(space.settings, key="short")
    with pytest.raises(InvalidArgument, match="16 or more"):
        security.service_key(space)
