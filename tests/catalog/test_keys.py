"""Keys: secrets that are never stored, and that open what they should for as long as they should."""

from datetime import UTC, datetime, timedelta

import pytest

from lookalike.catalog import PLANS, Catalog, Grant, Plan
from lookalike.errors import AccessDenied, EntryNotFound, InvalidArgument, NotPermitted


def test_a_key_opens_after_reopening_and_its_secret_is_nowhere(tmp_path):
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        key, secret = catalog.keys.create("shop", Grant("write", plan=PLANS["public"]), who="ann")
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert secret.encode() not in written
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        found = catalog.keys.check(secret)
    assert found == key
    assert (found.name, found.who, found.grant.scope) == ("shop", "ann", "write")
    assert found.grant.plan.requests_per_second == 1


def test_secrets_are_long_and_differ(catalog):
    secrets = {catalog.keys.create(f"{n}")[1] for n in range(20)}
    assert len(secrets) == 20
    assert all(secret.startswith("la_") and len(secret) >= 35 for secret in secrets)


@pytest.mark.parametrize("secret", ["", "la_wrong", "la_" + "x" * 32, "\x00", "\ud800", "é" * 1000])
def test_a_wrong_key_is_refused(catalog, secret):
    catalog.keys.create("a")
    with pytest.raises(AccessDenied, match="wrong"):
        catalog.keys.check(secret)


def test_a_revoked_key_is_refused_for_good(catalog):
    key, secret = catalog.keys.create("a")
    revoked = catalog.keys.revoke(key.id)
    assert revoked.state == "revoked"
    assert catalog.keys.revoke(key.id) == revoked
    with pytest.raises(AccessDenied, match="revoked"):
        catalog.keys.check(secret)
    with pytest.raises(EntryNotFound, match="key_none"):
        catalog.keys.revoke("key_none")


def test_a_key_expires(catalog):
    soon = datetime.now(UTC) + timedelta(hours=1)
    past = datetime.now(UTC) - timedelta(seconds=1)
    assert catalog.keys.check(catalog.keys.create("a", Grant(expires=soon))[1]).grant.expires == soon
    with pytest.raises(AccessDenied, match="expired"):
        catalog.keys.check(catalog.keys.create("b", Grant(expires=past))[1])
    with pytest.raises(InvalidArgument, match="time zone"):
        Grant(expires=datetime(2030, 1, 1))


def test_scopes_include_those_before_them(catalog):
    permits = {
        scope: [
            wanted for wanted in ("read", "write", "admin") if catalog.keys.create("a", Grant(scope))[0].permits(wanted)
        ]
        for scope in ("read", "write", "admin")
    }
    assert permits == {"read": ["read"], "write": ["read", "write"], "admin": ["read", "write", "admin"]}


def test_a_key_for_some_collections_reaches_no_others_and_nothing_above_them(catalog):
    key, secret = catalog.keys.create("a", Grant("admin", ["shop"]))
    key = catalog.keys.check(secret)
    assert key.permits("admin", "shop")
    assert not key.permits("read", "estates")
    assert key.permits("read")
    assert not key.permits("write")
    assert not key.permits("admin")
    with pytest.raises(NotPermitted, match=r"scope read for collection 'estates'"):
        key.require("read", "estates")
    key.require("write", "shop")


def test_a_key_may_be_changed(catalog):
    key, secret = catalog.keys.create("a")
    catalog.keys.change(key.id, Grant("write", plan=Plan(records=5)))
    assert catalog.keys.check(secret).grant == Grant("write", plan=Plan(records=5))
    with pytest.raises(EntryNotFound):
        catalog.keys.change("key_none", Grant())


def test_a_secret_of_ones_own_is_taken_once_and_not_if_short(catalog):
    catalog.keys.create("old", Grant("admin"), secret="la_from_a_file_of_0.1")
    assert catalog.keys.check("la_from_a_file_of_0.1").name == "old"
    with pytest.raises(InvalidArgument, match="in use"):
        catalog.keys.create("again", secret="la_from_a_file_of_0.1")
    with pytest.raises(InvalidArgument, match="16 or more"):
        catalog.keys.create("short", secret="1234")


@pytest.mark.parametrize(
    "limits", [{"requests_per_second": 0}, {"concurrency": 1.5}, {"records": -1}, {"bytes": True}, {"bytes": "9"}]
)
def test_a_plan_without_sense_is_refused(limits):
    with pytest.raises(InvalidArgument, match=next(iter(limits))):
        Plan(**limits)
    with pytest.raises(InvalidArgument, match="read, write, admin"):
        Grant("owner")


def test_every_change_of_a_key_is_in_the_audit_log_without_its_secret(catalog):
    key, secret = catalog.keys.create("shop", who="ann")
    catalog.keys.change(key.id, Grant("write"), who="bob")
    catalog.keys.revoke(key.id, who="eve")
    catalog.keys.revoke(key.id, who="eve")
    entries = catalog.audit.page().entries
    assert [(entry.action, entry.who, entry.target) for entry in entries] == [
        ("key.revoke", "eve", key.id),
        ("key.change", "bob", key.id),
        ("key.create", "ann", key.id),
    ]
    assert secret not in repr(entries)


def test_keys_are_listed_oldest_first_with_the_revoked(catalog):
    made = [catalog.keys.create(name)[0] for name in ("b", "a")]
    catalog.keys.revoke(made[0].id)
    assert {key.id: key.state for key in catalog.keys.list()} == {made[0].id: "revoked", made[1].id: "good"}
