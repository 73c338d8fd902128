"""A collection on real files: what is added is found, what is unchanged is left, what is bad is listed."""

import os
import shutil

import numpy as np
import pytest

import lookalike
from lookalike.errors import (
    CollectionClosed,
    InvalidArgument,
    InvalidFilter,
    ModelMismatch,
    RecordNotFound,
    ShapeMismatch,
    UnknownVector,
)


@pytest.fixture
def collection(tmp_path):
    with lookalike.open(tmp_path / "space") as space:
        yield space.create("pictures", product_id="product")


@pytest.fixture
def filled(collection, pictures):
    records = [
        {"_id": str(seed), "_file": str(pictures / f"{seed}.jpg"), "even": seed % 2 == 0, "product": f"p{seed // 2}"}
        for seed in range(5)
    ]
    collection.add(records)
    return collection


def test_a_picture_finds_itself_first_with_score_1(filled, pictures):
    matches = filled.search(image=pictures / "3.jpg", k=5)
    assert matches[0].id == "3"
    assert matches[0].score == 1.0
    assert [m.score for m in matches] == sorted((m.score for m in matches), reverse=True)
    assert all(0.0 <= m.score <= 1.0 for m in matches)


def test_a_record_keeps_facts_and_metadata_but_no_picture(filled, pictures):
    fields = filled.get(["0"])[0].fields
    assert (fields["_width"], fields["_height"], fields["_format"]) == (320, 240, "JPEG")
    assert fields["_file"] == str(pictures / "0.jpg")
    assert fields["even"] is True
    assert len(fields["_sha256"]) == 64
    assert len(fields["_phash"]) == 16
    assert set(fields) == {
        "_file",
        "_size",
        "_mtime",
        "_sha256",
        "_format",
        "_width",
        "_height",
        "_phash",
        "even",
        "product",
    }


def test_search_by_id_leaves_the_record_itself_out(filled):
    ids = [match.id for match in filled.search(id="2", k=10)]
    assert "2" not in ids
    assert len(ids) == 4


def test_the_filter_is_applied_before_k(filled, pictures):
    matches = filled.search(image=pictures / "1.jpg", k=3, where={"even": True})
    assert len(matches) == 3
    assert {match.id for match in matches} == {"0", "2", "4"}


def test_grouping_gives_the_nearest_of_each_product(filled, pictures):
    matches = filled.search(image=pictures / "1.jpg", k=5, group=True)
    assert len(matches) == 3
    assert matches[0].id == "1"
    assert len({match.record.fields["product"] for match in matches}) == 3


def test_records_without_the_group_field_stand_alone(filled, pictures, draw):
    filled.add([{"_id": f"free{seed}", "_image": draw(seed)} for seed in (20, 21)])
    ids = {match.id for match in filled.search(image=pictures / "0.jpg", k=10, group=True)}
    assert {"free20", "free21"} < ids


def test_adding_again_describes_nothing(filled, pictures, monkeypatch):
    def never(*_):
        raise AssertionError("described an unchanged picture")

    monkeypatch.setattr("lookalike.describers.ensemble.Ensemble.describe", never)
    added = filled.add([{"_id": str(seed), "_file": str(pictures / f"{seed}.jpg")} for seed in range(5)])
    assert list(added.skipped) == ["0", "1", "2", "3", "4"]
    assert filled.get(["1"])[0].fields["product"] == "p0", "metadata that was not given stays"


def test_a_touched_file_with_the_same_bytes_is_not_described_again(filled, pictures, monkeypatch):
    os.utime(pictures / "0.jpg", ns=(1, 1))
    monkeypatch.setattr("lookalike.describers.ensemble.Ensemble.describe", lambda *_: 1 / 0)
    added = filled.add([{"_id": "0", "_file": str(pictures / "0.jpg")}])
    assert list(added.updated) == ["0"]
    assert filled.get(["0"])[0].fields["_mtime"] == 1


def test_a_changed_picture_is_described_again(filled, pictures, draw, save):
    save(draw(77), pictures / "0.jpg")
    added = filled.add([{"_id": "0", "_file": str(pictures / "0.jpg")}])
    assert list(added.updated) == ["0"]
    assert filled.search(image=draw(77), k=1)[0].id == "0"
    assert filled.search(image=draw(77), k=1)[0].score > 0.98
    assert len(filled) == 5


