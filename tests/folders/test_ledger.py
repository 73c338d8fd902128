"""The ledger: what is kept of files, in a form pinned by bytes, and what happens when it can't be kept."""

import hashlib
import os
import sqlite3
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.folders.ledger import FORMAT, Known, Ledger, Picture, user_ledger

HASH, COPY, JUDGE = "phash/1", "model/1", "0 limits"


def opened(path, hasher=HASH, describer=COPY, judge=JUDGE):
    return Ledger(path, hasher=hasher, describer=describer, judge=judge)


def picture(seed=0, **changed):
    facts = {
        "digest": hashlib.sha256(bytes([seed])).digest(),
        "width": 640,
        "height": 480,
        "format": "JPEG",
        "taken": "2024-02-29T12:34:56",
        "exif": 31,
        "quality": 99,
        "turned": bytes(range(64)),
        "copy": bytes(range(256)),
    }
    return Picture(**{**facts, **changed})


def known(seed=0, **changed):
    return Known(1000 + seed, 1_700_000_000_123_456_789, 2**63 + 5, 2**64 - 1, picture(seed, **changed))


def test_what_was_put_comes_back_to_the_bit(tmp_path):
    path = tmp_path / "deep" / "files.sqlite"
    first = opened(path)
    first.put(b"/a\xff\n/b.jpg", known())
    first.close()
    second = opened(path)
    assert second.files([b"/a\xff\n/b.jpg", b"/other"]) == {b"/a\xff\n/b.jpg": known()}
    assert second.picture(known().picture.digest) == picture()
    assert second.picture(bytes(32)) is None
    assert second.warning == first.warning == ""


def test_the_stored_form_is_pinned(tmp_path):
    """Whoever changes it raises FORMAT: users keep these files for years."""
    ledger = opened(tmp_path / "files.sqlite")
    ledger.put(b"/a.jpg", known())
    ledger.put(
        b"/b.jpg", known(1, turned=b"", copy=b"", quality=0, width=0, height=0, format="", reason="damaged JPEG")
    )
    ledger.close()
    db = sqlite3.connect(tmp_path / "files.sqlite")
    tables = list(db.execute("SELECT name, sql FROM sqlite_master WHERE sql NOT NULL ORDER BY name"))
    text = repr(
        [(name, sql.split(), db.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall()) for name, sql in tables]
    )
    facts = [db.execute(f"PRAGMA {fact}").fetchone()[0] for fact in ("application_id", "user_version", "journal_mode")]
    db.close()
    assert (FORMAT, facts) == (1, [0x4C4B4C31, 1, "wal"])
    assert hashlib.sha256(text.encode()).hexdigest() == GOLDEN, text


GOLDEN = "f2ec959847b9e7e503192c41017ed76fdf66eaa93e0bc50b5223404386e42b30"


def test_what_other_makers_made_is_not_given_back(tmp_path):
    path = tmp_path / "files.sqlite"
    first = opened(path)
    first.put(b"/a", known())
    first.put(b"/b", known(1, reason="damaged"))
    first.close()
    other = opened(path, describer="model/2", judge="1 limits")
    assert other.files([b"/a"])[b"/a"].picture == picture(copy=b"")
    assert other.files([b"/b"])[b"/b"].picture.reason == ""
    assert opened(path, hasher="phash/2").files([b"/a"])[b"/a"].picture.turned == b""


def test_what_is_known_only_grows(tmp_path):
    path = tmp_path / "files.sqlite"
    ledger = opened(path)
    ledger.put(b"/a", known())
    ledger.commit()
    ledger.put(b"/b", known(width=0, height=0, format="", taken="", exif=0, quality=0, turned=b"", copy=b""))
    ledger.commit()
    assert ledger.files([b"/b"])[b"/b"].picture == picture()
    ledger.close()


@given(st.dictionaries(st.binary(min_size=1, max_size=20), st.integers(0, 5), max_size=30))
def test_it_is_a_dictionary_of_paths(files):
    ledger = opened("")
    for path, seed in files.items():
        ledger.put(path, known(seed))
    ledger.commit()
    assert ledger.files(list(files)) == {path: known(seed) for path, seed in files.items()}
    ledger.close()


def test_more_paths_than_one_question_takes(tmp_path):
    ledger = opened(tmp_path / "files.sqlite")
    paths = [b"/%05d" % n for n in range(3500)]
    for n, path in enumerate(paths):
        ledger.put(path, known(n % 7))
    ledger.commit()
    assert len(ledger.files(paths)) == 3500
    ledger.close()


def test_a_file_is_the_same_by_size_time_and_inode():
    one = known()
    assert one.still(one.size, one.modified, one.device, one.inode)
    assert not one.still(one.size + 1, one.modified, one.device, one.inode)
    assert not one.still(one.size, one.modified + 1, one.device, one.inode)
    assert not one.still(one.size, one.modified, one.device, one.inode - 1)
    assert one.still(one.size, one.modified, one.device + 1, one.inode - 1)  # the disk was mounted anew


