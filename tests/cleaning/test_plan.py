import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from cleanable import alike, put, seen

from lookalike.cleaning import planfile
from lookalike.cleaning.journal import Journal
from lookalike.cleaning.keeper import parse_rules
from lookalike.cleaning.plan import Terms, exclude, keep_all, make_plan, reset, set_keeper
from lookalike.cleaning.planfile import (
    find_journal,
    journal_of,
    last_plan,
    plans_folder,
    read_plan,
    save_plan,
    write_plan,
)
from lookalike.errors import InvalidArgument, PlanNotFound, PlanUnreadable
from lookalike.folders.findings import FileGroup, FilePair, PictureFile, Unused


def file(path, inode=None, **facts):
    known = {"size": 1000, "modified": 5, "device": 1, "sha256": path, "width": 800, "height": 600, "format": "JPEG"}
    return PictureFile(path, inode=inode or sum(path.encode()), **{**known, **facts})


def fates(plan):
    return {fate.path: (fate.does, fate.reason) for group in plan.groups for fate in group.fates}


def does(plan):
    return {path: told[0] for path, told in fates(plan).items()}


A, B, C = file("/p/a", width=900), file("/p/b", width=700), file("/p/c", width=500)


def test_one_stays_and_its_copies_go_with_their_reasons():
    plan = make_plan([alike(A, B, C)], roots=["/p"])
    assert fates(plan) == {
        "/p/a": ("keep", "kept before c: 900 x 600 is larger than 500 x 600"),
        "/p/b": ("remove", "900 x 600 is larger than 700 x 600"),
        "/p/c": ("remove", "900 x 600 is larger than 500 x 600"),
    }
    assert plan.groups[0].keeper == A
    assert (plan.files_removed, plan.bytes_freed) == (2, 2000)


def test_only_copies_of_the_keeper_itself_go():
    chain = FileGroup((A, B, C), (FilePair("/p/a", "/p/b", "edited-copy", 0.99, "copy"),
                                  FilePair("/p/b", "/p/c", "edited-copy", 0.99, "copy")))  # fmt: skip
    plan = make_plan([chain])
    assert does(plan) == {"/p/a": "keep", "/p/b": "remove", "/p/c": "leave"}
    assert fates(plan)["/p/c"][1] == "it was compared with other members, and not with the keeper"


def test_what_large_groups_lack_is_asked_for():
    asked = []

    def compare(a, b):
        asked.append((a.path, b.path))
        return FilePair(a.path, b.path, "edited-copy", 0.97, "keypoints")

    chain = FileGroup((A, B, C), (FilePair("/p/a", "/p/b", "edited-copy", 0.99, "copy"),))
    plan = make_plan([chain], compare=compare)
    assert asked == [("/p/a", "/p/c")]
    assert does(plan)["/p/c"] == "remove"
    assert len(plan.groups[0].group.pairs) == 2


def test_a_pair_counts_for_files_of_the_same_bytes():
    twin = file("/p/d", sha256=B.sha256, width=700)
    group = FileGroup((A, B, twin), (FilePair("/p/a", "/p/b", "edited-copy", 0.99, "copy"),))
    assert does(make_plan([group])) == {"/p/a": "keep", "/p/b": "remove", "/p/d": "remove"}


@pytest.mark.parametrize(
    ("verdict", "probability", "reason"),
    [
        ("near-duplicate", 0.999, "near-duplicate: it is like the keeper and no copy of it"),
        ("similar", 0.99, "similar: it is like the keeper and no copy of it"),
        ("edited-copy", 0.9499, "it is a copy of the keeper with a probability of 0.950, below 0.95"),
    ],
)
def test_the_doubtful_is_left_alone(verdict, probability, reason):
    plan = make_plan([alike(A, B, verdict=verdict, probability=probability)])
    assert fates(plan)["/p/b"] == ("leave", reason)
    assert plan.bytes_freed == 0


def test_a_probability_at_the_bar_is_enough():
    assert does(make_plan([alike(A, B, probability=0.95)]))["/p/b"] == "remove"
    assert does(make_plan([alike(A, B, probability=0.5)], terms=Terms(bar=0.5)))["/p/b"] == "remove"
    with pytest.raises(InvalidArgument, match="bar"):
        Terms(bar=1.5)