def test_a_picture_from_elsewhere_leaves_nothing_of_the_old_file(filled, draw):
    filled.add([{"_id": "0", "_image": draw(60)}])
    fields = filled.get(["0"])[0].fields
    assert "_file" not in fields
    assert "_mtime" not in fields
    assert fields["product"] == "p0"


def test_a_picture_comes_back_after_its_vector_was_replaced(filled, pictures):
    filled.add([{"_id": "0", "_vector": np.eye(filled.info.dims["meaning"])[0].tolist()}])
    assert "_sha256" not in filled.get(["0"])[0].fields
    again = filled.add([{"_id": "0", "_file": str(pictures / "0.jpg")}])
    assert list(again.updated) == ["0"]
    assert filled.search(image=pictures / "0.jpg", k=1)[0].score == 1.0


def test_a_bad_record_never_fails_the_batch(collection, pictures, draw):
    (pictures / "fake.jpg").write_text("no picture", "utf-8")
    added = collection.add(
        [
            {"_id": "good", "_image": draw(1)},
            {"_id": "fake", "_file": str(pictures / "fake.jpg")},
            {"_id": 5, "_image": draw(1)},
            {"_id": "gone", "_file": str(pictures / "gone.jpg")},
            {"_id": "empty"},
            {"_id": "both", "_image": draw(1), "_vector": [1.0]},
            {"_id": "short", "_vector": [1.0, 2.0]},
            {"_id": "strange", "_vector": {"smell": [1.0]}},
            {"_id": "good too", "_image": draw(2)},
        ]
    )
    assert list(added.inserted) == ["good", "good too"]
    reasons = {failure.source: failure.code for failure in added.failed}
    assert reasons == {
        "fake": "image_unreadable",
        "5": "invalid_record",
        "gone": "invalid_record",
        "empty": "invalid_record",
        "both": "invalid_record",
        "short": "invalid_record",
        "strange": "invalid_record",
    }
    assert len(collection) == 2


def test_own_vectors_are_searched_like_described_ones(collection):
    width = collection.info.dims["meaning"]
    first, second = np.eye(width)[:2]
    collection.add(
        [{"_id": "a", "_vector": first.tolist()}, {"_id": "b", "_vector": {"meaning": (5 * second).tolist()}}]
    )
    matches = collection.search(vector=first + 0.1 * second, k=2)
    assert [match.id for match in matches] == ["a", "b"]
    assert matches[0].score == pytest.approx(0.995, abs=1e-3)


def test_update_changes_metadata_only(filled):
    added = filled.update([{"_id": "0", "tags": ["red"]}, {"_id": "no", "tags": []}, {"_id": "1", "_base64": "AAAA"}])
    assert list(added.updated) == ["0"]
    assert [failure.source for failure in added.failed] == ["no", "1"]
    assert filled.get(["0"])[0].fields["tags"] == ["red"]
    assert filled.get(["0"])[0].fields["even"] is True
    assert filled.search(id="0", k=1)


def test_delete_by_id_and_by_filter(filled):
    assert filled.delete(["0", "nobody"]) == 1
    assert filled.delete(where={"even": False}) == 2
    assert sorted(record.id for record in filled.records()) == ["2", "4"]
    with pytest.raises(InvalidArgument):
        filled.delete()


def test_scroll_gives_every_record_once(filled):
    seen, after = [], None
    while True:
        page = filled.scroll(after=after, limit=2)
        seen += [record.id for record in page.records]
        after = page.next
        if after is None:
            break
    assert sorted(seen) == ["0", "1", "2", "3", "4"]
    assert filled.count() == 5
    assert filled.count({"even": True}) == 3


def test_edited_copies_are_nearest_by_copy(filled, draw, tmp_path, save):
    small = save(draw(4)[::2, ::2], tmp_path / "small.jpg", quality=40)
    assert filled.search(image=small, k=1, by="copy")[0].id == "4"


def test_color_search_finds_the_color(collection):
    for name, color in {"red": (220, 20, 20), "green": (20, 180, 30), "blue": (20, 40, 220)}.items():
        collection.add([{"_id": name, "_image": np.full((64, 64, 3), color, np.uint8)}])
    query = np.full((80, 60, 3), (230, 35, 10), np.uint8)
    assert collection.search(image=query, by="color", k=1)[0].id == "red"


