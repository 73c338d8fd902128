"""`lookalike group`, as programs read it."""

import json
from pathlib import Path


def test_json_lines_of_groups_are_a_group_a_line(run, draw, save, tmp_path):
    for number in (1, 2):
        save(draw(number), tmp_path / "in" / f"{number}.png")
    save(draw(1), tmp_path / "in" / "again.png")
    lines = [json.loads(line) for line in run("group", tmp_path / "in", "-f", "jsonl").out.splitlines()]
    assert [line["group"] for line in lines] == [0, 1]
    assert [[Path(path).name for path in line["paths"]] for line in lines] == [["1.png", "again.png"], ["2.png"]]
