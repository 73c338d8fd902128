import errno
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from cleanable import SIDECAR, alike, other_volume, put, seen, tree
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lookalike.cleaning import applying, disk
from lookalike.cleaning.applying import apply
from lookalike.cleaning.disposal import ACTIONS, Disposal
from lookalike.cleaning.journal import Journal
from lookalike.cleaning.keeper import parse_rules
from lookalike.cleaning.plan import Terms, exclude, make_plan
from lookalike.cleaning.undoing import undo
from lookalike.errors import CleaningLocked, InvalidArgument, JournalUnreadable, PlanNotFound


@pytest.fixture(autouse=True)
def _own_trash(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("LOOKALIKE_PLANS", str(tmp_path / "plans"))


@pytest.fixture(autouse=True)
def _bytes_are_no_pictures(monkeypatch):
    """What makes a file go is the subject here, not what it shows."""
    monkeypatch.setattr(applying, "Inspection", lambda settings: lambda a, b, pair: "")


@pytest.fixture
def pictures(tmp_path):
    """A keeper, a copy of the same bytes, and an edited copy with a sidecar."""
    folder = tmp_path / "in"
    put(folder / "a.jpg", b"whole" * 10)
    put(folder / "b.jpg", b"whole" * 10, mode=0o600, modified=5)
    put(folder / "sub" / "c.jpg", b"edited", modified=1_234_567_890_123_456_789)
    put(folder / "sub" / "c.jpg.xmp", SIDECAR.format(rating=4, word="sea").encode())
    return folder


def planned(folder, **facts):
    files = [seen(folder / "a.jpg", width=900, **facts), seen(folder / "b.jpg")]
    files.append(seen(folder / "sub" / "c.jpg", companions=(str(folder / "sub" / "c.jpg.xmp"),)))
    return make_plan([alike(*files)], roots=[str(folder)])


def reasons(outcome):
    return {Path(one.path).name: one.reason for one in outcome.refused}


@pytest.mark.parametrize("action", ["trash", "quarantine"])
def test_copies_go_with_their_companions_and_come_back(action, pictures):
    before = tree(pictures)
    plan = planned(pictures)
    calls = []
    done = apply(plan, Disposal(action), progress=lambda at, total: calls.append((at, total)))
    assert [Path(one.path).name for one in done.done] == ["b.jpg", "c.jpg"]
    assert done.size == plan.bytes_freed == 50 + 6 + len(SIDECAR.format(rating=4, word="sea"))
    assert calls == [(2, 2)]
    assert not (pictures / "b.jpg").exists()
    assert not (pictures / "sub" / "c.jpg.xmp").exists()
    assert [Path(one.target).read_bytes() for one in done.done] == [b"whole" * 10, b"edited"]
    undone = undo()
    assert sorted(Path(one).name for one in undone.restored) == ["b.jpg", "c.jpg", "c.jpg.xmp"]
    assert tree(pictures) == before


def test_applying_again_does_nothing_and_says_so(pictures):
    plan = planned(pictures)
    apply(plan)
    after = tree(pictures)
    again = apply(plan)
    assert (again.already, again.nothing_left, again.done) == (2, True, [])
    assert tree(pictures) == after
    undo()
    assert undo().restored == []
    assert apply(plan).already == 0


def test_what_a_review_lets_go_later_goes_later(pictures):
    plan = planned(pictures)
    first = apply(exclude(plan, 0, str(pictures / "b.jpg")))
    assert [Path(one.path).name for one in first.done] == ["c.jpg"]
    second = apply(plan)
    assert (second.already, [Path(one.path).name for one in second.done]) == (1, ["b.jpg"])
    undo()
    assert (pictures / "b.jpg").exists()
    assert (pictures / "sub" / "c.jpg").exists()


def test_a_quarantine_keeps_paths_and_overwrites_nothing(pictures, tmp_path):
    put(tmp_path / "q" / "sub" / "c.jpg", b"older")
    before = tree(pictures)
    done = apply(planned(pictures), Disposal("quarantine", str(tmp_path / "q")))
    assert [one.target for one in done.done] == [
        str(tmp_path / "q" / "b.jpg"),
        str(tmp_path / "q" / "sub" / "c (2).jpg"),
    ]
    assert (tmp_path / "q" / "sub" / "c.jpg").read_bytes() == b"older"
    undo()
    assert tree(pictures) == before
    assert [path.name for path in (tmp_path / "q").rglob("*")] == ["sub", "c.jpg"]


def test_a_quarantine_of_two_roots_keeps_them_apart(tmp_path):
    one, two = put(tmp_path / "x" / "a.jpg", b"a"), put(tmp_path / "y" / "a.jpg", b"a")
    keeper = seen(put(tmp_path / "z" / "k.jpg", b"a"), reference=True)
    roots = [str(tmp_path / "x"), str(tmp_path / "y")]
    plan = make_plan([alike(seen(one), seen(two), keeper)], roots=roots)
    done = apply(plan, Disposal("quarantine", str(tmp_path / "q")))
    assert [one.target for one in done.done] == [
        str(tmp_path / "q" / "x" / "a.jpg"),
        str(tmp_path / "q" / "y" / "a.jpg"),
    ]
    undo()
    default = apply(plan, Disposal("quarantine"))
    assert default.done[0].target == str(tmp_path / "x" / "lookalike-quarantine" / "a.jpg")


def test_links_take_only_equal_bytes(pictures):
    before = tree(pictures)
    done = apply(planned(pictures), Disposal("hardlink"))
    assert [Path(one.path).name for one in done.done] == ["b.jpg"]
    assert (pictures / "a.jpg").samefile(pictures / "b.jpg")
    assert "not to the last byte" in reasons(done)["c.jpg"]
    assert apply(planned_again(done, pictures), Disposal("hardlink")).done == []
    undo(done.journal)
    assert not (pictures / "a.jpg").samefile(pictures / "b.jpg")
    assert tree(pictures) == before


def planned_again(done, pictures):
    """A new scan finds the hard link, and leaves it alone."""
    plan = planned(pictures)
    assert [fate.does for fate in plan.groups[0].fates] == ["keep", "leave", "remove"]
    return plan


def test_a_hard_link_edited_since_is_not_overwritten(pictures):
    apply(planned(pictures), Disposal("hardlink"))
    (pictures / "b.jpg").unlink()
    put(pictures / "b.jpg", b"mine")
    undone = undo()
    assert [one.place for one in undone.elsewhere] == [str(pictures / "b (restored).jpg")]
    assert (pictures / "b.jpg").read_bytes() == b"mine"
    assert (pictures / "b (restored).jpg").read_bytes() == b"whole" * 10


def test_a_hard_link_of_which_all_names_were_edited_is_reported(pictures):
    plan = planned(pictures)
    apply(plan, Disposal("hardlink"))
    with (pictures / "a.jpg").open("r+b") as file:
        file.write(b"WHOLE")
    undone = undo()
    assert [Path(one.path).name for one in undone.failed] == ["b.jpg"]
    assert (pictures / "b.jpg").read_bytes() == b"WHOLE" + b"whole" * 9


def test_a_file_of_many_names_is_not_linked(pictures):
    (pictures / "other.jpg").hardlink_to(pictures / "b.jpg")
    assert "other hard links" in reasons(apply(planned(pictures), Disposal("hardlink")))["b.jpg"]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no owners here")
def test_what_could_not_be_given_back_to_its_owner_is_only_renamed(pictures, tmp_path, monkeypatch):
    before = tree(pictures)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert "someone else" in reasons(apply(planned(pictures), Disposal("hardlink")))["b.jpg"]
    plan = planned(pictures)
    assert len(apply(plan, Disposal("quarantine", str(tmp_path / "q"))).done) == 2
    undo()
    monkeypatch.setattr(disk, "_rename_at_once", disk._rename_at_once)
    other_volume()
    done = apply(plan, Disposal("quarantine", str(tmp_path / "q")))
    assert done.done == []
    assert all("someone else" in reason for reason in reasons(done).values())
    assert tree(pictures) == before


def test_a_file_system_that_cannot_share_blocks_says_so(pictures, monkeypatch):
    import fcntl

    def refuse(*args):
        raise OSError(errno.EOPNOTSUPP, "no")

    monkeypatch.setattr(fcntl, "ioctl", refuse)
    before = tree(pictures)
    done = apply(planned(pictures), Disposal("reflink"))
    assert "can't share blocks" in reasons(done)["b.jpg"]
    assert tree(pictures) == before


CHANGES = {
    "grown": lambda path: path.write_bytes(path.read_bytes() + b"!"),
    "touched": lambda path: os.utime(path, ns=(1, 1)),
    "gone": lambda path: path.unlink(),
    "other bytes": lambda path: put(path, b"x" * path.stat().st_size, modified=path.stat().st_mtime_ns),
    "a link": lambda path: (path.rename(f"{path}.was"), path.symlink_to(f"{path}.was")),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["b.jpg", "sub/c.jpg.xmp"])
def test_what_changed_since_the_scan_is_refused_and_the_rest_goes_on(change, name, pictures):
    plan = planned(pictures)
    CHANGES[change](pictures / name)
    after = tree(pictures)
    done = apply(plan)
    assert len(done.refused) == len(done.done) == 1
    spoilt = "b.jpg" if name == "b.jpg" else "c.jpg"
    assert list(reasons(done)) == [spoilt]
    undo()
    assert tree(pictures) == after


@pytest.mark.parametrize("change", CHANGES)
def test_a_keeper_that_changed_keeps_all_its_copies(change, pictures):
    plan = planned(pictures)
    CHANGES[change](pictures / "a.jpg")
    after = tree(pictures)
    done = apply(plan)
    assert done.done == []
    assert all("its keeper" in reason for reason in reasons(done).values())
    assert len(done.refused) == 2
    assert tree(pictures) == after


def test_a_keeper_that_vanishes_meanwhile_keeps_the_rest(pictures, monkeypatch):
    plan = planned(pictures)
    transfer = disk.transfer

    def then_gone(*args):
        transfer(*args)
        (pictures / "a.jpg").unlink(missing_ok=True)

    monkeypatch.setattr(disk, "transfer", then_gone)
    done = apply(plan)
    assert [Path(one.path).name for one in done.done] == ["b.jpg"]
    assert "changed just now" in reasons(done)["c.jpg"]


def test_a_file_written_to_in_the_last_moment_is_put_back(pictures, monkeypatch):
    plan = planned(pictures)
    transfer = disk.transfer

    def late(source, target, part, facts):
        if source.endswith("b.jpg"):
            Path(source).write_bytes(b"new and precious")
        transfer(source, target, part, facts)

    monkeypatch.setattr(disk, "transfer", late)
    done = apply(plan)
    assert "just before it was moved" in reasons(done)["b.jpg"]
    assert (pictures / "b.jpg").read_bytes() == b"new and precious"


def test_a_name_for_the_keeper_is_not_taken_away(pictures):
    plan = planned(pictures)
    (pictures / "b.jpg").unlink()
    (pictures / "b.jpg").hardlink_to(pictures / "a.jpg")
    b = replace(plan.groups[0].group.members[1], modified=(pictures / "b.jpg").stat().st_mtime_ns)
    group = replace(plan.groups[0].group, members=(plan.groups[0].group.members[0], b, plan.groups[0].group.members[2]))
    plan = replace(plan, groups=(replace(plan.groups[0], group=group),))
    assert "the keeper itself" in reasons(apply(plan))["b.jpg"]


def test_the_trash_taken_back_by_hand_is_no_failure_but_one_that_was_emptied_is(pictures, tmp_path):
    done = apply(planned(pictures))
    Path(done.done[0].target).rename(pictures / "b.jpg")
    Path(done.done[1].target).unlink()
    undone = undo()
    assert str(pictures / "b.jpg") in undone.restored
    assert [(one.path, "is no longer at" in one.reason) for one in undone.failed] == [
        (str(pictures / "sub" / "c.jpg"), True)
    ]
    assert (pictures / "sub" / "c.jpg.xmp").exists()
    assert undo().failed == undone.failed


def test_undo_overwrites_nothing_and_says_where_the_file_is(pictures):
    apply(planned(pictures))
    put(pictures / "b.jpg", b"new")
    put(pictures / "b (restored).jpg", b"new, too")
    undone = undo()
    assert [(one.path, one.place) for one in undone.elsewhere] == [
        (str(pictures / "b.jpg"), str(pictures / "b (restored 2).jpg"))
    ]
    assert (pictures / "b.jpg").read_bytes() == b"new"
    assert (pictures / "b (restored 2).jpg").read_bytes() == b"whole" * 10
    assert (pictures / "b (restored 2).jpg").stat().st_mtime_ns == 5


def test_undo_makes_folders_that_are_gone(pictures):
    before = tree(pictures)
    apply(planned(pictures))
    (pictures / "sub").rmdir()
    undo()
    assert tree(pictures).keys() == before.keys()


def test_what_was_changed_in_the_quarantine_comes_back_and_is_reported(pictures):
    done = apply(planned(pictures), Disposal("quarantine"))
    put(Path(done.done[0].target), b"scribbled")
    undone = undo()
    assert [Path(one.path).name for one in undone.odd] == ["b.jpg"]
    assert (pictures / "b.jpg").read_bytes() == b"scribbled"


def test_times_modes_and_attributes_survive_another_volume(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "_rename_at_once", disk._rename_at_once)
    other_volume()
    if hasattr(os, "setxattr"):
        os.setxattr(pictures / "b.jpg", "user.note", b"\x00\xff")
    (pictures / "b.jpg").chmod(0o440)
    before = tree(pictures)
    done = apply(planned(pictures), Disposal("quarantine", str(tmp_path / "q")))
    assert len(done.done) == 2
    assert tree(tmp_path / "q")["b.jpg"] == before["b.jpg"]
    undo()
    assert tree(pictures) == before


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a second volume")
def test_a_real_second_volume(pictures):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        if Path(other).stat().st_dev == pictures.stat().st_dev:
            pytest.skip("needs a second volume")
        before = tree(pictures)
        done = apply(planned(pictures), Disposal("quarantine", f"{other}/q"))
        assert len(done.done) == 2
        undo()
        assert tree(pictures) == before
        assert list(Path(other).iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
def test_a_disk_that_refuses_loses_nothing_and_the_rest_goes_on(number, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "_rename_at_once", disk._rename_at_once)
    other_volume()
    write_new = disk.write_new

    def refuse(path, data):
        if "sub" in path:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
            raise OSError(number, os.strerror(number), path)
        write_new(path, data)

    monkeypatch.setattr(disk, "write_new", refuse)
    before = tree(pictures)
    done = apply(planned(pictures), Disposal("quarantine", str(tmp_path / "q")))
    assert [Path(one.path).name for one in done.done] == ["b.jpg"]
    assert os.strerror(number) in reasons(done)["c.jpg"]
    assert not (tmp_path / "q" / "sub").exists()
    undo()
    assert tree(pictures) == before


@pytest.mark.parametrize("failing", range(1, 7))
def test_a_full_disk_under_the_journal_stops_what_cannot_be_written_down(failing, pictures, monkeypatch):
    before, plan, count = tree(pictures), planned(pictures), 0
    fsync = os.fsync

    def full(handle):
        nonlocal count
        count += 1
        if count >= failing:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", full)
    if failing <= 2:  # the heading itself, and its folder
        with pytest.raises(JournalUnreadable, match="No space left"):
            apply(plan)
    else:
        done = apply(plan)
        assert len(done.refused) + len(done.done) == 2
        assert all("No space left" in one.reason for one in done.refused)
        monkeypatch.setattr(os, "fsync", fsync)
        assert undo().failed == []
    assert tree(pictures) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs to mount a small disk")
def test_a_small_disk_that_is_really_full(pictures, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", small], capture_output=True)
    if mounted.returncode:
        pytest.skip("may not mount")
    try:
        put(pictures / "big.jpg", os.urandom(100_000))
        before = tree(pictures)
        files = [seen(pictures / "a.jpg", width=900), seen(pictures / "b.jpg"), seen(pictures / "big.jpg")]
        plan = make_plan([alike(*files)], roots=[str(pictures)])
        done = apply(plan, Disposal("quarantine", str(small / "q")))
        assert [Path(one.path).name for one in done.done] == ["b.jpg"]
        assert "No space left" in reasons(done)["big.jpg"]
        assert [path.name for path in (small / "q").iterdir()] == ["b.jpg"]
        subprocess.run(["mount", "-o", "remount,ro", small], check=True)
        assert "Read-only" in undo().failed[0].reason
        subprocess.run(["mount", "-o", "remount,rw", small], check=True)
        assert undo().failed == []
        assert tree(pictures) == before
    finally:
        subprocess.run(["umount", small], check=True)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs to mount a disk")
def test_a_read_only_disk_is_told_once_for_each_file(pictures):
    """Nothing was done there, so nothing is left half-done, neither now nor for the next run."""
    if subprocess.run(["mount", "--bind", pictures, pictures], capture_output=True).returncode:
        pytest.skip("may not mount")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", pictures], check=True)
        for _ in range(2):
            done = apply(planned(pictures), Disposal("quarantine"))
            assert reasons(done) == dict.fromkeys(("b.jpg", "c.jpg"), "can't be read or moved (Read-only file system)")
            assert len(done.refused) == 2
    finally:
        subprocess.run(["umount", pictures], check=True)


def test_two_at_once_are_kept_apart(pictures, tmp_path):
    plan = planned(pictures)
    seen_errors = []

    def meddle(done, total):
        for other in (lambda: apply(plan), undo):
            with pytest.raises(CleaningLocked) as caught:
                other()
            seen_errors.append(str(caught.value))

    apply(plan, progress=meddle)
    assert len(seen_errors) == 2
    code = "from lookalike.cleaning.undoing import undo; print(len(undo().restored))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "3"


def test_an_interrupt_leaves_nothing_half_done(pictures, monkeypatch):
    before = tree(pictures)
    transfer = disk.transfer

    def stop(source, target, part, facts):
        transfer(source, target, part, facts)
        if source.endswith("c.jpg"):
            raise KeyboardInterrupt

    monkeypatch.setattr(disk, "transfer", stop)
    plan = planned(pictures)
    with pytest.raises(KeyboardInterrupt):
        apply(plan)
    monkeypatch.setattr(disk, "transfer", transfer)
    assert (pictures / "sub" / "c.jpg").exists()
    assert (apply(plan).already, len(apply(plan).refused)) == (1, 0)
    undo()
    assert tree(pictures) == before


def test_a_torn_line_is_cut_off_and_a_damaged_one_is_told_of(pictures):
    before, plan = tree(pictures), planned(pictures)
    path = apply(plan).journal
    with path.open("ab") as file:
        file.write(b'0123456789abcdef {"entry": 9, "pa')
    assert apply(plan).already == 2
    lines = path.read_bytes().splitlines(keepends=True)
    spoilt = next(at for at, line in enumerate(lines) if b'"state":"done"' in line)
    path.write_bytes(b"".join([*lines[:spoilt], lines[spoilt].replace(b"done", b"gone"), *lines[spoilt + 1 :]]))
    with pytest.raises(JournalUnreadable, match="1 of its lines"):
        apply(plan)
    undone = undo(path)
    assert undone.damaged == 1
    assert tree(pictures) == before


@pytest.mark.parametrize("data", [b"", b"hello\n", b"\x00" * 100 + b"\n"])
def test_what_is_no_journal_is_refused(data, tmp_path):
    (tmp_path / "x.journal").write_bytes(data)
    with pytest.raises(JournalUnreadable):
        undo(tmp_path / "x.journal")
    with pytest.raises(PlanNotFound):
        undo(tmp_path / "y.journal")
    with pytest.raises(PlanNotFound):
        undo(folder=tmp_path / "nowhere")


def test_the_form_of_a_journal_stays(tmp_path):
    golden = Path(__file__).with_name("journal-1.journal")
    shutil.copy(golden, tmp_path)
    book = Journal(tmp_path / golden.name)
    assert (book.plan, book.damaged) == ("20260102-030405-000006-abcd", 0)
    told = [(entry.action, entry.state, [step.kind for step in entry.steps]) for entry in book.entries.values()]
    assert told == [
        ("sidecar", "done", ["rewrite"]), ("trash", "undone", ["move", "move"]), ("hardlink", "begun", ["link"]),
    ]  # fmt: skip
    assert book.entries[2].places == {1: "/p/b (restored).xmp"}
    assert book.entries[2].steps[0].facts.attributes == {"user.note": "AP8="}
    assert book.entries[1].steps[0].facts is None


def test_bad_arguments(pictures):
    with pytest.raises(InvalidArgument, match="action"):
        Disposal("shred")
    with pytest.raises(InvalidArgument, match="folder"):
        Disposal("trash", "/q")


def test_names_that_are_no_text_come_and_go(tmp_path):
    folder = tmp_path / "in"
    odd = Path(os.fsdecode(os.fsencode(str(folder)) + b"/caf\xe9 %41 \xf0\x9f\x8c\x8a\n.jpg"))
    files = [seen(put(folder / "a.jpg", b"a"), width=900), seen(put(odd, b"b"))]
    before = tree(folder)
    plan = make_plan([alike(*files)], roots=[str(folder)])
    for action in ("trash", "quarantine"):
        assert len(apply(plan, Disposal(action)).done) == 1
        undo()
        assert tree(folder) == before


NAMES = st.sampled_from(
    ["a.jpg", "b.jpg", "x/a.jpg", "x/b (1).jpg", "x/y/a.jpg", "x/y/ü.jpg", "z/ .jpg", "z/a", ".h.jpg"]
)
FILES = st.dictionaries(
    NAMES,
    st.tuples(
        st.sampled_from([b"", b"one", b"two", b"three" * 1000]),  # equal bytes are common
        st.sampled_from([0o644, 0o600, 0o444, 0o755]),
        st.integers(0, 2**61),
        st.booleans(),
    ),
    min_size=2,
)


@given(FILES, st.sampled_from(ACTIONS), st.booleans(), st.booleans(), st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_apply_then_undo_changes_nothing(monkeypatch, files, action, volumes, merge, data):
    with tempfile.TemporaryDirectory() as base, monkeypatch.context() as patch:
        folder = Path(base) / "in"
        patch.setenv("XDG_DATA_HOME", f"{base}/data")
        patch.setattr(disk, "_rename_at_once", disk._rename_at_once)
        if volumes:
            other_volume()
        members = []
        for name, (content, mode, modified, reference) in files.items():
            put(folder / name, content, mode=mode, modified=modified)
            members.append(seen(folder / name, reference=reference, width=data.draw(st.integers(1, 3))))
        before = tree(folder)
        groups = [alike(*members[:3]), alike(*members[3:])] if len(members) > 4 else [alike(*members)]
        rules = data.draw(st.permutations(["largest", "oldest", "not-copy-name", "shortest-path"]))
        plan = make_plan(groups, roots=[str(folder)], terms=Terms(parse_rules(rules)))
        where = f"{base}/q" if action == "quarantine" and data.draw(st.booleans()) else ""
        plans = Path(base) / "plans"
        done = apply(plan, Disposal(action, where), merge=merge, folder=plans)
        assert len(done.done) + len(done.refused) == plan.files_removed
        if action in ("trash", "quarantine"):
            assert done.refused == []
            assert all(Path(one.target).exists() and not Path(one.path).exists() for one in done.done)
        assert all((folder / name).exists() for name, told in files.items() if told[3])
        undone = undo(folder=plans)
        assert [undone.failed, undone.odd, undone.elsewhere] == [[], [], []]
        assert tree(folder) == before
