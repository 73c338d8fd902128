"""`lookalike dedup` on real files: nothing is touched before apply, and undo brings back every byte."""

import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# quarantine is everywhere; a test folder may lie on a volume without a trash
QUARANTINE = ("apply", "--action", "quarantine", "--yes")


_STOPPED_IN_APPLY = """
import lookalike.cleaning.applying as applying
from lookalike.cli import main

def stops(*_):
    raise KeyboardInterrupt

dispose = applying._Cleaner._dispose
applying._Cleaner._dispose = lambda *given: (dispose(*given), stops())
main()
"""


@pytest.fixture
def dedup(run, tmp_path):
    own = {"LOOKALIKE_LEDGER": str(tmp_path / "ledger" / "files.sqlite"), "LOOKALIKE_PLANS": str(tmp_path / "plans")}
    return lambda *arguments: run("dedup", *arguments, env=own)


@pytest.fixture
def copies(pictures, draw, save):
    """The drawn pictures with three copies of number 1: the same bytes, a smaller one, a lesser one."""
    shutil.copy2(pictures / "1.jpg", pictures / "more" / "1 (1).jpg")
    save(draw(1)[::2, ::2], pictures / "small.jpg", quality=60)
    save(draw(1), pictures / "lesser.jpg", quality=70)
    return pictures


def _tree(folder):
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) for path in files}


def test_a_scan_touches_nothing_and_plans(dedup, copies):
    before = _tree(copies)
    scan = dedup(copies, "--format", "json")
    assert scan.code == 0, scan.err
    assert _tree(copies) == before
    (group,) = scan.json["groups"]
    assert group["keeper"] == str(copies / "1.jpg")
    assert {Path(member["path"]).name for member in group["members"]} == {
        "1.jpg", "1 (1).jpg", "small.jpg", "lesser.jpg",
    }  # fmt: skip
    assert group["bytes_freed"] == sum(
        (copies / name).stat().st_size for name in ("more/1 (1).jpg", "small.jpg", "lesser.jpg")
    )
    verdicts = {Path(member["path"]).name: member["verdict"] for member in group["members"]}
    assert verdicts["1 (1).jpg"] == "identical"
    assert verdicts["lesser.jpg"] == "edited-copy"
    assert scan.json["unreadable"] == [
        {"path": str(copies / "notes.txt"), "reason": "not a picture by the ending of its name"}
    ]
    assert Path(scan.json["plan"]).is_file()


def test_exit_codes_say_whether_something_was_found(dedup, pictures, copies, tmp_path):
    assert dedup("scan", copies).code == 0
    assert dedup("scan", copies, "--exit-code").code == 11
    (tmp_path / "one").mkdir()
    shutil.copy2(pictures / "0.jpg", tmp_path / "one")
    assert dedup("scan", tmp_path / "one", "--exit-code").code == 0
    missing = dedup("scan", tmp_path / "nowhere")
    assert missing.code == 1
    assert "is not a folder" in missing.err


def test_apply_and_undo_by_folder_and_by_default(dedup, copies):
    before = _tree(copies)
    dedup(copies)
    assert dedup("apply").code == 1, "nobody can be asked, and --yes was not given"
    assert _tree(copies) == before
    done = dedup(copies, *QUARANTINE)
    assert done.code == 0, done.err
    assert "3 files went" in done.out
    assert not (copies / "small.jpg").exists()
    assert (copies / "1.jpg").exists()
    assert "went before" in dedup("apply", "--yes").out
    undone = dedup("undo", "--yes")
    assert undone.code == 0, undone.err
    assert _tree(copies) == before
    assert "undone before" in dedup("undo", "--yes").out


def test_a_plan_or_report_that_cannot_be_written_is_said_in_a_line(dedup, copies, tmp_path):
    (tmp_path / "file").write_text("", "utf-8")
    for option, what in (("--plan", "the plan"), ("--report", "the report")):
        scan = dedup(copies, option, tmp_path / "file" / "inside")
        assert scan.code == 1
        (line,) = scan.err.splitlines()
        assert line.startswith(f"lookalike: {what} can't be written: ")
        assert str(tmp_path / "file") in line


def test_a_report_in_the_place_of_a_folder_is_refused_by_its_own_name(dedup, copies, tmp_path):
    (tmp_path / "folder").mkdir()
    scan = dedup(copies, "--report", tmp_path / "folder")
    assert (scan.code, scan.err) == (
        1, f"lookalike: the report can't be written: Is a directory: {tmp_path / 'folder'}\n",
    )  # fmt: skip


