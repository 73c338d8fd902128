"""Users: passwords that can't be read, names that are one in any case, one answer to every wrong guess."""

import argon2
import pytest
import sqlalchemy

from lookalike.catalog import users as room
from lookalike.errors import AccessDenied, EntryNotFound, InvalidArgument, NameTaken

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch):
    """Hashes of the least cost: what is tested here is not argon2."""
    monkeypatch.setattr(room, "_hasher", argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    room._nobodys_hash.cache_clear()
    yield
    room._nobodys_hash.cache_clear()


def test_the_right_password_signs_in_whatever_the_case_of_the_name(catalog):
    catalog.users.add("Ann@Example.org", PASSWORD, "write")
    user = catalog.users.sign_in("ann@example.ORG", PASSWORD)
    assert (user.name, user.role) == ("ann@example.org", "write")
    assert catalog.users.find("ANN@example.org").last_sign_in == user.last_sign_in is not None


@pytest.mark.parametrize(("name", "password"), [("ann", PASSWORD + "!"), ("ann", ""), ("bob", PASSWORD), ("\x00", "x")])
def test_a_wrong_name_and_a_wrong_password_are_told_alike(catalog, name, password):
    catalog.users.add("ann", PASSWORD)
    with pytest.raises(AccessDenied, match="The name or the password is wrong"):
        catalog.users.sign_in(name, password)


def test_a_name_is_taken_once(catalog):
    catalog.users.add("ann", PASSWORD)
    with pytest.raises(NameTaken):
        catalog.users.add("ANN", PASSWORD)
    assert [entry.action for entry in catalog.audit.page().entries] == ["user.add"]


@pytest.mark.parametrize(
    ("name", "password", "role"),
    [
        ("", PASSWORD, "read"),
        ("a b", PASSWORD, "read"),
        ("x" * 101, PASSWORD, "read"),
        ("ann", "short", "read"),
        ("ann", "x" * 1001, "read"),
        ("ann", PASSWORD, "owner"),
    ],
)
def test_bad_names_passwords_and_roles_are_refused(catalog, name, password, role):
    with pytest.raises(InvalidArgument) as caught:
        catalog.users.add(name, password, role)
    assert "short" not in str(caught.value)
    assert catalog.users.list() == []


def test_a_password_and_a_role_change(catalog):
    catalog.users.add("ann", PASSWORD)
    catalog.users.set_password("Ann", "another good one", who="root")
    catalog.users.set_role("ann", "admin")
    assert catalog.users.sign_in("ann", "another good one").role == "admin"
    with pytest.raises(AccessDenied):
        catalog.users.sign_in("ann", PASSWORD)
    assert [entry.action for entry in catalog.audit.page().entries] == ["user.role", "user.password", "user.add"]


def test_a_removed_user_is_gone(catalog):
    catalog.users.add("ann", PASSWORD)
    catalog.users.remove("ANN")
    assert catalog.users.list() == []
    with pytest.raises(AccessDenied):
        catalog.users.sign_in("ann", PASSWORD)
    for change in (catalog.users.remove, catalog.users.find):
        with pytest.raises(EntryNotFound, match="ann"):
            change("ann")
    with pytest.raises(EntryNotFound):
        catalog.users.set_role("ann", "read")


def test_a_hash_of_weaker_parameters_is_renewed_at_sign_in(catalog, monkeypatch):
    catalog.users.add("ann", PASSWORD)
    monkeypatch.setattr(room, "_hasher", argon2.PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    catalog.users.sign_in("ann", PASSWORD)
    with catalog._database.reading() as connection:
        kept = connection.scalar(sqlalchemy.select(room.users.c.password))
    assert kept.startswith("$argon2id$v=19$m=16,t=2,p=1$")
    assert PASSWORD not in kept
    catalog.users.sign_in("ann", PASSWORD)


def test_real_hashes_cost_what_the_standard_asks():
    parameters = argon2.extract_parameters(argon2.PasswordHasher().hash("x"))
    assert parameters.memory_cost >= 64 * 1024
    assert parameters.time_cost >= 3
