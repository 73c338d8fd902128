"""The description cache: gives back what it was given, and whatever happens to its file is never an error."""

import sqlite3
import subprocess
import sys

import numpy as np
import pytest

from lookalike.describers.cache import DescriptionCache, Entry, cache_key, pack, unpack, user_cache
from lookalike.describers.colors import Color
from lookalike.errors import InvalidArgument

# pack("key", ENTRY) of format 1: other bytes need another FORMAT, or what users keep is misread.
GOLDEN = (
    "4c4b44324360cd36c90000007b227769647468223a332c22686569676874223a322c22666f726d6174223a22504e47222c22"
    "73686131223a2261616161616161616161616161616161616161616161616161616161616161616161616161616161222c22"
    "74616b656e223a22222c2265786966223a302c22636f6c6f7273223a5b5b2223666638303030222c312e302c226f72616e67"
    "65225d5d2c22726f7773223a5b5b226d65616e696e67222c223c6634222c325d2c5b227068617368222c227c7531222c325d"
    "5d2c226c6f67697473223a317d9a99193fcdcc4cbf01ff0000c03f"
)


def entry(seed=0, logits=True):
    random = np.random.default_rng(seed)
    return Entry(
        width=320,
        height=240,
        format="JPEG",
        sha1=f"{seed:040x}",
        rows={"meaning": random.standard_normal(256).astype(np.float32), "phash": random.integers(0, 256, 8, np.uint8)},
        logits=random.standard_normal(1000).astype(np.float32) if logits else None,
        colors=[Color("#ff8000", (255, 128, 0), 2 / 3, "orange"), Color("#000102", (0, 1, 2), 1 / 3, "black")],
        taken="2024-02-29T12:34:56",
        exif=seed,
    )


def small():
    rows = {"meaning": np.array([0.6, -0.8], np.float32), "phash": np.array([1, 255], np.uint8)}
    colors = [Color("#ff8000", (255, 128, 0), 1.0, "orange")]
    return Entry(3, 2, "PNG", "a" * 40, rows, np.array([1.5], np.float32), colors)


def same(one, other):
    assert (one.width, one.height, one.format, one.sha1) == (other.width, other.height, other.format, other.sha1)
    assert list(one.rows) == list(other.rows)
    for name, row in one.rows.items():
        assert row.dtype == other.rows[name].dtype
        assert row.tobytes() == other.rows[name].tobytes()
    assert (one.logits is None) == (other.logits is None)
    assert one.logits is None or one.logits.tobytes() == other.logits.tobytes()
    assert list(one.colors) == list(other.colors)
    assert (one.taken, one.exif) == (other.taken, other.exif)
    return True


@pytest.fixture
def cache(tmp_path):
    cache = DescriptionCache(tmp_path / "cache")
    yield cache
    cache.close()


@pytest.mark.parametrize("logits", [True, False])
def test_what_was_put_comes_back_bit_for_bit(cache, logits):
    cache.put("a", entry(1, logits))
    assert same(cache.get("a"), entry(1, logits))
    assert cache.get("b") is None


def test_it_is_still_there_for_the_next_process(cache, tmp_path):
    cache.put("a", entry(1))
    cache.close()
    again = DescriptionCache(tmp_path / "cache")
    assert same(again.get("a"), entry(1))
    again.close()


def test_a_second_put_replaces_the_first(cache):
    cache.put("a", entry(1, logits=False))
    cache.put("a", entry(1))
    assert cache.get("a").logits is not None
    assert cache.count() == 1


def test_the_stored_form_is_pinned():
    assert pack("key", small()).hex() == GOLDEN
    assert same(unpack("key", bytes.fromhex(GOLDEN)), small())


def test_arrays_that_come_back_may_be_written_to():
    assert unpack("key", pack("key", small())).rows["meaning"].flags.writeable


def test_any_flipped_byte_is_noticed():
    body = pack("key", small())
    for place in range(len(body)):
        assert unpack("key", body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]) is None
        assert unpack("key", body[:place]) is None
    assert unpack("other", body) is None, "an entry never answers for another picture"


def test_keys_tell_describers_apart_and_ignore_their_order():
    key = cache_key("ab", {"meaning": "mini/1", "color": "color/1"})
    assert key == cache_key("ab", {"color": "color/1", "meaning": "mini/1"})
    assert key != cache_key("ab", {"meaning": "mini/2", "color": "color/1"})
    assert key != cache_key("ac", {"meaning": "mini/1", "color": "color/1"})


