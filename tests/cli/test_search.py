"""`lookalike search`, over a folder that was indexed once: every way to ask, every format, every bad word."""

import json
import sys

import pytest

import lookalike
from lookalike.cli import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory, draw, save):
    """A folder with pictures, and the workspace `space` with the collection c of them."""
    folder = tmp_path_factory.mktemp("search")
    for seed in range(6):
        save(draw(seed), folder / f"{seed}.png")
    save(draw(1)[1:, 1:], folder / "1 copy.jpg")
    with lookalike.open(folder / "space") as space:
        space.create("c").add(
            [
                {
                    "_id": path.stem,
                    "_file": str(path),
                    "even": path.stem in "024",
                    "tags": ["t"] if path.stem < "2" else [],
                }
                for path in sorted(folder.glob("*.*g"))
            ]
        )
    return folder


@pytest.fixture
def search(folder, monkeypatch, capsys):
    """Return search(*arguments) -> (exit code, stdout, stderr), in this process."""
    monkeypatch.setenv("LOOKALIKE_WORKSPACE", str(folder / "space"))
    monkeypatch.chdir(folder)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["lookalike", "search", "c", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return run


def found(answer):
    code, out, err = answer
    assert code == 0, err
    return json.loads(out)


def test_by_everything_at_once(search):
    rows = found(
        search(
            "1.png", "--like", "3", "--unlike", "5", "--color", "aa2222:2", "--color", "#fff", "--tag", "t",
            "--weights", "meaning=0.6,color=0.3,tags=0.1", "--box", "0,0,0.9,0.9", "--filter", '{"even": false}',
            "-k", "3", "--exact", "-f", "json",
        )
    )  # fmt: skip
    assert list(rows[0])[:2] == ["_id", "score"]
    assert rows[0]["_id"] in ("1", "1 copy")
    assert {row["even"] for row in rows} == {False}
    assert not {"3", "5"} & {row["_id"] for row in rows}, "examples are not found"


def test_groups_copies_and_pages(search):
    grouped = found(search("--id", "0", "--group-by", "even", "--group-size", "2", "-f", "json"))
    assert {row["_group"]["value"]: row["_group"]["size"] for row in grouped} == {True: 3, False: 4}
    assert [len(row["_group"]["members"]) for row in grouped] == [2, 2]
    distinct = found(search("1.png", "--distinct", "-f", "json"))
    assert [row["_id"] for row in distinct].count("1 copy") == 0
    assert distinct[0]["_copies"] == 1
    _, out, err = search("--id", "0", "-k", "4", "-f", "jsonl")
    rest = found(search("--id", "0", "--after", err.split("--after ")[1].strip(), "-f", "json"))
    assert len({json.loads(line)["_id"] for line in out.splitlines()} | {row["_id"] for row in rest}) == 6


def test_all_within_a_score_as_a_table(search):
    code, out, _ = search("1.png", "--by", "copy", "--min-score", "0.9", "--all")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["1", "1"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "given one of"),
        (("gone.jpg",), "gone.jpg: no such file"),
        (("some/where",), "--text"),
        (("--id", "1", "--text", "red"), "id and text"),
        (("--id", "1", "-k", "1000000"), "10,000"),
        (("--id", "1", "--all"), "min_score"),
        (("--id", "1", "--weights", "meaning"), "--weights"),
        (("--id", "1", "--weights", "{oops"), "JSON"),
        (("--id", "1", "--weights", "smell=1"), "smell"),
        (("--color", "reddish"), "reddish"),
        (("--color", "ff0000:much"), "numbers"),
        (("1.png", "--box", "0,0,9999,9999"), "320 x 240"),
        (("1.png", "--box", "left,0,1,1"), "numbers"),
        (("--id", "1", "--after", "x"), "after"),
    ],
)
def test_bad_words_are_one_clear_line(search, arguments, word):
    code, out, err = search(*arguments)
    assert (code, out) == (2, "")
    assert word in err
    assert len(err.strip().splitlines()) == 1
