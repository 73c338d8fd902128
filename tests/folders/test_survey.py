"""A survey: each file read once, remembered, and whatever happens to a file becomes a reason and no error."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.describers.ensemble import standard_ensemble
from lookalike.describers.hashes import MIN_QUALITY, hash_pictures, orientations
from lookalike.errors import InvalidArgument
from lookalike.folders import reading
from lookalike.folders.ledger import Ledger
from lookalike.folders.reading import Reader
from lookalike.folders.selection import Selection
from lookalike.folders.survey import _firsts, take_survey
from lookalike.images import read_image
from lookalike.settings import Settings


def survey(*roots, upto="hash", **more):
    more.setdefault("settings", Settings(threads=2))
    return take_survey(Selection(roots), upto=upto, **more)


def paths(taken):
    return [Path(taken.file(n).path).name for n in range(len(taken))]


def code(bits):
    return int.from_bytes(bits.tobytes(), "big")


def test_it_knows_what_the_describers_say(pictures):
    shutil.copy(pictures / "2.jpg", pictures / "again.jpg")
    taken = survey(pictures, upto="copy")
    assert paths(taken) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "4.jpg", "again.jpg", "5.png"]
    assert taken.same.tolist() == [0, 1, 2, 3, 4, 2, 6]
    ensemble = standard_ensemble()
    for n in range(len(taken)):
        file = taken.file(n)
        image = read_image(file.path)
        assert (file.width, file.height, file.format) == (image.width, image.height, image.format)
        assert file.sha256 == hashlib.sha256(Path(file.path).read_bytes()).hexdigest()
        assert file.size == Path(file.path).stat().st_size
        bits = orientations("phash", [image.pixels])[0]
        assert np.bitwise_count(taken.turned[n] ^ np.array([code(row) for row in bits], np.uint64)).max() <= 4
        copy = ensemble.describe([image.pixels])["copy"][0]
        assert float(copy @ taken.copies[n].astype(np.float32)) > 0.998
    assert (taken.codes == taken.turned[:, 0]).all()
    assert taken.copies.dtype == np.float16
    assert [one.reason for one in taken.unused] == ["not a picture by the ending of its name"]


def test_hashes_are_the_same_however_far_one_looks(pictures, tmp_path):
    one = survey(pictures, ledger=tmp_path / "one")
    other = survey(pictures, upto="copy", ledger=tmp_path / "other")
    assert (one.turned == other.turned).all()
    assert (one.quality == other.quality).all()


def test_a_second_look_reads_nothing(pictures, monkeypatch):
    first = survey(pictures, upto="copy")
    assert first.read == 6
    monkeypatch.setattr(reading, "_bytes_of", lambda *given: pytest.fail("a file was opened"))
    second = survey(pictures, upto="copy")
    assert second.read == 0
    assert [second.file(n) for n in range(6)] == [first.file(n) for n in range(6)]
    for name in ("codes", "turned", "quality", "copies", "same"):
        assert (getattr(first, name) == getattr(second, name)).all()


def test_only_what_changed_is_read_again(pictures, draw, save):
    survey(pictures)
    save(draw(77), pictures / "3.jpg")
    (pictures / "0.jpg").rename(pictures / "new.jpg")
    (pictures / "4.jpg").unlink()
    again = survey(pictures)
    assert again.read == 2
    assert paths(again) == ["1.jpg", "2.jpg", "3.jpg", "5.png", "new.jpg"]


def test_bytes_known_under_another_name_are_not_described_again(pictures, monkeypatch):
    survey(pictures)
    shutil.copytree(pictures, pictures / "backup")
    monkeypatch.setattr(Reader, "_decoded", lambda *given: pytest.fail("a picture was decoded"))
    taken = survey(pictures)
    assert taken.read == 6
    assert len(taken) == 12
    assert sorted(np.bincount(taken.same).tolist()) == [0] * (taken.same.max() - 5) + [2] * 6


def test_looking_further_reads_again_and_keeps_what_was_known(pictures):
    assert survey(pictures, upto="digest").read == 0
    shutil.copy(pictures / "2.jpg", pictures / "again.jpg")
    digests = survey(pictures, upto="digest")
    assert digests.read == 2
    assert digests.same.tolist() == [0, 1, 2, 3, 4, 2, 6]
    assert digests.file(0).sha256 == ""
    assert digests.copies.shape == (7, 0)
    assert not digests.codes.any()
    assert survey(pictures).read == 7
    assert survey(pictures, upto="copy").read == 7
    assert survey(pictures, upto="copy").read == survey(pictures).read == survey(pictures, upto="digest").read == 0


def test_plain_pictures_have_no_code(tmp_path, save):
    save(np.full((200, 300, 3), 255, np.uint8), tmp_path / "blank.png")
    save(np.tile(np.linspace(100, 101, 300).astype(np.uint8)[None, :, None], (200, 1, 3)), tmp_path / "smooth.png")
    taken = survey(tmp_path)
    assert taken.codes.tolist() == [0, 0]
    assert (taken.quality < MIN_QUALITY).all()


def test_pictures_that_cant_be_used_are_named_and_the_numbers_close_up(pictures):
    (pictures / "1.jpg").write_bytes(b"\xff\xd8\xff\xe0 and then nothing")
    (pictures / "3.jpg").write_bytes((pictures / "3.jpg").read_bytes()[:700])
    (pictures / "0.png").write_bytes(b"<!doctype html>")
    limits = Settings(threads=2, max_bytes=(pictures / "more" / "5.png").stat().st_size - 1)
    for read in (5, 0):  # the reasons are remembered, too
        taken = survey(pictures, upto="copy", settings=limits)
        reasons = {Path(one.path).name: one.reason for one in taken.unused}
        assert paths(taken) == ["0.jpg", "2.jpg", "4.jpg"]
        assert reasons["0.png"] == "an HTML page, not a picture"
        assert "damaged" in reasons["3.jpg"]
        assert "too large" in reasons["5.png"]
        assert len(reasons) == 5
        assert taken.read == read + (read > 0)
        copies = standard_ensemble().describe([read_image(pictures / name).pixels for name in paths(taken)])["copy"]
        assert (np.einsum("nd,nd->n", copies, taken.copies.astype(np.float32)) > 0.998).all()


def test_what_lacked_an_extra_is_tried_again_once_it_is_there(pictures, monkeypatch):
    (pictures / "0.jpg").write_bytes(b"\xff\xd8\xff damaged")
    monkeypatch.setattr(reading, "installed", lambda: [])
    assert [survey(pictures).read for _ in range(2)] == [6, 0]
    monkeypatch.setattr(reading, "installed", lambda: ["raw"])
    assert [survey(pictures).read for _ in range(2)] == [1, 0]


def test_a_file_that_vanishes_changes_or_refuses_is_named(pictures, monkeypatch):
    read = reading._bytes_of
    stat = os.fstat

    def meddled(path, limits):
        if path.endswith(b"/1.jpg"):
            Path(os.fsdecode(path)).unlink()
        if path.endswith(b"/2.jpg"):
            once = iter([True])

            def grown(handle):
                facts = stat(handle)
                if next(once, False):
                    with (pictures / "2.jpg").open("ab") as file:
                        file.write(b"more")
                return facts

            monkeypatch.setattr(os, "fstat", grown)
        if path.endswith(b"/3.jpg"):
            Path(os.fsdecode(path)).unlink()
            Path(os.fsdecode(path)).mkdir()
        found = read(path, limits)
        monkeypatch.setattr(os, "fstat", stat)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(reading, "_bytes_of", meddled)
        taken = survey(pictures, settings=Settings(threads=1))
    reasons = {Path(one.path).name: one.reason for one in taken.unused}
    assert paths(taken) == ["0.jpg", "4.jpg", "5.png"]
    assert reasons["1.jpg"] == "it vanished while it was scanned"
    assert reasons["2.jpg"] == "it changed while it was scanned"
    assert reasons["3.jpg"] == "it is no file any more" or "directory" in reasons["3.jpg"]
    assert survey(pictures).read == 1  # what failed for a moment is tried again


def test_hard_links_are_known_by_number(pictures):
    os.link(pictures / "2.jpg", pictures / "linked.jpg")
    (pictures / "0.jpg").write_bytes(b"\xff\xd8\xff damaged")
    taken = survey(pictures)
    assert taken.links == {1: [str(pictures / "linked.jpg")]}
    assert paths(taken)[1] == "2.jpg"


def test_a_ledger_that_cant_be_kept_is_a_warning(pictures, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    taken = survey(pictures, ledger=tmp_path / "file" / "ledger")
    assert len(taken) == 6
    assert len(taken.warnings) == 1
    assert survey(pictures, ledger="").warnings == []


def test_progress_is_told(pictures):
    told = []
    survey(pictures, progress=lambda *step: told.append(step))
    assert told[0] == ("listing", 6, 6)
    assert told[1] == ("reading", 0, 6)
    assert told[-1] == ("reading", 6, 6)


def test_nothing_is_found_in_an_empty_folder(tmp_path):
    taken = survey(tmp_path, upto="copy")
    assert len(taken) == 0
    assert taken.same.tolist() == []
    with pytest.raises(InvalidArgument):
        survey(tmp_path, upto="pixels")


def test_names_that_are_no_utf8_come_through(pictures):
    name = os.fsdecode(b"caf\xe9.jpg")
    try:
        (pictures / "0.jpg").rename(pictures / name)
    except OSError:
        pytest.skip("this file system refuses such names")
    taken = survey(pictures, upto="copy")
    assert name in paths(taken)
    assert survey(pictures, upto="copy").read == 0


def test_an_interrupt_leaves_what_was_read(pictures, monkeypatch):
    put, seen = Ledger.put, []

    def interrupted(self, path, known):
        put(self, path, known)
        seen.append(path)
        if len(seen) == 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "put", interrupted)
        with pytest.raises(KeyboardInterrupt):
            survey(pictures)
    assert survey(pictures).read == 2


_SCAN = """
import sys
from lookalike.folders.selection import Selection
from lookalike.folders.survey import take_survey
from lookalike.settings import Settings
def told(stage, done, total):
    if stage == "reading":
        print(done, flush=True)
