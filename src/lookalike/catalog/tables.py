"""The catalog's tables, as the newest format has them. A change here needs a new format and a migration."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql

__all__ = [
    "about",
    "audit",
    "collections",
    "decisions",
    "feeds",
    "impressions",
    "job_failures",
    "jobs",
    "keys",
    "tables",
    "trial_events",
    "trials",
    "usage",
    "users",
]

tables = sql.MetaData()


class _Text(sql.types.TypeDecorator[str]):
    """Text of whatever characters: what databases refuse (NUL, half a surrogate pair in a file name) is U+FFFD."""

    impl = sql.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        if value is None:
            return None
        whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return whole.replace("\0", "\N{REPLACEMENT CHARACTER}")


_Json = sql.JSON(none_as_null=True)
_Serial = sql.BigInteger().with_variant(sql.Integer, "sqlite")  # only INTEGER counts up by itself in SQLite


def _text(name: str, default: str = "") -> sql.Column[str]:
    return sql.Column(name, _Text, nullable=False, default=default)


def _count(name: str) -> sql.Column[int]:
    return sql.Column(name, sql.BigInteger, nullable=False, default=0)


about = sql.Table("about", tables, sql.Column("format", sql.Integer, nullable=False))

collections = sql.Table(
    "collections",
    tables,
    sql.Column("name", _Text, primary_key=True),
    sql.Column("kind", _Text, nullable=False),
    sql.Column("model", _Text, nullable=False),
    sql.Column("signatures", sql.JSON, nullable=False),
    sql.Column("dims", sql.JSON, nullable=False),
    sql.Column("created", _Text, nullable=False),
    sql.Column("settings", sql.JSON, nullable=False),
    _text("store"),
    sql.Column("beside", _Json),
)

decisions = sql.Table(
    "decisions",
    tables,
    sql.Column("id", _Serial, primary_key=True),
    _text("scope"),  # a collection's name; "" for folders
    sql.Column("verdict", _Text, nullable=False),
    sql.Column("members", sql.JSON, nullable=False),
    sql.Column("digest", _Text, nullable=False),  # SHA-256 of the members: the same decision is kept once
    _text("who"),
    _text("note"),
    sql.Column("created", _Text, nullable=False),
    sql.UniqueConstraint("scope", "verdict", "digest"),
)

jobs = sql.Table(
    "jobs",
    tables,
    sql.Column("number", _Serial, primary_key=True),
    sql.Column("id", _Text, nullable=False, unique=True),
    sql.Column("kind", _Text, nullable=False),
    sql.Column("collection", _Text),
    sql.Column("spec", sql.JSON, nullable=False),
    sql.Column("state", _Text, nullable=False, index=True),
    _count("done"),
    sql.Column("total", sql.BigInteger),
    _count("failed"),
    sql.Column("result", sql.JSON, nullable=False),
    sql.Column("checkpoint", _Json),
    _text("error_code"),
    _text("error"),
    _text("who"),
    sql.Column("created", _Text, nullable=False),
    sql.Column("started", _Text),
    sql.Column("finished", _Text),
    sql.Column("cancel", sql.Boolean, nullable=False, default=False),
    _text("owner"),
    sql.Column("heartbeat", sql.Float, nullable=False, default=0.0),  # seconds since 1970
    sql.Column("attempts", sql.Integer, nullable=False, default=0),  # processes that ran it without progress
)

job_failures = sql.Table(
    "job_failures",
    tables,
    sql.Column("job", sql.BigInteger, primary_key=True, autoincrement=False),
    sql.Column("place", sql.BigInteger, primary_key=True, autoincrement=False),
    sql.Column("item", _Text, nullable=False),
    sql.Column("code", _Text, nullable=False),
    sql.Column("reason", _Text, nullable=False),
)

feeds = sql.Table(
    "feeds",
    tables,
    sql.Column("id", _Text, primary_key=True),
    sql.Column("collection", _Text, nullable=False),
    sql.Column("source", _Text, nullable=False),
    _text("form"),
    sql.Column("every", sql.Integer),  # seconds
    sql.Column("remove", sql.Boolean, nullable=False, default=False),
    sql.Column("existing", _Text, nullable=False),
    sql.Column("columns", sql.JSON, nullable=False),
    _text("who"),
    sql.Column("created", _Text, nullable=False),
    sql.Column("due", sql.Float),  # seconds since 1970
    _text("last_job"),
)

trials = sql.Table(
    "trials",
    tables,
    sql.Column("id", _Text, primary_key=True),
    sql.Column("collection", _Text, nullable=False),
    sql.Column("name", _Text, nullable=False),
    sql.Column("method", _Text, nullable=False),
    sql.Column("a", sql.JSON, nullable=False),
    sql.Column("b", sql.JSON, nullable=False),
    sql.Column("share", sql.Float, nullable=False),
    sql.Column("effect", sql.Float, nullable=False),
    sql.Column("goal", _Text, nullable=False),
    sql.Column("state", _Text, nullable=False),
    _text("promoted"),
    _text("who"),
    sql.Column("created", _Text, nullable=False),
    sql.Column("ended", _Text),
    sql.UniqueConstraint("collection", "name"),
)

impressions = sql.Table(
    "impressions",
    tables,
    sql.Column("id", _Text, primary_key=True),
    sql.Column("trial", _Text, nullable=False, index=True),
    sql.Column("visitor", _Text, nullable=False),  # a digest
    sql.Column("variant", _Text, nullable=False),
    sql.Column("shown", _Text, nullable=False),  # digests of ids, one after the other
    sql.Column("teams", _Text, nullable=False),
    sql.Column("created", _Text, nullable=False),
)

trial_events = sql.Table(
    "trial_events",
    tables,
    sql.Column("impression", _Text, primary_key=True),
    sql.Column("place", sql.Integer, primary_key=True, autoincrement=False),  # of the record among those shown
    sql.Column("kind", _Text, primary_key=True),
    sql.Column("trial", _Text, nullable=False, index=True),
    sql.Column("visitor", _Text, nullable=False),
    sql.Column("side", _Text, nullable=False),
    sql.Column("created", _Text, nullable=False),
)

keys = sql.Table(
    "keys",
    tables,
    sql.Column("id", _Text, primary_key=True),
    sql.Column("digest", _Text, nullable=False, unique=True),  # SHA-256 of the secret, never the secret
    _text("name"),
    sql.Column("scope", _Text, nullable=False),
    sql.Column("collections", _Json),
    sql.Column("plan", sql.JSON, nullable=False),
    _text("who"),
    sql.Column("created", _Text, nullable=False),
    sql.Column("expires", _Text),
    sql.Column("revoked", _Text),
    sql.Column("last_used", _Text),
)

users = sql.Table(
    "users",
    tables,
    sql.Column("name", _Text, primary_key=True),
    sql.Column("password", _Text, nullable=False),  # argon2id, with its salt and parameters
    sql.Column("role", _Text, nullable=False),
    sql.Column("created", _Text, nullable=False),
    sql.Column("last_sign_in", _Text),
)

usage = sql.Table(
    "usage",
    tables,
    sql.Column("key", _Text, primary_key=True),
    sql.Column("day", _Text, primary_key=True),  # YYYY-MM-DD, UTC
    _count("requests"),
    _count("refused"),
    _count("records"),
    _count("bytes"),
)

audit = sql.Table(
    "audit",
    tables,
    sql.Column("id", _Serial, primary_key=True),
    sql.Column("at", _Text, nullable=False),
    _text("who"),
    sql.Column("action", _Text, nullable=False, index=True),
    _text("target"),
    sql.Column("count", sql.BigInteger),
    sql.Column("details", sql.JSON, nullable=False),
)
