"""A question is checked when it is made: what can't be meant is a clear error that names its place."""

import pytest

from lookalike.errors import InvalidArgument
from lookalike.search import MAX_K, Query

V = [1.0, 0.0]


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ({}, "empty"),
        ({"tags": []}, "empty"),
        ({"id": "a", "vector": V}, "id and vector"),
        ({"image": b"x", "text": "red"}, "image and text"),
        ({"id": "a", "k": 0}, "k is 0"),
        ({"id": "a", "k": 1_000_000}, "k is 1000000"),
        ({"id": "a", "k": MAX_K + 1}, "10,000"),
        ({"id": "a", "k": 2.5}, "k is 2.5"),
        ({"id": "a", "k": True}, "k is True"),
        ({"id": "a", "k": None}, "min_score"),
        ({"id": "a", "min_score": 1.5}, "between 0 and 1"),
        ({"id": "a", "min_score": float("nan")}, "finite"),
        ({"id": "a", "min_score": "high"}, "number"),
        ({"id": "a", "box": [0, 0, 1, 1]}, "with an image"),
        ({"image": b"x", "box": [0.5, 0, 0.2, 1]}, "box"),
        ({"image": b"x", "box": [-1, 0, 10, 10]}, "inside the picture"),
        ({"image": b"x", "box": [0, 0, 1]}, "left, top, right, bottom"),
        ({"image": b"x", "box": "0,0,1,1"}, "left, top, right, bottom"),
        ({"image": b"x", "box": [0, 0, float("nan"), 1]}, "finite"),
        ({"text": "  "}, "words"),
        ({"text": "x" * 1001}, "1,000"),
        ({"tags": "red"}, "keywords"),
        ({"tags": [1]}, "keywords"),
        ({"colors": "#ff0000"}, "list"),
        ({"colors": []}, "1 to 32"),
        ({"colors": ["#ff00zz"]}, "#ff00zz"),
        ({"colors": ["#ff000"]}, "#ff000"),
        ({"colors": [{"hex": "#ff0000", "weight": 0}]}, "above 0"),
        ({"colors": [{"hex": "#ff0000", "weight": "big"}]}, "above 0"),
        ({"colors": [{"hex": "#ff0000", "share": 1}]}, "weight"),
        ({"colors": ["#ff0000"] * 33}, "1 to 32"),
        ({"like": [{"weight": 1}]}, "like[0]"),
        ({"like": [{"id": "a"}, {"id": "a", "text": "b"}]}, "like[1]"),
        ({"like": [{"id": "a", "wieght": 1}]}, "wieght"),
        ({"like": [{"id": "a", "weight": 0}]}, "below 0"),
        ({"like": [{"id": "a", "weight": float("inf")}]}, "finite"),
        ({"like": [{"id": "a", "box": [0, 0, 1, 1]}]}, "like[0].box"),
        ({"like": ["a"]}, "like[0]"),
        ({"like": [{"id": "a"}] * 65}, "64"),
        ({"id": "a", "by": "meaning", "weights": {"meaning": 1}}, "left out where weights"),
        ({"id": "a", "weights": {}}, "weights"),
        ({"id": "a", "weights": {"meaning": -1}}, "0 or more"),
        ({"id": "a", "weights": {"meaning": 0}}, "at least one"),
        ({"id": "a", "weights": {"meaning": "much"}}, "finite number"),
        ({"id": "a", "group_size": 3}, "group_by"),
        ({"id": "a", "group_by": "p", "group_size": 0}, "group_size"),
        ({"id": "a", "group_by": "p", "group": True}, "left out where group"),
    ],
)
def test_what_can_not_be_meant(question, word):
    with pytest.raises(InvalidArgument) as raised:
        Query(**question)
    assert word in str(raised.value)


def test_a_question_reads_its_examples_in_order():
    query = Query(text="red", like=[{"id": "a", "weight": -0.5}, {"image": b"x", "box": (0, 0, 10, 20)}])
    assert [(one.place, one.kind, one.weight) for one in query.examples] == [
        ("text", "text", 1.0),
        ("like[0]", "id", -0.5),
        ("like[1]", "image", 1.0),
    ]
    assert query.examples[2].box == (0.0, 0.0, 10.0, 20.0)


def test_palettes_are_read_in_every_form():
    forms = [["#ff8800", "00f"], [("ff8800", 1), ("#0000FF", 1.0)], {"#f80": 1, "#00f": 1}, [{"hex": "#ff8800"}, "00f"]]
    assert {Query(colors=form).palette.colors for form in forms} == {((255, 136, 0), (0, 0, 255))}
    assert Query(colors={"#f80": 0.7, "#00f": 0.3}).palette.weights == (0.7, 0.3)