def test_the_least_recently_used_go_first(tmp_path):
    now = [0.0]
    cache = DescriptionCache(tmp_path, limit=300_000, clock=lambda: now[0])
    for number in range(200):
        now[0] += 7200
        cache.put(str(number), entry(number))
        assert cache.get("0") is not None, "used all the time"
        assert cache.get(str(number)) is not None
    kept = [number for number in range(1, 200) if cache.get(str(number))]
    assert kept == list(range(kept[0], 200))
    assert 10 < len(kept) < 100
    cache.close()
    assert cache.path.stat().st_size < 400_000


def test_an_entry_larger_than_the_limit_is_simply_not_kept(tmp_path):
    cache = DescriptionCache(tmp_path, limit=1)
    cache.put("a", entry())
    assert cache.get("a") is None
    cache.close()


def spoil_whole(path):
    path.write_bytes(b"this is no database" * 1000)


def spoil_middle(path):
    data = bytearray(path.read_bytes())
    data[100 : len(data) // 2] = bytes(len(data) // 2 - 100)
    path.write_bytes(bytes(data))


def spoil_schema(path):
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE entries (other TEXT)")
    db.close()


def spoil_length(path):
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize("spoil", [spoil_whole, spoil_middle, spoil_schema, spoil_length])
def test_a_damaged_file_is_built_anew(cache, spoil):
    for number in range(50):
        cache.put(str(number), entry(number))
    cache.close()
    spoil(cache.path)
    for number in range(50):  # misses, and the first of them notices
        found = cache.get(str(number))
        assert found is None or same(found, entry(number))
    cache.put("new", entry(7))
    cache.put("new", entry(7))
    assert same(cache.get("new"), entry(7))


def test_an_entry_spoiled_in_its_row_is_a_miss(cache):
    cache.put("a", entry(1))
    with sqlite3.connect(cache.path) as db:
        db.execute("UPDATE entries SET body = x'4c4b4431'")
    db.close()
    assert cache.get("a") is None
    cache.put("a", entry(1))
    assert same(cache.get("a"), entry(1))


def test_a_folder_that_can_not_be_made_is_no_error(tmp_path):
    (tmp_path / "file").write_text("in the way", "utf-8")
    cache = DescriptionCache(tmp_path / "file" / "cache")
    cache.put("a", entry())
    assert cache.get("a") is None
    assert cache.count() == 0


def test_a_locked_file_is_a_miss(cache, monkeypatch):
    monkeypatch.setattr("lookalike.describers.cache._PATIENCE", 0.01)
    cache.put("a", entry())
    with sqlite3.connect(cache.path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        cache.close()
        cache.put("b", entry(1))
        other.execute("ROLLBACK")
    other.close()
    assert same(cache.get("a"), entry())
    assert cache.get("b") is None


WRITER = """
import sys
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from test_cache import DescriptionCache, entry, same
cache, start = DescriptionCache(Path(sys.argv[1]), limit=3_000_000), int(sys.argv[2])
for number in range(start, start + 150):
    cache.put(str(number), entry(number))
    assert same(cache.get(str(number)), entry(number))
cache.close()
"""


def test_two_processes_share_one_file(cache, request):
    cache.put("before", entry())
    here = str(request.path.parent)
    command = [sys.executable, "-c", WRITER, str(cache.path.parent)]
    both = [subprocess.Popen([*command, start, here]) for start in ("0", "100")]
    assert [one.wait(60) for one in both] == [0, 0]
    for number in range(250):
        assert same(cache.get(str(number)), entry(number))


def test_the_environment_moves_it_and_turns_it_off(tmp_path):
    moved = user_cache({"LOOKALIKE_CACHE": str(tmp_path)})
    assert moved.path.parent == tmp_path
    assert user_cache({"LOOKALIKE_CACHE": str(tmp_path)}) is moved
    assert user_cache({"LOOKALIKE_CACHE": str(tmp_path), "LOOKALIKE_CACHE_MB": "0"}) is None
    with pytest.raises(InvalidArgument, match="LOOKALIKE_CACHE_MB"):
        user_cache({"LOOKALIKE_CACHE_MB": "much"})
