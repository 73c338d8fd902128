"""`lookalike calibrate`: pairs of pictures, marks on records, and settings that are kept."""

import json

import pytest

import lookalike


@pytest.fixture
def copies(tmp_path, draw, save):
    """Twelve scenes, each twice, and a table that says which are the same."""
    folder = tmp_path / "copies"
    for seed in range(12):
        for name, quality in (("a", 90), ("b", 30)):
            save(draw(seed, 96, 72), folder / f"{seed}{name}.jpg", quality)
    rows = [f"{seed}a.jpg,{seed}b.jpg,yes" for seed in range(12)]
    rows += [f"{seed}a.jpg,{(seed + 1) % 12}b.jpg,no" for seed in range(12)]
    (folder / "pairs.csv").write_text("\n".join(["a,b,same", *rows, "0a.jpg,gone.jpg,1"]), "utf-8")
    return folder


def test_pairs_of_pictures(run, copies, tmp_path):
    pytest.importorskip("matplotlib", reason="drawing needs matplotlib")
    result = run("calibrate", copies / "pairs.csv", "--plots", tmp_path / "drawn", "--by", "copy")
    assert result.code == 0, result.err
    for words in (
        "24 pairs, 12 of them the same",
        "Threshold for precision 0.99",
        "Expected calibration error",
        "█",
        "|",
    ):
        assert words in result.out
    assert "gone.jpg" in result.err
    assert (tmp_path / "drawn" / "reliability.png").read_bytes().startswith(b"\x89PNG")


def test_marks_become_settings_that_are_kept(run, copies, tmp_path):
    with lookalike.open(tmp_path / "space") as space:
        shop = space.create("shop")
        shop.add(sorted(copies.glob("*.jpg")))
        ids = sorted(record.id for record in shop.records())
        for place in range(12):
            space.catalog.decisions.add("same", ids[2 * place : 2 * place + 2], collection="shop")
            other = ids[(2 * place + 2) % 24]
            space.catalog.decisions.add("different", [ids[2 * place], other], collection="shop")
    found = run("calibrate", "--collection", "shop", "--save", "--format", "json")
    assert found.code == 0, found.err
    assert (found.json["pairs"], found.json["same"], found.json["saved"]) == (24, 12, True)
    kept = json.loads(run("collection", "configure", "shop").out)
    assert kept["curves"]["same"] == found.json["curve"]
    assert kept["threshold"] == pytest.approx(found.json["probability"], abs=1e-6)
    with lookalike.open(tmp_path / "space") as space:
        assert len(space.get("shop").duplicates()) == 12


@pytest.mark.parametrize(
    "arguments",
    [(), ("gone.csv",), ("{}", "--save"), ("{}", "--precision", "2"), ("{}", "--by", "smell"), ("-C", "none")],
)
def test_what_can_not_be_calibrated_is_one_clear_line(run, copies, arguments):
    lines = (copies / "pairs.csv").read_text("utf-8").splitlines()[:-1]
    (copies / "good.csv").write_text("\n".join(lines), "utf-8")
    result = run("calibrate", *(part.replace("{}", str(copies / "good.csv")) for part in arguments))
    assert (result.code, result.out) == (2, "")
    assert "Traceback" not in result.err
    assert len(result.err.strip().splitlines()) == 1


def test_help_has_an_example(run):
    result = run("calibrate", "--help")
    assert result.code == 0
    assert "Example" in result.out
