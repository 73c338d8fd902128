"""Erased means gone: from answers, from the files of the store, from what is kept beside; and the receipt says so."""

import numpy as np
import pytest

import lookalike
from lookalike.catalog.jobs import Progress
from lookalike.describers.cache import user_cache
from lookalike.errors import CollectionNotFound, InvalidArgument
from lookalike.jobfiles import job_folder
from lookalike.records import Failure
from lookalike.work import Background

SECRET = "private words"


def bytes_in(folder):
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_an_erased_record_is_in_no_file_of_the_store(space, noted, pictures):
    folder = space.path / "collections" / "pictures"
    row = noted._store.get(["3"], with_vectors=True)[0]
    digest = row.payload["_sha256"]
    traces = [f"{SECRET} 3".encode(), digest.encode(), *(vector.tobytes() for vector in row.vectors.values())]
    noted._store.flush()
    before = bytes_in(folder)
    assert all(trace in before for trace in traces)
    space.catalog.decisions.add("different", ["3", "4"], collection="pictures")
    space.catalog.decisions.add("different", ["1", "2"], collection="pictures")
    lookalike.describe([pictures / "3.jpg", pictures / "4.jpg"])
    receipt = space.erase("pictures", ["3", "nobody", "3"])
    assert set(receipt.erased) == {"3"}
    assert len(receipt.erased["3"]) == 64
    assert list(receipt.missing) == ["nobody"]
    assert (receipt.descriptions, receipt.decisions) == (1, 1)
    assert list(receipt.found) == []
    assert list(receipt.records_searched) == ["3"]
    assert receipt.files_searched
    assert any("backups" in place for place in receipt.out_of_reach)
    after = bytes_in(folder)
    assert not [trace for trace in traces if trace in after]
    assert f"{SECRET} 2".encode() in after
    assert not [trace for trace in traces[:2] if trace in user_cache().path.read_bytes()]
    assert user_cache().count() == 1
    assert noted.get(["3"]) == [None]
    assert len(noted) == 4
    assert [list(decision.members) for decision in space.catalog.decisions.list("pictures")] == [["1", "2"]]
    assert noted.search(image=pictures / "2.jpg", k=1)[0].id == "2"


def test_erasing_by_filter_and_all(space, noted):
    assert set(space.erase("pictures", where={"_id": {"$in": ["1", "2"]}}).erased) == {"1", "2"}
    assert len(space.erase("pictures", where={}).erased) == 3
    assert len(noted) == 0
    assert SECRET.encode() not in bytes_in(space.path / "collections" / "pictures")


def test_what_another_record_shares_stays_and_is_no_trace(space, noted, pictures):
    noted.add([{"_id": "twin", "_file": str(pictures / "1.jpg")}])
    lookalike.describe([pictures / "1.jpg"])
    receipt = space.erase("pictures", ["twin"])
    assert receipt.descriptions == 0, "another record has this picture"
    assert list(receipt.found) == []
    assert noted.search(image=pictures / "1.jpg", k=1)[0].score == 1.0


def test_an_older_version_of_a_record_goes_as_well(space, noted):
    noted.update([{"_id": "0", "note": "a newer note"}])
    space.erase("pictures", ["4"])
    assert f"{SECRET} 0".encode() not in bytes_in(space.path / "collections" / "pictures")


def test_the_store_opens_again_and_takes_records(tmp_path, pictures, draw):
    with lookalike.open(tmp_path / "space") as space:
        space.create("c").add([{"_id": f"{n}", "_vector": np.eye(256)[n].tolist()} for n in range(100)])
        space.erase("c", [f"{n}" for n in range(0, 100, 2)])
        space.get("c").add([{"_id": "new", "_image": draw(1)}])
    with lookalike.open(tmp_path / "space") as space:
        assert len(space.get("c")) == 51
        assert space.get("c").optimize() in (True, False)
        assert space.get("c").search(id="1", k=3)


def test_bad_requests(space, noted):
    for arguments in ({}, {"ids": ["1"], "where": {}}):
        with pytest.raises(InvalidArgument):
            space.erase("pictures", **arguments)
    with pytest.raises(CollectionNotFound):
        space.erase("nothing", ["1"])
    assert space.erase("pictures", []).erased == {}


def test_no_file_of_the_workspace_names_it_any_more(space, noted):
    space.catalog.decisions.add("different", ["3", "4"], collection="pictures", note=f"{SECRET} 3")
    failing = [Failure(item, "image_unreadable", f"{SECRET} 3") for item in ("3", "line 7 (3)")]
    with Background(space, ["export"]) as background:
        spec = {"format": "jsonl", "where": None, "vectors": False}
        background.runner.wait(background.runner.start("export", spec, collection="pictures").id, 60)
    told = space.catalog.jobs.add("import", {}, collection="pictures")
    space.catalog.jobs.claim("me", ["import"])
    others = [Failure("line 8 (4)", "image_unreadable", "no such file")]
    space.catalog.jobs.finish(told.id, "me", Progress(3, 3, 3, {}, None, [*failing, *others]), "failed")
    assert SECRET.encode() in bytes_in(space.path / "jobs")
    assert f"{SECRET} 3".encode() in bytes_in(space.path)
    receipt = space.erase("pictures", ["3"])
    assert (receipt.decisions, list(receipt.found)) == (1, [])
    assert f"{SECRET} 3".encode() not in bytes_in(space.path)
    items = [failure.source for failure in space.catalog.jobs.failures(told.id).failures]
    assert items == ["(erased)", "(erased)", "line 8 (4)"]
    assert list((space.path / "jobs").iterdir()) == []


def test_jobs_under_way_are_out_of_reach(space, noted):
    space.catalog.jobs.add("import", {"file": "waiting.jsonl"}, collection="pictures")
    (job_folder(space.path) / "waiting.jsonl").write_text("{}", "utf-8")
    assert "jobs of the collection that are under way" in space.erase("pictures", ["3"]).out_of_reach
    assert [path.name for path in job_folder(space.path).iterdir()] == ["waiting.jsonl"]
