"""`lookalike describe`: pictures and folders, to lines and files, naming the model that made the numbers."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pyarrow.parquet
import pytest


@pytest.fixture
def describe(run, tmp_path):
    """Return describe(*arguments) -> Result, with a cache of the test's own."""

    def run_describe(*arguments):
        return run("describe", *arguments, env={"LOOKALIKE_CACHE": str(tmp_path / "cache")})

    return run_describe


def rows_of(result):
    assert result.code == 0, result.err
    return [json.loads(line) for line in result.out.splitlines()]


def test_a_folder_is_its_pictures(describe, pictures, tmp_path):
    rows = rows_of(describe(pictures, "--format", "jsonl"))
    assert [row["file"] for row in rows] == [
        str(pictures / name) for name in ("0.jpg", "1.jpg", "2.jpg", "3.jpg", "4.jpg", "more/5.png")
    ]
    mixed = rows_of(describe(pictures / "more", pictures / "3.jpg", "--format", "jsonl"))
    assert [row["vectors"] for row in mixed] == [rows[5]["vectors"], rows[3]["vectors"]]


def test_every_row_names_its_model(describe, pictures):
    (row,) = rows_of(describe(pictures / "0.jpg", "--format", "jsonl"))
    assert row["model"].startswith("lookalike-mini/")
    assert row["signatures"] == {
        "meaning": row["model"], "copy": row["model"], "color": "color/1", "phash": "phash/1"
    }  # fmt: skip
    for vector in row["vectors"].values():
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-4)


def test_vectors_and_labels_are_chosen(describe, pictures):
    (row,) = rows_of(describe(pictures / "0.jpg", "--vectors", "copy, meaning", "--top", "2", "--format", "jsonl"))
    assert list(row["vectors"]) == ["copy", "meaning"]
    assert list(row["signatures"]) == ["copy", "meaning", "phash"]
    assert len(row["labels"]) == 2
    unknown = describe(pictures / "0.jpg", "--model", "no-such-model")
    assert unknown.code == 2
    assert "no-such-model" in unknown.err
    refused = describe(pictures / "0.jpg", "--vectors", "taste")
    assert refused.code == 2
    assert "meaning, copy, color" in refused.err


def test_files_of_each_kind_hold_the_same_numbers(describe, pictures, tmp_path):
    lines, arrays, table = (tmp_path / f"out.{kind}" for kind in ("jsonl", "npz", "parquet"))
    for output in (lines, arrays, table):
        done = describe(pictures, "--vectors", "meaning,copy", "--output", output)
        assert (done.code, done.out) == (0, "")
        assert "6 of 6 pictures" in done.err
    rows = [json.loads(line) for line in lines.read_text("utf-8").splitlines()]
    columns = pyarrow.parquet.read_table(table)
    with np.load(arrays) as found:
        assert set(found) == {"files", "sha256", "model", "signatures", "failed", "phash", "meaning", "copy"}
        assert found["files"].tolist() == [row["file"] for row in rows] == columns["file"].to_pylist()
        assert found["phash"].tolist() == [row["phash"] for row in rows] == columns["phash"].to_pylist()
        assert json.loads(str(found["signatures"])) == rows[0]["signatures"] == columns["signatures"][0].as_py()
        assert str(found["model"]) == rows[0]["model"] == columns["model"][5].as_py()
        for name in ("meaning", "copy"):
            stored = np.stack(columns[name].to_numpy(zero_copy_only=False))
            assert stored.dtype == found[name].dtype == np.float32
            assert stored.tobytes() == found[name].tobytes()
            np.testing.assert_allclose(found[name], [row["vectors"][name] for row in rows], atol=1e-7)


def test_parquet_goes_down_a_pipe(pictures, tmp_path):
    command = [sys.executable, "-m", "lookalike", "describe", str(pictures), "--no-cache", "--format", "parquet"]
    with (tmp_path / "found.parquet").open("wb") as file:
        subprocess.run(command, stdout=file, check=True)
    assert pyarrow.parquet.read_table(tmp_path / "found.parquet").num_rows == 6


