"""Each command on real files: what it prints, what it writes, how it exits."""

import json
import re
import subprocess
import sys

import numpy as np
import pyarrow.parquet
import pytest
import typer

import lookalike
from lookalike.cli import app
from lookalike.cli.doctor import _extra
from lookalike.version import __version__


def test_compare_exits_by_its_answer(run, pictures, draw, save, tmp_path):
    copy = save(draw(1), tmp_path / "copy.jpg", quality=50)
    same = run("compare", pictures / "1.jpg", copy, "--format", "json")
    assert same.code == 0
    assert same.json["verdict"] == "edited-copy"
    assert set(same.json) >= {"score", "verdict", "probability", "evidence"}
    assert run("compare", pictures / "1.jpg", pictures / "1.jpg").code == 0
    shown = run("compare", pictures / "1.jpg", copy).out
    assert "score 0.9" in shown
    assert "1.0000" not in shown, "only equal pixels are shown as 1"
    other = run("compare", pictures / "1.jpg", pictures / "2.jpg")
    assert other.code == 1
    assert "score" in other.out


@pytest.mark.parametrize("method", ["copy", "meaning", "ssim", "color"])
def test_compare_by_one_signal(run, pictures, method):
    result = run("compare", pictures / "1.jpg", pictures / "2.jpg", "--method", method, "--format", "json")
    assert result.json["method"] == method
    assert 0.0 <= result.json["score"] < 1.0
    assert result.code == (0 if result.json["verdict"] in ("identical", "edited-copy") else 1)


def test_describe_prints_and_writes_vectors(run, pictures, tmp_path):
    lines = run("describe", pictures / "0.jpg", pictures / "1.jpg", "--format", "jsonl").out.splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["size"] for row in rows] == ["320x240", "320x240"]
    assert len(rows[0]["vectors"]["meaning"]) == 256
    assert len(rows[0]["labels"]) == 5
    assert run("describe", pictures / "0.jpg", "-o", tmp_path / "v.npz").code == 0
    with np.load(tmp_path / "v.npz") as arrays:
        np.testing.assert_allclose(arrays["meaning"][0], rows[0]["vectors"]["meaning"], atol=1e-6)


def test_describe_goes_on_past_a_bad_file(run, pictures):
    result = run("describe", pictures / "notes.txt", pictures / "0.jpg", "--format", "jsonl")
    assert result.code == 0
    assert "notes.txt" in result.err
    assert len(result.out.splitlines()) == 1
    assert run("describe", pictures / "notes.txt").code == 2


def test_describing_a_folder_tells_how_many_files_took_no_part(run, pictures):
    assert f"{pictures}: 1 other file ignored" in run("describe", pictures, "--format", "jsonl").err


def test_index_then_search(run, pictures):
    first = run("index", pictures, "--collection", "c")
    assert first.code == 0
    assert "6 new" in first.out
    assert "1 other files ignored" in first.out
    again = run("index", pictures, "-C", "c", "--format", "json")
    assert (again.json["inserted"], again.json["unchanged"], again.json["records"]) == (0, 6, 6)
    found = run("search", "c", pictures / "more" / "5.png", "-k", "3", "--format", "json").json
    assert found[0]["_id"] == "more/5.png"
    assert found[0]["score"] == 1.0
    assert len(found) == 3
    by_id = run("search", "c", "--id", "0.jpg", "--format", "json").json
    assert len(by_id) == 5
    assert (
        run("search", "c", "--id", "0.jpg", "--filter", '{"_format": "PNG"}', "--format", "json").json[0]["_id"]
        == "more/5.png"
    )


def test_index_describes_only_what_changed_and_lists_what_it_cannot_read(run, pictures, draw, save):
    run("index", pictures, "-C", "c")
    save(draw(50), pictures / "0.jpg")
    save(draw(51), pictures / "new.webp")
    (pictures / "broken.jpg").write_bytes((pictures / "1.jpg").read_bytes()[:200])
    result = run("index", pictures, "-C", "c", "--format", "json").json
    assert (result["inserted"], result["updated"], result["unchanged"]) == (1, 1, 5)
    assert [entry["path"] for entry in result["unreadable"]] == ["broken.jpg"]
    assert result["unreadable"][0]["reason"]


def test_two_folders_may_hold_the_same_names(run, pictures, draw, save, tmp_path):
    other = save(draw(90), tmp_path / "other" / "0.jpg")
    run("index", pictures, "-C", "c")
    assert run("index", tmp_path / "other", "-C", "c", "--format", "json").json["inserted"] == 1
    assert run("search", "c", other, "-k", "1", "--format", "json").json[0]["_id"] == str(other)
    assert run("index", tmp_path / "other", "-C", "c", "--format", "json").json["unchanged"] == 1


def test_group_copies_groups_byte_for_byte(run, pictures, draw, save, tmp_path):
    save(draw(1), pictures / "9.jpg", quality=95)
    result = run(
        "group", pictures, "--grade", "0.95", "--method", "ssim", "--output", tmp_path / "out", "--format", "json"
    )
    assert result.code == 0
    groups = [[path.rsplit("/", 1)[1] for path in group] for group in result.json["groups"]]
    assert groups == [["0.jpg"], ["1.jpg", "9.jpg"], ["2.jpg"], ["3.jpg"], ["4.jpg"], ["5.png"]]
    assert sorted(entry.name for entry in (tmp_path / "out").glob("[!.]*")) == ["0", "1", "2", "3", "4", "5"]
    assert result.json["unused"] == [
        {"path": str(pictures / "notes.txt"), "reason": "not a picture by the ending of its name"}
    ]
    assert (tmp_path / "out" / "1" / "9.jpg").read_bytes() == (pictures / "9.jpg").read_bytes()
    again = run("group", pictures, "--output", tmp_path / "out")
    assert again.code == 0
    assert "6 groups" in again.out
    assert f"not grouped: {pictures / 'notes.txt'}: not a picture" in again.err