def test_a_refusal_does_not_speak_to_the_terminal(dedup, copies):
    odd = copies / "2 \n\x1b[31mred.jpg"
    shutil.copy2(copies / "1.jpg", odd)
    dedup(copies)
    odd.write_bytes(b"something else")
    refused = dedup(*QUARANTINE)
    assert refused.code == 1
    assert "\x1b" not in refused.err
    assert "2 \\n\\x1b[31mred.jpg: it was changed" in refused.err


def test_a_long_scan_shows_the_first_and_a_review_all(dedup, pictures, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(41):
        for copy in "ab":
            (folder / f"{number:02}{copy}.jpg").write_bytes((pictures / "1.jpg").read_bytes() + b"%d" % number)
    for number in range(33):
        shutil.copyfile(pictures / "2.jpg", folder / f"crowd{number:02}.jpg")
    scan = dedup(folder, "--upto", "digest").out
    assert scan.count("to free") == 40
    assert "... and 2 more groups: `lookalike dedup review --list` shows all." in scan
    listed = dedup("review", "--list").out
    assert listed.count("to free") == 42
    assert listed.count("crowd") >= 33
    assert "... and" not in listed
    crowd = next(n for n, line in enumerate((line for line in listed.splitlines() if "to free" in line), 1)
                 if "33 files" in line)  # fmt: skip
    changed = dedup("review", "--group", crowd, "--keep-all").out
    assert changed.startswith(f"\n{crowd}. 33 files, 0 bytes to free")
    assert changed.count("to free") == 1


def test_a_crowd_fills_no_terminal(dedup, pictures, tmp_path):
    folder = tmp_path / "crowd"
    folder.mkdir()
    for number in range(33):
        shutil.copyfile(pictures / "2.jpg", folder / f"{number:02}.jpg")
    scan = dedup(folder).out
    assert "... and 3 more files: `lookalike dedup review --list` shows all." in scan
    assert "/32.jpg" not in scan


def test_links_are_counted_together(dedup, copies):
    for number in range(3):
        (copies / f"link{number}.jpg").symlink_to(copies / f"nowhere{number}")
    assert "3 a link to another path" in dedup(copies).err


def test_nothing_to_do_is_told_to_programs_as_json(dedup, pictures, copies):
    dedup(pictures, "--upto", "digest", "--keep", "first")
    dedup("review", "--group", "1", "--keep-all")
    assert dedup("apply", "--yes", "--format", "json").json["removed"] == []
    dedup(copies)
    assert dedup(*QUARANTINE).code == 0
    assert dedup("undo", "--yes").code == 0
    assert dedup("undo", "--yes", "--format", "json").json["restored"] == []


def test_names_do_not_break_the_listing_nor_speak_to_the_terminal(dedup, copies):
    shutil.copy2(copies / "1.jpg", copies / "2 \n\x1b[31mred.jpg")
    shown = dedup(copies).out
    assert "\x1b" not in shown
    assert "2 \\n\\x1b[31mred.jpg" in shown
    assert "\n1 group among 10 pictures; 4 files could go" in shown


def test_apply_says_when_it_is_stopped_how_to_go_on(dedup, copies, tmp_path):
    before = _tree(copies)
    dedup(copies)
    own = {"LOOKALIKE_LEDGER": str(tmp_path / "ledger" / "files.sqlite"), "LOOKALIKE_PLANS": str(tmp_path / "plans")}
    command = [sys.executable, "-c", _STOPPED_IN_APPLY, "dedup", *QUARANTINE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, **own})
    assert done.returncode == 130
    assert done.stderr.splitlines() == [
        "lookalike: not finished: `lookalike dedup apply` goes on, `lookalike dedup undo` brings back what went so far",
        "lookalike: stopped; what was written stays",
    ]
    assert dedup("undo", "--yes").code == 0
    assert _tree(copies) == before


def test_undo_finds_the_journal_of_a_plan_wherever_the_plan_is(dedup, copies, tmp_path):
    before = _tree(copies)
    dedup(
        "scan", copies, "--plan", "plan.json"
    )  # written where the command runs; the journal is in the folder of plans
    journal = Path(dedup("apply", "plan.json", *QUARANTINE[1:], "--format", "json").json["journal"])
    assert journal.parent == tmp_path / "plans"
    assert _tree(copies) != before
    undone = dedup("undo", "plan.json", "--yes")
    assert undone.code == 0, undone.err
    assert "3 files are back" in undone.out
    assert _tree(copies) == before
    assert "undone before" in dedup("undo", journal, "--yes").out


