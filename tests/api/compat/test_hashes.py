"""System 4: POST /api/imageSimilarityByHash."""

import hashlib

import numpy as np
import pytest
from skimage.metrics import structural_similarity

PATH = "/api/imageSimilarityByHash"
BAD_GRADE = "ERROR: Similarity grade should be between 0 and 1."


def sha1(data):
    return hashlib.sha1(data).hexdigest()


def lists(client, *contents, **params):
    files = [(f"file{place}", ("name", data)) for place, data in enumerate(contents)]
    answer = client.post(PATH, files=files, params=params)
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["lists"]
    return answer.json()["lists"]


@pytest.fixture(scope="module")
def trio(draw, encoded):
    """Three gray pictures as PNG: the second between 0.75 and 0.95 like the first, the third like neither."""
    first = draw(1).mean(axis=2).astype(np.uint8)
    noise = np.random.default_rng(1).normal(0, 3, first.shape)
    second = np.clip(first + noise, 0, 255).astype(np.uint8)
    third = np.random.default_rng(2).integers(0, 256, first.shape, np.uint8)
    assert 0.75 < structural_similarity(first, second) < 0.95
    assert structural_similarity(first, third) < 0.5
    return [encoded(picture) for picture in (first, second, third)]


def test_the_grade_is_heeded_as_parameter_and_as_field(near, trio):
    a, b, c = map(sha1, trio)
    assert lists(near, *trio) == [[a], [b], [c]]
    assert lists(near, *trio, similarity_grade=0.75) == [[a, b], [c]]
    files = {f"f{place}": data for place, data in enumerate(trio)}
    form = near.post(PATH, files=files, data={"similarity_grade": "0.75"})
    assert form.json() == {"lists": [[a, b], [c]]}


def test_bug_for_bug_every_grade_is_0_95(serve, trio):
    assert lists(serve(upstream_grade=True), *trio, similarity_grade=0.75) == [[sha1(data)] for data in trio]


def test_the_order_is_that_of_the_upload(near, trio):
    a, b, c = trio
    found = lists(near, c, b, a, b, similarity_grade=0.75)
    assert found == [[sha1(c)], [sha1(b), sha1(a), sha1(b)]]


def test_one_file_is_never_decoded(near):
    assert lists(near, b"no picture") == [[sha1(b"no picture")]]


def test_unreadable_tiny_and_differing_files_are_no_failure(near, trio, draw, encoded):
    tiny, large = encoded(draw(3, 5, 4)), encoded(draw(1, 700, 500))
    found = lists(near, trio[0], b"no picture", tiny, large, b"no picture")
    assert [sha1(b"no picture")] * 2 in found
    assert sorted(digest for group in found for digest in group) == sorted(
        map(sha1, (trio[0], b"no picture", tiny, large, b"no picture"))
    )


def test_the_ends_of_the_grade(near, trio):
    assert len(lists(near, *trio, similarity_grade=1)) == 3
    assert lists(near, *trio, trio[0], similarity_grade=1)[0] == [sha1(trio[0])] * 2
    assert len(lists(near, *trio, similarity_grade=0)) == 1


@pytest.mark.parametrize("grade", ["1.1", "-0.1", "nan", "much"])
def test_a_bad_grade_is_told_in_its_words(near, trio, grade):
    answer = near.post(PATH, files={"a": trio[0]}, params={"similarity_grade": grade})
    assert (answer.status_code, answer.text) == (400, BAD_GRADE)
    assert answer.headers["content-type"].startswith("text/html")


def test_no_files_are_no_lists(near):
    assert near.post(PATH).json() == {"lists": []}
    assert near.post(PATH, json={"a": 1}).json() == {"lists": []}
    answer = near.get(PATH)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_a_repeated_field_name_keeps_all_files(near, trio):
    answer = near.post(PATH, files=[("a", ("x", data)) for data in trio])
    assert answer.json()["lists"] == [[sha1(data)] for data in trio]


def test_too_many_pixels_are_refused(serve, draw, encoded):
    client = serve(max_pixels=80_000)  # of one picture; four times as many of all together
    files = {f"f{seed}": encoded(draw(seed)) for seed in range(5)}
    answer = client.post(PATH, files=files)
    assert (answer.status_code, answer.json()["code"]) == (413, "image_too_large")
    assert client.post(PATH, files=dict(list(files.items())[:4])).status_code == 200


def test_other_machines_need_a_key(serve, trio):
    assert serve(near=False).post(PATH, files={"a": trio[0]}).status_code == 401
