"""`lookalike evaluate`: labels by folder or table, pairs, and clear words about what was left out."""

import shutil

import pytest

from lookalike.describers.cards import card
from lookalike.edits import EDITS


@pytest.fixture
def classes(tmp_path, draw, save):
    folder = tmp_path / "classes"
    for seed in range(3):
        for copy, quality in enumerate((90, 60)):
            save(draw(seed), folder / f"scene {seed}" / f"{copy}.jpg", quality)
    save(draw(9), folder / "alone" / "0.jpg")
    (folder / "scene 0" / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    return folder


def test_a_folder_of_folders(run, classes):
    result = run("evaluate", classes)
    assert result.code == 0
    for word in ("meaning", "color", "phash", "random", "recall@1", "mAP", "median rank", "lookalike-mini/"):
        assert word in result.out
    assert "1.000 [1.000, 1.000]" in result.out
    assert "the picture of each of 1 label." in result.out
    assert "broken.jpg" in result.err
    assert "1 files could not be read" in result.err


def test_as_json(run, classes):
    found = run("evaluate", classes, "--format", "json").json
    assert (found["pictures"], found["asked"], found["alone"]) == (7, 6, ["alone"])
    assert set(found["lines"][0]["recall_at_1"]) == {"value", "low", "high"}
    assert list(found["unreadable"]) == [str(classes / "scene 0" / "broken.jpg")]


def test_as_rows(run, classes):
    lines = run("evaluate", classes, "--format", "csv").out.splitlines()
    assert lines[0].startswith("name,signature,recall_at_1,recall_at_1_low,recall_at_1_high")
    assert [line.split(",")[0] for line in lines[1:]] == [
        "meaning", "meaning re-ranked", "copy", "color", "phash", "dhash", "pdq", "random"
    ]  # fmt: skip
    assert lines[4].startswith("color,color/1,")


def test_a_table_of_labels(run, classes):
    rows = [f"scene {seed}/{copy}.jpg,{seed % 2}" for seed in range(3) for copy in range(2)]
    table = classes / "labels.csv"
    table.write_text("\n".join(["file,label", *rows]), "utf-8")
    assert run("evaluate", "--labels", table, "--format", "json").json["labels"] == 2
    moved = table.rename(classes.parent / "labels.csv")
    assert run("evaluate", classes, "--labels", moved, "--format", "json").json["asked"] == 6


def test_pairs(run, classes):
    rows = [f"scene {a}/0.jpg,scene {b}/1.jpg,{a == b}" for a in range(3) for b in range(3)]
    table = classes / "pairs.csv"
    table.write_text("\n".join(["a,b,same", *rows, "scene 0/0.jpg,gone.jpg,0"]), "utf-8")
    result = run("evaluate", "--pairs", table, "--precision", "0.9")
    assert result.code == 0
    for word in ("AUC", "recall at precision 0.9", "Expected calibration error", "came true", "compare", "pdq"):
        assert word in result.out
    assert "gone.jpg" in result.err
    found = run("evaluate", "--pairs", table, "--format", "json").json
    assert (found["pairs"], found["same"]) == (9, 3)
    assert sum(one["count"] for one in found["reliability"]) == 9


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("{}", "--labels", "a.csv", "--pairs", "b.csv"),
        ("{}/scene 0",),
        ("gone",),
        ("gone", "--copies", "{}"),
        ("--copies", "{}/alone"),
        ("{}", "--collection", "shop"),
        ("--collection", "shop"),
        ("--collection", "none", "--label", "kind"),
        ("--copies", "{}", "--report", "r.html"),
        ("{}", "--train", "gone"),
    ],
)
def test_what_can_not_be_evaluated_is_one_clear_line(run, classes, arguments):
    result = run("evaluate", *(part.replace("{}", str(classes)) for part in arguments))
    assert result.code == 2
    assert result.out == ""
    assert "Traceback" not in result.err
    assert len(result.err.strip().splitlines()) == 1