@pytest.mark.parametrize(
    ("question", "error"),
    [
        ({}, InvalidArgument),
        ({"id": "0", "vector": [1.0]}, InvalidArgument),
        ({"id": "nobody"}, RecordNotFound),
        ({"id": "0", "k": 0}, InvalidArgument),
        ({"id": "0", "k": 1_000_000}, InvalidArgument),
        ({"id": "0", "min_score": 1.5}, InvalidArgument),
        ({"id": "0", "by": "smell"}, UnknownVector),
        ({"id": "0", "where": {"$near": 1}}, InvalidFilter),
        ({"vector": [1.0, 2.0]}, ShapeMismatch),
        ({"vector": [0.0]}, InvalidArgument),
        ({"vector": [1.0], "by": "smell"}, UnknownVector),
    ],
)
def test_bad_questions_are_clear_errors(filled, question, error):
    with pytest.raises(error):
        filled.search(**question)


def test_min_score_cuts(filled, pictures):
    assert [m.id for m in filled.search(image=pictures / "3.jpg", min_score=1.0)] == ["3"]


def test_another_models_collection_can_be_read_but_not_searched_by_picture(tmp_path, pictures, monkeypatch):
    with lookalike.open(tmp_path / "space") as space:
        space.create("old").add([pictures / "0.jpg"])
    other = {"meaning": "another/1@0", "copy": "another/1@0", "color": "c", "phash": "p"}
    monkeypatch.setattr("lookalike.describers.ensemble.Ensemble.signatures", other)
    with lookalike.open(tmp_path / "space") as space:
        old = space.get("old")
        assert not old.is_current
        assert len(old) == 1
        assert next(old.records()).id.endswith("0.jpg")
        with pytest.raises(ModelMismatch, match="another/1"):
            old.search(image=pictures / "0.jpg")
        with pytest.raises(ModelMismatch):
            old.add([pictures / "1.jpg"])


def test_progress_counts_every_record(collection, pictures):
    counts = []
    collection.add([pictures / "0.jpg", pictures / "gone.jpg"], progress=counts.append)
    assert sum(counts) == 2


def test_records_stay_when_their_files_go(filled, pictures):
    shutil.rmtree(pictures)
    assert len(filled.search(id="0", k=10)) == 4


@pytest.mark.parametrize("ids", ["12", [1], ["1", None]])
def test_ids_that_are_no_list_of_ids_touch_nothing(space, ids):
    own = space.create("own", kind="custom", entities={"shape": 3})
    own.add([{"_id": id_, "_vector": [1, 2, 3]} for id_ in ("1", "2", "12")])
    for verb in (own.get, own.delete, own.remove, own.erase):
        with pytest.raises(InvalidArgument, match="a list of strings"):
            verb(ids)
    assert len(own) == 3


@pytest.mark.parametrize("one", ["pics", {"_id": "a", "_vector": [1.0]}, b"bytes", 5, None])
def test_one_record_without_a_list_is_told_and_not_taken_apart(filled, one):
    for verb in (filled.add, filled.update, lambda records: filled.rank(records, id="1")):
        with pytest.raises(InvalidArgument, match=r'a list, like \["a.jpg", "b.jpg"\]'):
            verb(one)
    assert len(filled) == 5


def test_a_misspelled_question_names_those_there_are(filled, pictures):
    for ask in (filled.search, lambda **question: filled.rank(["1"], **question)):
        with pytest.raises(InvalidArgument, match="search is 'imgae'; it must be given one or more of image, box, id"):
            ask(imgae=pictures / "1.jpg")


def test_a_closed_collection_says_so_when_it_is_counted(tmp_path):
    with lookalike.open(tmp_path / "other") as space:
        closed = space.create("own", kind="custom", entities={"shape": 3})
    with pytest.raises(CollectionClosed):
        len(closed)


def test_an_export_that_cannot_be_written_names_the_file_that_was_asked_for(filled, tmp_path):
    for name in ("out.jsonl", "out.jsonl.gz", "out.csv", "out.parquet"):
        with pytest.raises(FileNotFoundError) as caught:
            filled.export_file(tmp_path / "missing" / name)
        assert str(tmp_path / "missing" / name) in str(caught.value)
        assert ".part" not in str(caught.value)