def test_references_stay_and_win():
    reference = replace(C, reference=True)
    plan = make_plan([alike(A, B, reference)])
    assert does(plan) == {"/p/a": "remove", "/p/b": "remove", "/p/c": "keep"}
    both = make_plan([alike(A, replace(B, reference=True), reference)])
    assert does(both) == {"/p/a": "remove", "/p/b": "keep", "/p/c": "leave"}
    assert set(does(make_plan([alike(replace(A, reference=True), reference)])).values()) == {"leave"}


def test_the_whole_original_of_a_cropped_reference_is_left_alone():
    reference = replace(B, reference=True)
    pair = FilePair("/p/a", "/p/b", "edited-copy", 0.99, "keypoints", ("cropped to 61 %",), 0.61, 1.0)
    plan = make_plan([FileGroup((A, reference), (pair,))])
    assert fates(plan)["/p/a"] == ("leave", "it shows more than the keeper")


@pytest.mark.parametrize("change", ["overlay on 12 %", "without the overlay on 12 %", "different on 12 %"])
def test_an_overlay_of_which_nothing_tells_who_has_it_is_left_alone(change):
    pair = FilePair("/p/a", "/p/b", "edited-copy", 0.99, "keypoints", (change,))
    plan = make_plan([FileGroup((A, B), (pair,))])
    assert fates(plan)["/p/b"] == ("leave", f"{change}: nothing tells which of the two is the original")
    assert does(set_keeper(plan, 0, "/p/a"))["/p/b"] == "remove"


@pytest.mark.parametrize("change", ["darker", "recolored", "more contrast", "slanted"])
def test_what_somebody_may_have_edited_is_left_alone_unless_it_is_the_lesser_one_anyway(change):
    for changes, done in (((change,), "leave"), (("cropped to 61 %", change), "remove")):
        pair = FilePair("/p/a", "/p/b", "edited-copy", 0.99, "keypoints", changes)
        plan = make_plan([FileGroup((file("/p/a", width=900), file("/p/b")), (pair,))])
        assert fates(plan)["/p/a"][0] == "keep"
        assert fates(plan)["/p/b"][0] == done


def test_of_two_sets_nothing_goes_unless_a_rule_says_which_stays():
    one, other = replace(A, side="a"), replace(B, side="b")
    assert set(does(make_plan([alike(one, other)])).values()) == {"leave"}
    told = make_plan([alike(one, other)], terms=Terms(parse_rules("side:b")))
    assert does(told) == {"/p/a": "remove", "/p/b": "keep"}


def test_hard_links_free_nothing():
    same = {"sha256": "x", "inode": 77}
    keeper, link = file("/p/a", **same), file("/p/b", **same)
    plan = make_plan([alike(keeper, link)])
    assert does(plan)["/p/b"] == "leave"
    two = make_plan([alike(file("/p/a", sha256="x"), file("/p/b", **same), file("/p/c", **same))])
    assert does(two) == {"/p/a": "keep", "/p/b": "remove", "/p/c": "remove"}
    assert two.bytes_freed == 1000
    kept = exclude(two, 0, "/p/c")
    assert (does(kept)["/p/b"], kept.bytes_freed) == ("remove", 0)


def test_a_raw_that_the_keeper_lacks_keeps_its_picture(tmp_path):
    raw = put(tmp_path / "b.nef", b"raw")
    keeper, other = seen(put(tmp_path / "a.jpg", b"a"), reference=True), seen(put(tmp_path / "b.jpg", b"b"))
    alone = replace(other, companions=(str(raw),))
    assert "RAW" in fates(make_plan([alike(keeper, alone)]))[other.path][1]
    same = put(tmp_path / "a.nef", b"raw")
    plan = make_plan([alike(replace(keeper, companions=(str(same),)), alone)])
    assert does(plan)[other.path] == "remove"
    assert plan.bytes_freed == 1 + 3
    raw.unlink()
    assert "can't be read" in fates(make_plan([alike(keeper, alone)]))[other.path][1]


def test_a_companion_of_two_goes_with_neither(tmp_path):
    shared = str(put(tmp_path / "a.xmp", b"<x/>"))
    group = alike(*(seen(put(tmp_path / f"a.{end}", end.encode()), companions=(shared,)) for end in ("jpg", "png")))
    assert [list(fate.companions) for fate in make_plan([group]).groups[0].fates] == [[], []]