def test_collections_come_and_go(run, pictures):
    assert run("collection", "create", "shop", "--kind", "products", "--product-id", "sku").code == 0
    run("index", pictures, "-C", "shop")
    assert run("collection", "list", "--format", "json").json[0]["records"] == 6
    shown = run("collection", "show", "shop", "--limit", "4", "--format", "json").json
    assert len(shown) == 4
    assert run("collection", "delete", "shop", "--filter", '{"_format": "PNG"}', "--yes").code == 0
    assert run("collection", "list", "--format", "json").json[0]["records"] == 5
    removal = run("collection", "removed", "shop", "--format", "json").json[0]
    assert removal["records"] == 1
    assert run("collection", "removed", "shop", "--bring-back", removal["id"], "--format", "json").json == []
    assert run("collection", "list", "--format", "json").json[0]["records"] == 6
    run("collection", "delete", "shop", "--filter", '{"_format": "PNG"}', "--yes")
    removal = run("collection", "removed", "shop", "--format", "json").json[0]
    forgotten = run("collection", "removed", "shop", "--forget", removal["id"], "--format", "json")
    assert forgotten.json == []
    assert f"1 record of {removal['id']} forgotten for good" in forgotten.err
    assert run("collection", "delete", "shop", "--yes").code == 0
    assert run("collection", "list", "--format", "json").json == []


def test_other_formats(run, pictures, tmp_path):
    run("index", pictures, "-C", "c")
    table = run("search", "c", "--id", "0.jpg")
    assert "score" in table.out
    assert len(run("search", "c", "--id", "0.jpg", "--format", "csv").out.splitlines()) == 6
    command = [
        sys.executable,
        "-m",
        "lookalike",
        "search",
        "c",
        "--id",
        "0.jpg",
        "-f",
        "parquet",
        "-w",
        tmp_path / "space",
    ]
    with (tmp_path / "found.parquet").open("wb") as file:
        subprocess.run([str(part) for part in command], stdout=file, check=True)
    assert pyarrow.parquet.read_table(tmp_path / "found.parquet").num_rows == 5


def test_doctor_finds_nothing_broken_beside_a_running_service(run, tmp_path):
    with lookalike.open(tmp_path / "busy"):
        result = run("doctor", "--workspace", tmp_path / "busy", "--format", "json")
    parts = {row["part"]: row for row in result.json}
    assert (result.code, parts["workspace"]["state"]) == (0, "ok")
    assert "in use by" in parts["workspace"]["detail"]


def test_figures_are_not_written_as_scores_are_and_one_is_no_plural(run, pictures, tmp_path):
    assert "4.8 " in run("models", "list").out
    (tmp_path / "one").mkdir()
    (pictures / "0.jpg").rename(tmp_path / "one" / "0.jpg")
    assert run("group", tmp_path / "one").out.splitlines()[-1] == "1 picture in 1 group."


def test_names_that_group_prints_do_not_speak_to_the_terminal(run, draw, save, tmp_path):
    save(draw(1), tmp_path / "in" / "1.jpg").rename(tmp_path / "in" / "\x1b[31m1.jpg")
    (tmp_path / "in" / "\x1b[31m2.jpg").write_bytes(b"no picture")
    grouped = run("group", tmp_path / "in")
    assert "\x1b" not in grouped.out + grouped.err
    assert "\\x1b[31m1.jpg" in grouped.out
    assert "\\x1b[31m2.jpg" in grouped.err


def test_a_search_that_finds_nothing_says_so(run, pictures):
    run("index", pictures, "-C", "c")
    found = run("search", "c", "--id", "0.jpg", "--filter", '{"_format": "GIF"}', "--format", "json")
    assert (found.code, found.json, found.err) == (0, [], "No record matches.\n")


def test_a_password_is_not_asked_for_where_nobody_can_type_it(run):
    result = run("users", "add", "ann")
    assert result.code == 2
    assert "--password-stdin" in result.err


def test_doctor_finds_nothing_broken(run):
    result = run("doctor", "--format", "json")
    assert result.code == 0
    parts = {row["part"]: row for row in result.json}
    assert parts["model"]["state"] == "ok"
    assert "HEIF" in parts["pictures"]["detail"]


def test_doctor_takes_a_package_without_metadata():
    row = _extra("a-package-nobody-registered", "json", "how to get it")
    assert row == {"part": "a-package-nobody-registered", "state": "ok", "detail": "its version is not known"}


def test_models_are_listed_and_shown(run):
    assert run("models", "list", "--format", "json").json[0]["name"] == "lookalike-mini"
    assert run("models", "show", "lookalike-mini").json["license"] == "Apache-2.0"


def commands(command, path=()):
    """Yield the path and help of a command, and of all below it."""
    yield path, command.help
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*path, name))


ALL = {" ".join(path): text for path, text in commands(typer.main.get_command(app))}


@pytest.mark.parametrize("name", ALL)
def test_every_command_has_an_example_of_its_own(name):
    said = re.findall(r"`lookalike ([^`]*)`", ALL[name].partition("Example")[2])
    assert any(f"{one} ".startswith(f"{name} ".lstrip()) for one in said)


@pytest.mark.parametrize("command", ["", "compare", "collection", "collection show", "dedup"])
def test_help_is_printed_with_its_example(run, command):
    result = run(*command.split(), "--help")
    assert (result.code, "Example" in result.out) == (0, True)


def test_version(run):
    assert run("--version").out.strip() == f"lookalike {__version__}"