def test_the_second_time_comes_from_the_cache(describe, pictures, tmp_path):
    first = describe(pictures / "0.jpg", "--format", "jsonl")
    kept = tmp_path / "cache" / "descriptions-2.sqlite"
    assert kept.is_file()
    renamed = shutil.copy(pictures / "0.jpg", tmp_path / "renamed.jpg")
    again = describe(renamed, "--format", "jsonl")
    without = describe(renamed, "--no-cache", "--format", "jsonl")
    assert again.out == without.out == first.out.replace(str(pictures / "0.jpg"), str(renamed))
    kept.write_bytes(b"spoiled" * 1000)
    assert describe(renamed, "--format", "jsonl").out == without.out


def test_without_a_cache_nothing_is_kept(describe, pictures, tmp_path):
    assert describe(pictures / "0.jpg", "--no-cache").code == 0
    assert not (tmp_path / "cache").exists()


def test_what_can_not_be_read_is_listed_and_the_others_go_on(describe, pictures, tmp_path):
    (tmp_path / "empty").mkdir()
    result = describe(tmp_path / "empty", pictures / "gone.jpg", pictures / "0.jpg", "--format", "jsonl")
    assert len(rows_of(result)) == 1
    assert "empty" in result.err
    assert "gone.jpg" in result.err
    assert describe(tmp_path / "empty").code == 2


@pytest.mark.parametrize("output", ["out.txt", "nowhere/out.npz"])
def test_an_output_that_can_not_be_is_refused_before_any_work(describe, pictures, output):
    result = describe(pictures, "--output", output)
    assert result.code == 2
    assert ".npz" in result.err
    assert "Traceback" not in result.err


def test_labels_are_a_flag_beside_paths(describe, pictures):
    one = pictures / "0.jpg"
    plain, before, after, none = (
        rows_of(describe(*arguments, "--format", "jsonl"))[0]
        for arguments in ([one], ["--labels", one, "--top", "3"], [one, "--labels"], [one, "--no-labels"])
    )
    assert plain == after
    assert before["labels"] == plain["labels"][:3]
    assert (none["labels"], none["vocabularies"]) == ([], {})
    assert none["tags"] == plain["tags"]


def test_every_label_says_where_it_is_from_and_every_vocabulary_how_sure_it_is(describe, pictures):
    (row,) = rows_of(describe(pictures / "0.jpg", "--format", "jsonl"))
    probabilities = [label["probability"] for label in row["labels"]]
    assert probabilities == sorted(probabilities, reverse=True)
    assert {label["vocabulary"] for label in row["labels"]} <= set(row["vocabularies"])
    assert {"imagenet", "rooms", "scenes", "textures", "styles", "articles", "grocery"} <= set(row["vocabularies"])
    for answer in row["vocabularies"].values():
        assert 0 <= answer["confidence"] <= 1
        assert len(answer["labels"]) >= 4


def test_raw_vectors_are_what_the_model_makes(describe, pictures):
    unit, raw = (rows_of(describe(pictures / "0.jpg", *options, "--format", "jsonl"))[0] for options in ([], ["--raw"]))
    vector, other = np.array(unit["vectors"]["meaning"]), np.array(raw["vectors"]["meaning"])
    assert other / np.linalg.norm(other) == pytest.approx(vector, abs=1e-5)
    assert raw["labels"] == unit["labels"]
    again = rows_of(describe(pictures / "0.jpg", "--raw", "--format", "jsonl"))[0]
    assert again == raw


def test_a_name_that_is_no_utf8_keeps_its_bytes(describe, pictures, tmp_path):
    """Paths come from a folder: no command line can hold such a name under every locale."""
    name = os.fsencode(pictures / "more") + b"/\xff.jpg"
    try:
        shutil.copy2(pictures / "0.jpg", name)
    except OSError:
        pytest.skip("this file system holds UTF-8 names alone")
    for output in (tmp_path / "found.jsonl", None):
        done = describe(pictures / "more", *(("-o", output) if output else ("--format", "jsonl")))
        assert done.code == 0, done.err
        lines = output.read_text("utf-8") if output else done.out
        assert [os.fsencode(json.loads(line)["file"]) for line in lines.splitlines()] == [
            os.fsencode(pictures / "more" / "5.png"),
            name,
        ]
    describe(pictures / "more", "-o", tmp_path / "found.parquet")
    files = pyarrow.parquet.read_table(tmp_path / "found.parquet")["file"].to_pylist()
    assert files[1].endswith("/\\udcff.jpg")
