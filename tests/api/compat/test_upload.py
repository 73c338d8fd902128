"""System 1: POST /upload-images/."""

import numpy as np
import pytest

import lookalike
from lookalike.describers.cards import card
from lookalike.describers.joined import joined


def files_of(**pictures):
    return [("files", (name.replace("_", "."), data)) for name, data in pictures.items()]


def upload(client, files, **params):
    answer = client.post("/upload-images/", files=files, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_each_file_gets_an_embedding_and_a_class(near, draw, encoded):
    found = upload(near, files_of(a_png=encoded(draw(1)), b_jpg=encoded(draw(2), "JPEG")))
    assert list(found) == ["message", "predictions", "embeddings"]
    assert found["message"] == "You uploaded 2 image(s)"
    assert list(found["predictions"]) == list(found["embeddings"]) == ["a.png", "b.jpg"]
    assert all(isinstance(name, str) and name for name in found["predictions"].values())
    assert [len(row) for row in found["embeddings"].values()] == [512, 512]


def test_a_class_is_what_a_picture_shows_and_not_how_it_looks(near, encoded):
    stripes = np.tile(np.repeat(np.array([0, 255], np.uint8), 6), 8)[None, :, None].repeat(96, 0).repeat(3, 2)
    data = encoded(stripes)
    [labels] = lookalike.describe([data], labels=20).labels
    assert labels[0].vocabulary == "textures", "the picture was to look like a texture"
    things = {one.name.split(",")[0] for one in labels if one.vocabulary not in ("styles", "textures")}
    assert upload(near, files_of(a_png=data))["predictions"]["a.png"] in things


def test_the_same_picture_gives_the_same_numbers_again(near, draw, encoded):
    files = files_of(a_png=encoded(draw(1)))
    assert upload(near, files) == upload(near, files)


def test_of_two_files_of_one_name_the_last_counts(near, draw, encoded):
    a, b = encoded(draw(1)), encoded(draw(2))
    found = upload(near, [("files", ("x.png", a)), ("files", ("x.png", b))])
    assert found["embeddings"] == upload(near, files_of(x_png=b))["embeddings"]
    assert found["message"] == "You uploaded 2 image(s)"


def test_one_bad_file_costs_one_file(near, draw, encoded):
    found = upload(near, files_of(a_png=encoded(draw(1)), notes_txt=b"no picture"))
    assert list(found["embeddings"]) == ["a.png"]
    assert "Error processing notes.txt: " in found["message"]
    assert list(found["errors"]) == ["notes.txt"]


def test_nothing_but_bad_files_is_an_error(near):
    answer = near.post("/upload-images/", files=files_of(notes_txt=b"no picture"))
    assert answer.status_code == 422
    assert answer.json()["message"].startswith("Error processing notes.txt: ")


def test_refusals_are_those_of_the_original(near):
    missing = near.post("/upload-images/")
    assert (missing.status_code, missing.json()["detail"][0]["loc"]) == (422, ["body", "files"])
    assert near.get("/upload-images/").status_code == 405
    slash = near.post("/upload-images", files=files_of(a_png=b""))
    assert (slash.status_code, slash.headers["location"]) == (307, "http://localhost/upload-images/")


def test_similarities_by_a_metric_of_choice(near, draw, encoded):
    files = files_of(a_png=encoded(draw(1)), b_png=encoded(draw(2)))
    found = {name: upload(near, files, reference="a.png", metric=name) for name in ("cosine", "l2", "dot")}
    assert found["cosine"]["similarities"]["a.png"] == pytest.approx(1.0)
    assert found["l2"]["similarities"]["a.png"] == 1.0
    a, b = (np.array(row) for row in found["l2"]["embeddings"].values())
    assert found["l2"]["similarities"]["b.png"] == pytest.approx(1 / (1 + np.linalg.norm(a - b)))
    assert found["dot"]["similarities"] == pytest.approx({"a.png": a @ a, "b.png": a @ b})  # more is nearer here too


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"metric": "taxi"}, 422),
        ({"model": "no-such-model"}, 404),
        ({"model": "onnx:/etc/passwd"}, 404),
        ({"reference": "b.png"}, 422),
    ],
)
def test_what_is_not_known_is_refused(near, draw, encoded, params, status):
    answer = near.post("/upload-images/", files=files_of(a_png=encoded(draw(1))), params=params)
    assert answer.status_code == status


def test_a_joined_vector_shares_out_the_cosine():
    widths = {"meaning": card().vectors["meaning"], "copy": card().vectors["copy"], "color": 104}
    random = np.random.default_rng(1)
    a, b = ({name: random.normal(size=width).astype(np.float32) for name, width in widths.items()} for _ in range(2))

    def cosine(u, v):
        return float(u @ v / np.linalg.norm(u) / np.linalg.norm(v))

    parts = sum(share * cosine(a[name], b[name]) for name, share in {"meaning": 0.6, "copy": 0.3, "color": 0.1}.items())
    assert joined(a).shape == (512,)
    assert cosine(joined(a), joined(b)) == pytest.approx(parts, abs=1e-6)


def test_a_model_of_512_numbers_speaks_for_itself():
    own = np.arange(512, dtype=np.float32)
    vectors = {"meaning": own, "copy": np.ones(128, np.float32), "color": np.ones(104, np.float32)}
    assert joined(vectors) is own
