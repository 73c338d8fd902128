"""Keys, users and settings on the command line."""

import subprocess
import sys

import lookalike
from lookalike.catalog import open_catalog


def test_a_plain_key_is_just_the_key_and_opens(run, tmp_path):
    secret = run("keys", "create", "--scope", "admin", "--plain").out.removesuffix("\n")
    assert "\n" not in secret
    with open_catalog(tmp_path / "space") as catalog:
        assert catalog.keys.check(secret).grant.scope == "admin"


def test_a_key_says_its_limits_and_is_revoked(run, tmp_path):
    made = run("keys", "create", "--name", "shop", "-c", "a", "--expires", "30d", "--plan", '{"records": 5}')
    assert made.code == 0
    [row] = run("keys", "list", "--format", "json").json
    assert (row["name"], row["scope"], row["collections"], row["state"]) == ("shop", "read", ["a"], "good")
    assert row["created"] < row["expires"]
    assert made.out.strip() not in run("keys", "list").out
    assert run("keys", "revoke", row["id"]).code == 0
    assert run("keys", "list", "--format", "json").json[0]["state"] == "revoked"


def test_keys_are_made_while_a_service_holds_the_workspace(run, tmp_path):
    with lookalike.open(tmp_path / "space") as space:
        secret = run("keys", "create", "--plain").out.strip()
        assert space.catalog.keys.check(secret).state == "good"


def test_bad_values_are_one_line(run):
    for arguments, word in (
        (("--scope", "owner"), "read, write, admin"),
        (("--expires", "soon"), "90d"),
        (("--plan", "huge"), "public"),
        (("--plan", '{"wishes": 3}'), "public"),
        (("--plan", '{"records": -3}'), "records"),
    ):
        refused = run("keys", "create", *arguments)
        assert refused.code == 2
        assert refused.err.startswith("lookalike: ")
        assert word in refused.err
    assert "key_none" in run("keys", "revoke", "key_none").err


def test_users_come_and_go(run, tmp_path):
    def with_password(password, *arguments):
        command = [sys.executable, "-m", "lookalike", "users", *arguments, "--password-stdin", "-w", tmp_path / "space"]
        return subprocess.run(command, input=password + "\n", capture_output=True, text=True)

    assert with_password("correct horse", "add", "Ann", "--role", "admin").returncode == 0
    assert "10 to 1,000 characters" in with_password("short", "add", "bob").stderr
    assert [(user["name"], user["role"]) for user in run("users", "list", "--format", "json").json] == [
        ("ann", "admin")
    ]
    assert with_password("battery staple", "passwd", "ann").returncode == 0
    with open_catalog(tmp_path / "space") as catalog:
        assert catalog.users.sign_in("ann", "battery staple").role == "admin"
    assert run("users", "remove", "ann").code == 0
    assert run("users", "remove", "ann").code == 2


def test_settings_are_given_changed_and_refused(run):
    chosen = ("--set", 'index=["category"]', "--set", "ignore_case=true")
    assert run("collection", "create", "shop", "--kind", "products", "--product-id", "sku", *chosen).code == 0
    shown = run("collection", "configure", "shop").json
    assert (shown["product_id"], shown["index"], shown["ignore_case"]) == ("sku", ["category"], True)
    assert run("collection", "configure", "shop", "--set", "product_id=brand").json["product_id"] == "brand"
    refused = run("collection", "configure", "shop", "--set", 'describers=["copy"]')
    assert refused.code == 2
    assert "new collection" in refused.err
    assert "like product_id=sku" in run("collection", "configure", "shop", "--set", "nonsense").err


def test_kinds_say_when_to_choose_them(run):
    rows = run("collection", "kinds", "--format", "json").json
    assert [row["kind"] for row in rows] == ["photos", "products", "matching", "colors", "custom"]
    assert all(row["choose"].startswith("Choose it") for row in rows)