def test_undo_of_a_folder_takes_its_newest_plan_that_was_applied(dedup, copies, tmp_path, draw, save):
    other = tmp_path / "other"
    save(draw(8), other / "8.jpg")
    shutil.copy2(other / "8.jpg", other / "8 again.jpg")
    before, beside = _tree(copies), _tree(other)
    dedup(copies)
    nothing = dedup("undo", copies, "--yes")
    assert nothing.code == 1
    assert f"There is no journal in {copies}" in nothing.err
    assert dedup(copies, *QUARANTINE).code == 0
    dedup(copies)  # a newer plan, never applied
    dedup(other)
    assert dedup(other, *QUARANTINE).code == 0
    gone = _tree(other)
    undone = dedup(copies, "undo", "--yes")
    assert undone.code == 0, undone.err
    assert "3 files are back" in undone.out
    assert _tree(copies) == before
    assert _tree(other) == gone != beside, "what was applied last, elsewhere, stays"
    assert "undone before" in dedup("undo", f"{copies}/", "--yes").out


def test_what_changed_since_the_scan_is_refused(dedup, copies, draw, save):
    dedup(copies)
    save(draw(9), copies / "small.jpg")
    done = dedup(*QUARANTINE, "--format", "json")
    assert done.code == 1
    assert [one["path"] for one in done.json["refused"]] == [str(copies / "small.jpg")]
    assert len(done.json["removed"]) == 2
    assert (copies / "small.jpg").exists()


def test_a_review_changes_the_plan_and_decisions_last(dedup, copies):
    dedup(copies)
    chosen = dedup("review", "--group", "1", "--keep", copies / "lesser.jpg", "--format", "json")
    assert chosen.json["groups"][0]["keeper"] == str(copies / "lesser.jpg")
    assert len([one for one in chosen.json["groups"][0]["members"] if one["does"] == "remove"]) == 3
    assert dedup("review", "--format", "json").json["groups"] == chosen.json["groups"]
    spared = dedup("review", "--group", "1", "--spare", copies / "small.jpg", "--format", "json")
    fates = {Path(one["path"]).name: one["does"] for one in spared.json["groups"][0]["members"]}
    assert fates["small.jpg"] == "leave"
    beyond = dedup("review", "--group", "7", "--keep-all")
    assert (beyond.code, beyond.err) == (1, "lookalike: --group is 7; it must be from 1 to 1.\n")
    assert dedup("review", "--group", "1", "--different").code == 0
    again = dedup(copies, "--format", "json").json["groups"]
    assert [sorted(Path(one["path"]).name for one in group["members"]) for group in again] == [
        ["1 (1).jpg", "1.jpg"]
    ], "equal bytes stay duplicates, the others were said to be different"


def test_rows_for_programs(dedup, copies):
    rows = list(csv.DictReader(io.StringIO(dedup(copies, "--format", "csv").out)))
    assert {"from", "to", "score", "verdict"} <= set(rows[0])
    assert len(rows) == 6
    assert all(0.5 <= float(row["score"]) <= 1.0 for row in rows)
    assert any("recompressed" in row["changes"] for row in rows)
    lines = dedup(copies, "--format", "jsonl").out.splitlines()
    assert json.loads(lines[0])["keeper"] == str(copies / "1.jpg")


def test_sides_references_and_lists(dedup, copies, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy2(copies / "0.jpg", other / "zero.jpg")
    sides = dedup(copies, "--against", other, "--format", "json").json
    assert [sorted(Path(one["path"]).name for one in group["members"]) for group in sides["groups"]] == [
        ["0.jpg", "zero.jpg"]
    ]
    held = dedup(copies, "--reference", other, "--keep", "largest", "--format", "json").json
    zero = next(group for group in held["groups"] if len(group["members"]) == 2)
    assert zero["keeper"] == str(other / "zero.jpg")
    listed = tmp_path / "list.txt"
    listed.write_text(f"{copies / '0.jpg'}\n{other / 'zero.jpg'}\n", "utf-8")
    assert len(dedup("--files-from", listed, "--format", "json").json["groups"]) == 1


def test_a_report_is_one_file_with_pictures(dedup, copies, tmp_path):
    evil = copies / "<b>&.jpg"
    shutil.copy2(copies / "1.jpg", evil)
    assert dedup(copies, "--report", tmp_path / "out" / "report.html").code == 0
    text = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert text.count("data:image/jpeg;base64,") == 5
    assert "<b>&" not in text
    assert "&lt;b&gt;&amp;.jpg" in text
    assert "<script" not in text
    assert "<h1>1 group of duplicates</h1>" in text
    assert "5 files, " in text
    assert text.startswith("<!doctype html>")


@pytest.mark.parametrize(("option", "value"), [("--memory", "64M"), ("--memory", "much"), ("--keep", "prettiest")])
def test_options_that_make_no_sense_say_so(dedup, copies, option, value):
    refused = dedup(copies, option, value)
    assert refused.code == 1
    assert value.rstrip("M") in refused.err
