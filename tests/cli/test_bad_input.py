"""Bad input: one clear line on stderr, exit code 2, no traceback, nothing half-written."""

import io
import struct
import zlib

import pytest
from PIL import Image

import lookalike


def clear(result, *words):
    assert result.code == 2, (result.code, result.out, result.err)
    assert "Traceback" not in result.err
    line = result.err.strip()
    assert "\n" not in line
    for word in words:
        assert word in line
    return True


@pytest.mark.parametrize("command", [("index", "{}", "-C", "c"), ("group", "{}")])
def test_folders(run, tmp_path, command):
    def on(folder):
        return run(*(str(folder) if part == "{}" else part for part in command))

    clear(on(tmp_path / "none"), "not a folder")
    (tmp_path / "empty").mkdir()
    clear(on(tmp_path / "empty"), "is empty")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("a", "utf-8")
    clear(on(tmp_path / "texts"), "1 files but no pictures")
    assert not (tmp_path / "space").exists(), "a folder that can't be used makes no workspace"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("train", "NOPE"), "one folder per class"),
        (("train", "--task", "tag", "NOPE"), "one folder per label"),
        (("train", "--task", "classify", "NOPE.csv"), "columns file, and label"),
        (("calibrate", "NOPE"), "columns a, b, same"),
        (("evaluate", "NOPE"), "one folder per label"),
        (("evaluate", "--labels", "NOPE.csv"), "columns file, label"),
        (("evaluate", "--pairs", "NOPE.csv"), "columns a, b, same"),
    ],
)
def test_what_to_learn_from_that_is_not_there(run, command, expected):
    result = run(*command)
    clear(result, "NOPE", "nothing is there", expected, "Check the path")
    assert "URL" not in result.err, "it isn't one picture that is missing"


def test_a_collection_that_does_not_exist(run, pictures):
    clear(run("search", "nothing", "--id", "x"), "none yet")
    run("index", pictures, "-C", "c")
    clear(run("search", "nothing", "--id", "x"), "'nothing'", "There are: c")
    clear(run("search", "c", "--id", "x"), "no record 'x'")
    clear(run("collection", "delete", "nothing", "--yes"), "'nothing'")


def test_pictures_that_are_none(run, pictures):
    (pictures / "text.jpg").write_text("hello", "utf-8")
    (pictures / "cut.jpg").write_bytes((pictures / "0.jpg").read_bytes()[:300])
    for name in ("text.jpg", "cut.jpg", "gone.jpg"):
        clear(run("compare", pictures / "0.jpg", pictures / name), name)
    clear(run("describe", pictures / "text.jpg"), "text.jpg")


def test_a_hundred_megapixels_are_refused_by_the_header(run, pictures, tmp_path):
    buffer = io.BytesIO()
    Image.new("1", (8, 8)).save(buffer, "PNG")
    data = bytearray(buffer.getvalue())
    data[16:24] = struct.pack(">II", 12_000, 9_000)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    (tmp_path / "huge.png").write_bytes(bytes(data))
    clear(run("compare", pictures / "0.jpg", tmp_path / "huge.png"), "108,000,000 pixels", "MAX_PIXELS")


def test_words_and_numbers_out_of_range(run, pictures):
    run("index", pictures, "-C", "c")
    clear(run("group", pictures, "--grade", "1.5"), "between 0 and 1")
    clear(run("group", pictures, "--method", "smell"), "ssim")
    clear(run("compare", pictures / "0.jpg", pictures / "1.jpg", "--method", "smell"), "auto")
    clear(run("search", "c", "--id", "0.jpg", "-k", "0"), "between 1 and")
    clear(run("search", "c", "--id", "0.jpg", "--filter", "{oops"), "not JSON")
    clear(run("search", "c", "--id", "0.jpg", "--filter", '{"a": {"$near": 1}}'), "$near")
    clear(run("search", "c"), "image, id")
    clear(run("index", pictures, "-C", "no/slash"), "no/slash")


def test_a_workspace_held_by_another_process(run, tmp_path, pictures):
    with lookalike.open(tmp_path / "space") as space:
        space.create("c")
        clear(run("search", "c", "--id", "x"), "in use by process", "--workspace")
        clear(run("index", pictures, "-C", "c"), "in use by process")
        assert len(space.get("c")) == 0


def test_output_never_replaces_what_it_did_not_make(run, pictures, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter.txt").write_text("dear", "utf-8")
    clear(run("group", pictures, "--output", mine), "letter.txt")
    clear(run("group", pictures, "--output", pictures), "Choose another")
    assert (mine / "letter.txt").read_text("utf-8") == "dear"
    assert (pictures / "0.jpg").exists()


def test_usage_errors_exit_with_2(run):
    assert run("compare", "only-one").code == 2
    assert run("nonsense").code == 2


def test_a_port_that_is_taken(run, tmp_path):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        clear(run("serve", "--host", "127.0.0.1", "--port", port), f":{port}", "--port")


def test_a_question_at_the_end_of_a_filter_s_error_stays_one(run, pictures):
    run("index", str(pictures), "-C", "c")
    result = run("search", "c", "--id", "0.jpg", "--filter", '{"price": {"$ge": 3}}')
    assert result.err.strip().endswith("did you mean $gte?")


def test_a_backup_that_is_not_there(run, tmp_path):
    clear(run("restore", str(tmp_path / "none.zip")), "there is no such file or folder")