def test_a_review_changes_a_copy_of_the_plan():
    plan = make_plan([alike(A, B, C), alike(file("/q/a"), file("/q/b"))])
    chosen = set_keeper(plan, 0, "/p/c")
    assert does(chosen) == {**does(plan), "/p/a": "remove", "/p/b": "remove", "/p/c": "keep"}
    assert fates(chosen)["/p/c"] == ("keep", "chosen in the review")
    assert does(plan)["/p/c"] == "remove"
    again = set_keeper(chosen, 0, "/p/b")
    assert does(again) == {**does(plan), "/p/a": "remove", "/p/b": "keep", "/p/c": "remove"}
    none = keep_all(plan, 1)
    assert (does(none)["/q/a"], does(none)["/q/b"], none.groups[1].keeper) == ("leave", "leave", None)
    assert reset(none, 1) == plan
    assert reset(again, 0) == plan


def test_an_excluded_file_stays_whoever_is_kept():
    plan = exclude(make_plan([alike(A, B, C)]), 0, "/p/b")
    assert does(plan) == {"/p/a": "keep", "/p/b": "leave", "/p/c": "remove"}
    assert does(set_keeper(plan, 0, "/p/c")) == {"/p/a": "remove", "/p/b": "leave", "/p/c": "keep"}
    without_keeper = exclude(plan, 0, "/p/a")
    assert does(without_keeper) == {"/p/a": "leave", "/p/b": "leave", "/p/c": "keep"}
    assert set(does(exclude(without_keeper, 0, "/p/c")).values()) == {"leave"}


def test_a_review_takes_nothing_from_a_reference_folder():
    plan = set_keeper(make_plan([alike(replace(A, reference=True), B)]), 0, "/p/b")
    assert does(plan) == {"/p/a": "leave", "/p/b": "keep"}


def test_a_review_of_what_is_not_there():
    plan = make_plan([alike(A, B)])
    for change in (lambda: set_keeper(plan, 1, "/p/a"), lambda: keep_all(plan, -1), lambda: exclude(plan, 0, "/p/x")):
        with pytest.raises(InvalidArgument):
            change()


GOLDEN = Path(__file__).with_name("plan-1.json")


def golden_plan():
    keeper = PictureFile("/p/caf\udce9/a.jpg", 1234, 1_600_000_000_123_456_789, 2049, 17, "a" * 64, 2000, 1500, "JPEG",
                         "2019-05-01T12:00:00", 41, companions=("/p/caf\udce9/a.nef",))  # fmt: skip
    copy = PictureFile("/p/b.png", 99, 1_600_000_001_000_000_000, 2049, 18, "b" * 64, 800, 600, "PNG", side="")
    pair = FilePair(copy.path, keeper.path, "edited-copy", 0.987, "keypoints", ("uncropped, the first is 61 %",), 1.0,
                    0.61, (1.0, 0.0, 0.1, 0.0, 1.0, 0.2, 0.0, 0.0, 1.0))  # fmt: skip
    group = FileGroup((copy, keeper), (pair,))
    terms = Terms(parse_rules("largest,format:png>jpg,not-in:Down*"), 0.9)
    plan = make_plan([group], roots=["/p"], terms=terms, unused=[Unused("/p/x.jpg", "it breaks off")])
    (planned,) = plan.groups
    plan = replace(plan, groups=(replace(planned, group=replace(planned.group, reopened=True)),))
    return replace(plan, id="20260102-030405-000006-abcd", made="2026-01-02T03:04:05+00:00")


def test_the_form_of_a_stored_plan_stays(tmp_path):
    write_plan(golden_plan(), tmp_path / "plan.json")
    written = json.loads((tmp_path / "plan.json").read_text("ascii"))
    assert written == json.loads(GOLDEN.read_text("ascii"))
    assert read_plan(GOLDEN) == read_plan(tmp_path / "plan.json") == golden_plan()


def test_plans_of_the_folder_and_the_last(tmp_path, monkeypatch):
    monkeypatch.setenv("LOOKALIKE_PLANS", str(tmp_path / "plans"))
    assert plans_folder() == tmp_path / "plans"
    with pytest.raises(PlanNotFound, match="scan"):
        last_plan()
    first = make_plan([alike(A, B)])
    second = make_plan([alike(A, C)])
    save_plan(second)
    save_plan(first)
    assert read_plan(last_plan()) == second
    save_plan(keep_all(second, 0))
    assert read_plan(last_plan()) == keep_all(second, 0)
    assert sorted(path.suffix for path in plans_folder().iterdir()) == [".json", ".json"]