two = Settings(threads=2)
taken = take_survey(Selection([sys.argv[1]]), upto="hash", ledger=sys.argv[2], settings=two, progress=told)
print("read", taken.read, len(taken), flush=True)
"""


@pytest.mark.slow
def test_a_scan_that_is_killed_goes_on_where_it_was(tmp_path, draw, save):
    folder, ledger = tmp_path / "pictures", tmp_path / "ledger"
    for seed in range(600):
        save(draw(seed), folder / f"{seed % 7}" / f"{seed:04d}.jpg")
    slowed = _SCAN.replace("print(done, flush=True)", "print(done, flush=True); time.sleep(0.05)").replace(
        "import sys", "import sys, time"
    )
    process = subprocess.Popen([sys.executable, "-c", slowed, folder, ledger], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if int(line) >= 360:
            done = int(line)
            time.sleep(1.5)  # what was read until now is written by now
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    process.stdout.close()
    again = subprocess.run([sys.executable, "-c", _SCAN, folder, ledger], capture_output=True, text=True, check=True)
    _, read, count = again.stdout.split("\n")[-2].split()
    assert int(count) == 600
    assert int(read) <= 600 - done + 64
    assert survey(folder, ledger=ledger).read == 0


@given(st.lists(st.integers(0, 5), max_size=30))
def test_the_first_of_equal_digests(values):
    digests = np.zeros((len(values), 32), np.uint8)
    digests[:, 31] = values
    expected = [n if value == 0 else values.index(value) for n, value in enumerate(values)]
    assert _firsts(digests).tolist() == expected


def test_quality_is_that_of_the_hash(pictures):
    taken = survey(pictures)
    pixels = [read_image(taken.file(n).path).pixels for n in range(6)]
    assert np.abs(hash_pictures("phash", pixels).quality.astype(int) - taken.quality).max() <= 10
