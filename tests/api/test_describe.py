"""POST /v1/describe: labels, tags, every format, and the cache."""

import base64
import io
import json

import numpy as np
import pyarrow.parquet
import pytest

from lookalike.describers.ensemble import Ensemble


@pytest.fixture
def body(draw, save, tmp_path):
    """Two pictures, and one that is none between them."""
    import base64

    texts = [base64.b64encode(save(draw(seed), tmp_path / f"{seed}.png").read_bytes()).decode() for seed in (1, 2)]
    return {"pictures": [texts[0], "AAAA", texts[1]]}


def described(client, body, **options):
    response = client.post("/v1/describe", json={**body, **options})
    assert response.status_code == 200, response.text
    return response


def test_labels_come_with_their_vocabulary_and_tags_with_every_picture(client, body):
    found = described(client, body, top=3).json()
    one = found["pictures"][0]
    assert len(one["labels"]) == 3
    assert set(one["labels"][0]) == {"name", "probability", "vocabulary"}
    assert one["vocabularies"]["rooms"]["confidence"] <= 1
    assert isinstance(one["tags"], list)
    assert found["signatures"]["meaning"] == found["model"]
    assert (found["pictures"][1]["code"], found["pictures"][1]["tags"]) == ("image_unreadable", [])


@pytest.mark.parametrize(
    ("options", "count"), [({"labels": True}, 5), ({"labels": 2}, 2), ({"labels": False}, 0), ({"labels": 0}, 0)]
)
def test_labels_are_a_flag_or_a_number(client, body, options, count):
    assert len(described(client, body, **options).json()["pictures"][0]["labels"]) == count


def test_the_second_time_nothing_is_described(client, body, monkeypatch):
    first = described(client, body).json()

    def refuse(*_):
        raise AssertionError("the model was asked")

    monkeypatch.setattr(Ensemble, "describe", refuse)
    assert described(client, body).json() == first


def test_every_format_holds_the_same_numbers(client, body):
    plain = described(client, body, vectors=["meaning", "copy"]).json()
    rows = [json.loads(line) for line in described(client, body, format="jsonl").text.splitlines()]
    assert [row["file"] for row in rows] == ["pictures[0]", "pictures[1]", "pictures[2]"]
    assert rows[1]["code"] == "image_unreadable"
    table = pyarrow.parquet.read_table(io.BytesIO(described(client, body, format="parquet").content))
    with np.load(io.BytesIO(described(client, body, format="npz", vectors=["meaning"]).content)) as arrays:
        assert "copy" not in arrays
        assert arrays["files"].tolist() == table["file"].to_pylist() == ["pictures[0]", "pictures[2]"]
        assert json.loads(str(arrays["failed"])) == [rows[1]] == json.loads(table.schema.metadata[b"failed"])
        assert str(arrays["model"]) == plain["model"] == rows[0]["model"] == table["model"][0].as_py()
        for place, row in ((0, rows[0]), (1, rows[2])):
            expected = plain["pictures"][2 * place]["vectors"]["meaning"]
            assert row["vectors"]["meaning"] == expected
            assert arrays["meaning"][place] == pytest.approx(expected, abs=1e-6)
            assert table["meaning"][place].as_py() == pytest.approx(expected, abs=1e-6)


def test_files_take_the_same_options(client, draw, save, tmp_path):
    files = [("files", ("1.png", save(draw(1), tmp_path / "1.png").read_bytes()))]
    options = {"vectors": "meaning,color", "top": "2", "normalized": "false"}
    found = client.post("/v1/describe/files", files=files, data=options).json()["pictures"][0]
    assert (set(found["vectors"]), len(found["labels"])) == ({"meaning", "color"}, 2)
    none = client.post("/v1/describe/files", files=files, data={"labels": "0", "format": "jsonl"})
    assert json.loads(none.text)["labels"] == []


def test_when_nothing_can_be_read_files_are_still_files(client):
    for form in ("npz", "parquet"):
        response = client.post("/v1/describe", json={"pictures": ["AAAA"], "format": form})
        assert response.status_code == 200, response.text
    with np.load(
        io.BytesIO(client.post("/v1/describe", json={"pictures": ["AAAA"], "format": "npz"}).content)
    ) as found:
        assert (found["meaning"].shape, len(json.loads(str(found["failed"])))) == ((0, 256), 1)


def test_unknown_options_are_problems(client, body):
    for options in ({"vectors": ["taste"]}, {"format": "xml"}, {"top": 101}, {"lables": 3}):
        response = client.post("/v1/describe", json={**body, **options})
        assert response.status_code == 422, options


@pytest.mark.parametrize("bad", ["a", "b"])
def test_of_two_pictures_the_bad_one_is_named(client, draw, save, tmp_path, bad):
    good = save(draw(1), tmp_path / "good.jpg", quality=90).read_bytes()
    files = {"a": good, "b": good} | {bad: b"no picture at all"}
    texts = {name: base64.b64encode(data).decode() for name, data in files.items()}
    for answer in (client.post("/v1/compare", json=texts), client.post("/v1/compare/files", files=files)):
        assert answer.status_code == 422
        assert answer.json()["detail"].startswith(f"picture {bad}: ")