def test_a_journal_is_found_by_its_plan_or_by_itself(tmp_path, monkeypatch):
    monkeypatch.setenv("LOOKALIKE_PLANS", str(tmp_path / "plans"))
    plan = make_plan([alike(A, B)])
    (tmp_path / "mine").mkdir()
    named = tmp_path / "mine" / "a plan of mine"
    write_plan(plan, named)
    with pytest.raises(PlanNotFound, match=f"of plan {plan.id} in {tmp_path / 'plans'} or {tmp_path / 'mine'}: it was"):
        find_journal(named)
    beside = Journal.of_plan(journal_of(plan, named.parent), plan.id).path
    assert find_journal(named) == beside
    kept = Journal.of_plan(journal_of(plan), plan.id).path
    assert find_journal(named) == kept
    assert find_journal(beside) == beside
    renamed = beside.rename(tmp_path / "renamed.json")
    assert find_journal(renamed) == renamed
    with pytest.raises(PlanUnreadable):
        find_journal(tmp_path / "nowhere.json")
    with pytest.raises(PlanNotFound, match="mine: nothing was applied"):
        find_journal(tmp_path / "mine")


def test_an_interrupted_write_leaves_the_plan_before(tmp_path, monkeypatch):
    path = save_plan(make_plan([alike(A, B)]), tmp_path)
    before = path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_plan(make_plan([alike(A, C)]), path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def changed(**values):
    return json.dumps({**json.loads(GOLDEN.read_text("ascii")), **values})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "breaks off"),
        ("[]", "no plan of Lookalike"),
        ('{"groups": []}', "no plan of Lookalike"),
        ("[" * 100_000, "breaks off"),
        (changed(version=2), "version 2"),
        (changed(bar=0.1), "damaged"),
        (changed(checksum=None), "damaged"),
        (GOLDEN.read_text("ascii")[:-200], "breaks off"),
        (GOLDEN.read_text("ascii").replace("1234", "1235"), "damaged"),
    ],
)
def test_what_is_no_whole_plan_is_refused(text, reason, tmp_path):
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(PlanUnreadable, match=reason):
        read_plan(tmp_path / "plan.json")


def test_bytes_that_are_no_text_and_files_that_are_none(tmp_path):
    (tmp_path / "plan.json").write_bytes(b"\xff\xfe\x00\x01")
    for path in ("plan.json", "missing.json", "."):
        with pytest.raises(PlanUnreadable):
            read_plan(tmp_path / path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body.update(id="../../etc/x"),
        lambda body: body["groups"][0].update(keeper="/p/b.png"),
        lambda body: body["groups"][0]["members"][0].update(does="erase"),
        lambda body: body["groups"][0]["members"][0].update(size="99"),
        lambda body: body["groups"][0]["members"][0].pop("sha256"),
        lambda body: body["groups"][0]["pairs"][0].update(probability="high"),
        lambda body: body.update(keep=["biggest"]),
        lambda body: body.update(groups={"a": 1}),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_even_with_a_right_checksum(spoil, tmp_path):
    body = json.loads(GOLDEN.read_text("ascii"))
    del body["checksum"]
    spoil(body)
    (tmp_path / "plan.json").write_text(json.dumps({**body, "checksum": planfile._checksum(body)}))
    with pytest.raises(PlanUnreadable, match="damaged"):
        read_plan(tmp_path / "plan.json")


def test_what_was_said_to_be_no_duplicates_goes_by_review_alone():
    """A new file opens the group again; until somebody looks, only the same bytes go."""
    twin = file("/p/a2", sha256=A.sha256, width=900)
    plan = make_plan([replace(alike(A, twin, B, C), reopened=True)])
    assert does(plan) == {"/p/a": "keep", "/p/a2": "remove", "/p/b": "leave", "/p/c": "leave"}
    assert "said to be no duplicates" in fates(plan)["/p/b"][1]
    chosen = set_keeper(plan, 0, "/p/a")
    assert does(chosen) == {"/p/a": "keep", "/p/a2": "remove", "/p/b": "remove", "/p/c": "remove"}
