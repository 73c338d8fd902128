import sqlite3
import threading
import time

import pytest

from lookalike.sqlite import connect, write_ahead


def mode(db):
    return db.execute("PRAGMA journal_mode").fetchone()[0]


def test_readers_go_on_while_another_writes(tmp_path):
    first, second = (connect(tmp_path / "f.sqlite", 0.1) for _ in range(2))
    for db in (first, second):
        write_ahead(db, 1)
    assert (mode(first), mode(second)) == ("wal", "wal")
    first.execute("CREATE TABLE t (n INTEGER)")
    first.execute("BEGIN IMMEDIATE")
    first.execute("INSERT INTO t VALUES (1)")
    assert second.execute("SELECT count(*) FROM t").fetchone() == (0,)
    first.execute("COMMIT")
    assert second.execute("SELECT count(*) FROM t").fetchone() == (1,)
    for db in (first, second):
        db.close()


def test_it_waits_for_who_holds_the_file(tmp_path):
    holder, other = (connect(tmp_path / "f.sqlite", 0.1) for _ in range(2))
    holder.execute("BEGIN EXCLUSIVE")
    holder.execute("CREATE TABLE t (n INTEGER)")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        write_ahead(other, 0)
    done = threading.Thread(target=write_ahead, args=(other, 60))
    done.start()
    time.sleep(0.3)
    assert done.is_alive()
    holder.execute("COMMIT")
    done.join(60)
    assert mode(other) == "wal"
    for db in (holder, other):
        db.close()


def test_what_is_no_database_is_said_at_once(tmp_path):
    (tmp_path / "f.sqlite").write_bytes(b"no database at all, but some text" * 40)
    db = sqlite3.connect(tmp_path / "f.sqlite")
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        write_ahead(db, 60)
    db.close()