def test_files_that_are_gone_are_forgotten(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "here.jpg").write_bytes(b"x")
    paths = [os.fsencode(folder / name) for name in ("here.jpg", "gone.jpg", "below/gone.jpg")]
    beside = os.fsencode(tmp_path / "pictures2" / "gone.jpg")
    ledger = opened(tmp_path / "files.sqlite")
    for path in (*paths, beside):
        ledger.put(path, known())
    ledger.commit()
    assert ledger.sweep(os.fsencode(folder), 3) == 0
    assert ledger.sweep(os.fsencode(folder), 1) == 2
    assert ledger.files([*paths, beside]).keys() == {paths[0], beside}
    ledger.close()


@pytest.mark.parametrize("content", [b"not a database, but a text of somebody's", b"SQLite format 3\0" + bytes(200)])
def test_a_file_that_is_no_ledger_is_left_alone(tmp_path, content):
    path = tmp_path / "mine.db"
    path.write_bytes(content)
    ledger = opened(path)
    ledger.put(b"/a", known())
    ledger.commit()
    assert ledger.files([b"/a"]) == {b"/a": known()}
    assert str(path) in ledger.warning
    ledger.close()
    assert path.read_bytes() == content


def test_somebody_elses_database_is_left_alone(tmp_path):
    path = tmp_path / "mine.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE files (path)")
    db.close()
    before = path.read_bytes()
    ledger = opened(path)
    assert "no ledger" in ledger.warning
    ledger.close()
    assert path.read_bytes() == before


def test_where_nothing_can_be_written_it_goes_on(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    ledger = opened(tmp_path / "file" / "files.sqlite")
    ledger.put(b"/a", known())
    ledger.commit()
    assert ledger.files([b"/a"]) == {b"/a": known()}
    assert "kept for the next" in ledger.warning
    ledger.close()


def test_a_full_disk_ends_the_keeping_and_nothing_else(tmp_path):
    path = tmp_path / "files.sqlite"
    ledger = opened(path)
    ledger.put(b"/first", known())
    ledger.commit()
    ledger._db.execute("PRAGMA max_page_count = 1")  # as full as SQLite can make itself
    for n in range(500):
        ledger.put(b"/%d" % n, known(n % 250))
    ledger.commit()
    assert "full" in ledger.warning
    assert len(ledger.files([b"/%d" % n for n in range(500)])) == 500
    ledger.close()
    assert opened(path).files([b"/first"]) == {b"/first": known()}


def test_threads_and_other_ledgers_write_at_once(tmp_path):
    path = tmp_path / "files.sqlite"
    ledgers = [opened(path), opened(path)]

    def work(which):
        for n in range(300):
            ledgers[which % 2].put(b"/%d/%d" % (which, n), known(n % 9))
            ledgers[which % 2].picture(picture(n % 9).digest)
            if n % 20 == 0:
                ledgers[which % 2].commit()

    threads = [threading.Thread(target=work, args=(which,)) for which in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for ledger in ledgers:
        ledger.close()
    assert [ledger.warning for ledger in ledgers] == ["", ""]
    again = opened(path)
    assert len(again.files([b"/%d/%d" % (which, n) for which in range(4) for n in range(300)])) == 1200
    again.close()


def test_processes_that_make_it_at_once(tmp_path):
    program = (
        "import sys\n"
        "from lookalike.folders.ledger import *\n"
        "print(flush=True)\n"
        "sys.stdin.readline()\n"  # so that all of them open it in the same moment
        "ledger = Ledger(sys.argv[1], hasher='h', describer='d', judge='j')\n"
        "for n in range(100):\n"
        "    ledger.put(b'%s/%d' % (sys.argv[2].encode(), n), Known(1, 2, 3, 4, Picture(bytes([n]) * 32)))\n"
        "    ledger.commit()\n"
        "ledger.close()\n"
        "print(ledger.warning)\n"
    )
    path = str(tmp_path / "files.sqlite")
    pipe = subprocess.PIPE
    started = [
        subprocess.Popen([sys.executable, "-c", program, path, name], stdin=pipe, stdout=pipe, text=True)
        for name in "abcd"
    ]
    for process in started:
        process.stdout.readline()
    for process in started:
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate(timeout=120)[0] for process in started] == ["\n"] * 4
    every = [b"%s/%d" % (name, n) for name in (b"a", b"b", b"c", b"d") for n in range(100)]
    assert len(opened(path).files(every)) == 400


def test_where_it_is(tmp_path):
    assert user_ledger({"LOOKALIKE_LEDGER": str(tmp_path / "x")}) == tmp_path / "x"
    assert user_ledger({}).name == f"files-{FORMAT}.sqlite"
