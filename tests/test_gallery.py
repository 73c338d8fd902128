"""The sample gallery: enough pictures, honest metadata, the same bytes every time."""

import hashlib
import importlib.util
from collections import Counter
from pathlib import Path

import pytest

from lookalike.errors import MissingExtra
from lookalike.gallery import SIZE, make_gallery
from lookalike.images import read_image


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return make_gallery(tmp_path_factory.mktemp("gallery"))


def test_there_are_enough_pictures_of_clearly_different_subjects(records):
    assert len(records) == SIZE >= 160
    assert len({record["_id"] for record in records}) == SIZE
    assert len({record["_file"] for record in records}) == SIZE
    subjects = Counter(record["subject"] for record in records)
    assert len(subjects) >= 15
    assert min(subjects.values()) >= 9
    assert {"animal", "space", "texture", "object", "person", "document", "medical"} <= {
        record["category"] for record in records
    }


def test_every_picture_decodes_and_is_neither_tiny_nor_large(records):
    formats = Counter()
    for record in records:
        image = read_image(record["_file"])
        assert min(image.width, image.height) >= 60
        assert max(image.width, image.height) <= 640
        formats[image.format] += 1
    assert set(formats) == {"JPEG", "PNG", "WEBP"}


def test_it_is_small_on_disk(records):
    assert sum(Path(record["_file"]).stat().st_size for record in records) < 16_000_000


def test_no_two_pictures_are_the_same(records):
    assert len({read_image(record["_file"]).pixels.tobytes() for record in records}) == SIZE


def test_metadata_groups_and_filters(records):
    for record in records:
        assert record["product"] == record["subject"]
        assert record["_id"] == f"{record['subject']}/{record['edit']}"
        assert record["tags"]
        assert all(isinstance(tag, str) for tag in record["tags"])
    assert "cat/mirrored" in {record["_id"] for record in records}


def test_it_is_the_same_everywhere_and_kept_when_it_is_there(records, tmp_path):
    done = []
    again = make_gallery(tmp_path, progress=done.append)
    assert sum(done) == SIZE
    assert digests(again) == digests(records)
    kept = Path(again[0]["_file"])
    changed = kept.stat().st_mtime_ns
    lost = Path(again[1]["_file"])
    lost.unlink()
    assert digests(make_gallery(tmp_path)) == digests(records)
    assert kept.stat().st_mtime_ns == changed


def test_without_scikit_image_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"lookalike\[demo\]"):
        make_gallery(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def digests(records):
    return [hashlib.sha256(Path(record["_file"]).read_bytes()).hexdigest() for record in records]