def test_copies(run, classes, tmp_path):
    pytest.importorskip("matplotlib", reason="drawing needs matplotlib")
    result = run("evaluate", "--copies", classes, "--sample", "4", "--plots", tmp_path / "drawn")
    assert result.code == 0
    for word in (
        "rank 1, hard",
        "AUC",
        "recall at precision 0.99",
        "jpeg",
        "crop",
        "pdq",
        "came true",
        "list of edits",
    ):
        assert word in result.out
    for name in ("precision-recall.png", "reliability.png"):
        assert (tmp_path / "drawn" / name).read_bytes().startswith(b"\x89PNG")


def test_copies_as_rows(run, classes):
    rows = run("evaluate", "--copies", classes, "--sample", "4", "--format", "csv").out.splitlines()
    assert rows[0] == "model,name,edit,level,rank_1"
    assert len(rows) == 1 + 6 * len(EDITS) * 3


def test_several_models_and_drawings(run, classes, tmp_path):
    pytest.importorskip("matplotlib", reason="drawing needs matplotlib")
    shutil.copy(card().weights, tmp_path / "mine.onnx")
    name = f"onnx:{tmp_path / 'mine.onnx'}"
    result = run(
        "evaluate", classes, "--model", "lookalike-mini", "--model", name, "--plots", tmp_path, "--format", "json"
    )
    assert [line["name"] for line in result.json["lines"]][:4] == [
        "meaning", "meaning re-ranked", "copy", f"{name} meaning"
    ]  # fmt: skip
    assert (tmp_path / "recall.png").is_file()


def test_a_report_beside_what_was_trained_on(run, classes, tmp_path, draw, save):
    save(draw(1), tmp_path / "train" / "other" / "seen.jpg", 75)
    arguments = ("evaluate", classes, "--train", tmp_path / "train", "--sample", "5")
    result = run(*arguments, "--report", tmp_path / "new" / "report.html", "--rows", "leaks", "--format", "csv")
    assert result.code == 0, result.err
    rows = result.out.splitlines()
    assert rows[0] == "name,label,other,other_label,probability"
    assert {row.split(",")[0] for row in rows[1:]} == {str(classes / "scene 1" / f"{copy}.jpg") for copy in (0, 1)}
    assert "report.html" in result.err
    text = (tmp_path / "new" / "report.html").read_text("utf-8")
    assert text.count("data:image/jpeg") > 10
    assert run(*arguments, "--report", tmp_path, "--format", "json").code == 2, "a folder is no file"


def test_a_collection_and_its_index(run, classes, tmp_path):
    (classes / "scene 0" / "broken.jpg").unlink()
    (tmp_path / "labels.jsonl").write_text(
        "".join(f'{{"_id": "scene {seed}/{copy}.jpg", "kind": {seed}}}\n' for seed in range(3) for copy in range(2)),
        "utf-8",
    )
    assert run("index", classes, "-C", "shop").code == 0
    assert run("collection", "import", "shop", tmp_path / "labels.jsonl").code == 0
    found = run("evaluate", "--collection", "shop", "--label", "kind", "--model", "lookalike-mini", "-f", "json").json
    assert (found["pictures"], found["labels"], len(found["unlabeled"])) == (6, 3, 1)
    assert [one["name"] for one in found["lines"]][-3:] == [
        "lookalike-mini meaning re-ranked",
        "lookalike-mini copy",
        "random",
    ]
    assert found["models"][0]["name"] == "lookalike-mini"
    rows = run("evaluate", "--collection", "shop", "--index-recall", "--format", "json").json
    assert {one["by"]: one["recall"]["value"] for one in rows} == {"meaning": 1.0, "copy": 1.0, "color": 1.0}


def test_help_has_an_example(run):
    result = run("evaluate", "--help")
    assert result.code == 0
    assert "Example" in result.out
    assert f"{len(EDITS)} ways" in " ".join(result.out.split())
