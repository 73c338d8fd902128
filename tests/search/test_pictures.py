"""Questions by real pictures: a box of one, sums of several, palettes, words, and pictures to rank."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

import lookalike
from lookalike.describers.colors import COLOR_BINS, color_histogram, dominant_colors, palette_histogram
from lookalike.describers.ensemble import Ensemble, standard_ensemble
from lookalike.describers.words import Reading
from lookalike.errors import CollectionClosed, ImageUnreadable, InvalidArgument, SourceNotFound

COLORS = {"red": (200, 30, 40), "green": (30, 150, 60), "blue": (40, 60, 190), "white": (245, 245, 245)}


def painted(*areas, side=120):
    """A picture of vertical stripes: (color name, share), ..."""
    picture, at = np.zeros((side, side, 3), np.uint8), 0
    for name, share in areas:
        width = round(share * side)
        picture[:, at : at + width] = COLORS[name]
        at += width
    return picture


@pytest.fixture
def scenes(space, draw):
    collection = space.create("scenes")
    collection.add([{"_id": str(seed), "_image": draw(seed)} for seed in range(8)])
    return collection


@pytest.fixture
def flags(space):
    collection = space.create("flags", kind="colors")
    flags = {
        "red": [("red", 1.0)],
        "mostly red": [("red", 0.75), ("white", 0.25)],
        "half": [("red", 0.5), ("white", 0.5)],
        "mostly white": [("red", 0.25), ("white", 0.75)],
        "blue": [("blue", 0.5), ("white", 0.5)],
        "green": [("green", 1.0)],
    }
    collection.add([{"_id": name, "_image": painted(*areas)} for name, areas in flags.items()])
    return collection


def encoded(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_every_source_of_one_picture_asks_the_same(scenes, draw, tmp_path):
    data = encoded(draw(3))
    (tmp_path / "q.png").write_bytes(data)
    text = base64.b64encode(data).decode()
    sources = [draw(3), data, tmp_path / "q.png", text, f"data:image/png;base64,{text}", Image.fromarray(draw(3))]
    answers = [[(match.id, match.score) for match in scenes.search(image=source, k=4)] for source in sources]
    assert answers[0][0] == ("3", 1.0)
    assert all(answer == answers[0] for answer in answers)


def test_a_box_asks_by_that_part_of_the_picture(scenes, draw):
    both = np.hstack([draw(1), draw(6)])
    assert scenes.search(image=both, box=[0, 0, 320, 240], k=1)[0].id == "1"
    assert scenes.search(image=both, box=[320, 0, 640, 240], k=1)[0].score == 1.0
    assert scenes.search(image=both, box=(0.5, 0.0, 1.0, 1.0), k=1)[0].id == "6"
    whole = scenes.search(image=draw(1), box=[0, 0, 1, 1], k=3)
    assert [match.id for match in whole] == [match.id for match in scenes.search(image=draw(1), k=3)]
    found = scenes.search(like=[{"image": both, "box": [320, 0, 640, 240]}], k=1)
    assert found[0].id == "6"


@pytest.mark.parametrize("box", [[0, 0, 321, 240], [0, 0, 320, 240.5], [400, 0, 500, 100], [0.5, 0, 1.5, 1]])
def test_a_box_outside_the_picture_says_how_large_it_is(scenes, draw, box):
    with pytest.raises(InvalidArgument, match="320 x 240 pixels"):
        scenes.search(image=draw(1), box=box)


def test_examples_for_and_against(scenes, draw):
    plain = [match.id for match in scenes.search(image=draw(1), k=8)]
    away = scenes.search(image=draw(1), like=[{"image": draw(6), "weight": -0.9}], k=8)
    assert plain[0] == away[0].id == "1"
    assert "6" not in [match.id for match in away][:4]
    between = scenes.search(like=[{"image": draw(1)}, {"image": draw(6)}], k=2)
    assert {match.id for match in between} == {"1", "6"}


def test_palettes_find_colors_in_their_shares(flags):
    red, white = "#c81e28", "#f5f5f5"
    assert [match.id for match in flags.search(colors=[red], k=4)] == ["red", "mostly red", "half", "mostly white"]
    assert flags.search(colors=[red, white], k=1)[0].id == "half"
    assert flags.search(colors={red: 3, white: 1}, k=1)[0].id == "mostly red"
    assert flags.search(colors=[(red, 0.25), (white, 0.75)], k=1)[0].id == "mostly white"
    assert flags.search(colors=["#1e963c"], k=1)[0].id == "green"
    assert flags.search(colors=[red], k=6)[5].score == 0.0


def test_a_palette_beside_a_picture_is_its_color_part(flags, space):
    wanted = flags.search(image=painted(("red", 1.0)), colors=["#1e963c"], weights={"color": 1}, k=1)
    assert wanted[0].id == "green"
    collection = space.create("both")
    collection.add([{"_id": name, "_image": painted((name, 1.0))} for name in COLORS])
    found = collection.search(id="red", colors=["#283cbe"])
    assert found.shares == {"meaning": pytest.approx(2 / 3), "color": pytest.approx(1 / 3)}


def test_the_row_of_a_palette():
    rows = [palette_histogram([(200, 30, 40)], [7.0]), palette_histogram([(200, 30, 40), (0, 0, 0)], [1.0, 1e-9])]
    for row in rows:
        assert (row.shape, row.dtype) == ((COLOR_BINS,), np.float32)
        assert row @ row == pytest.approx(1.0, abs=1e-6)
        assert row.min() >= 0
    assert rows[0] @ rows[1] == pytest.approx(1.0, abs=1e-3)
    assert rows[0] @ color_histogram(painted(("red", 1.0))) > 0.9
    assert rows[0] @ color_histogram(painted(("blue", 1.0))) < 0.05


def test_the_palette_of_a_photograph_finds_it(shared_data, tmp_path):
    """Of 60 photographs, by the five dominant colors of the middle 64 % of each."""
    import tarfile

    with tarfile.open(shared_data / "eval-flickr8k.tar") as tar:
        members = sorted(tar.getmembers(), key=lambda member: member.name)[:60]
        tar.extractall(tmp_path, members, filter="data")
        pictures = [lookalike.read_image(tmp_path / member.name).pixels for member in members]
    rows = np.stack([color_histogram(picture) for picture in pictures])
    first = 0
    for at, picture in enumerate(pictures):
        height, width = picture.shape[:2]
        colors = dominant_colors(picture[height // 10 : -(height // 10), width // 10 : -(width // 10)])[:5]
        asked = palette_histogram([color.rgb for color in colors], [color.share for color in colors])
        first += int((rows @ asked).argmax() == at)
    assert first >= 57


def test_products_weigh_what_their_kind_says(space, draw):
    shop = space.create("shop", kind="products")
    shop.add([{"_id": str(seed), "_image": draw(seed), "tags": ["a"] if seed % 2 else []} for seed in range(6)])
    by_picture = shop.search(image=draw(2), k=6)
    assert by_picture.shares == {"meaning": pytest.approx(7 / 9), "color": pytest.approx(2 / 9)}
    assert by_picture[0].id == "2"
    assert by_picture[0].score == 1.0
    assert shop.search(id="1").shares.keys() == {"meaning", "color", "tags"}
    assert shop.search(id="2").shares.keys() == {"meaning", "color"}
    assert shop.search(image=draw(2), by="copy").shares == {"copy": 1.0}


def test_what_is_compared_without_being_told(space, draw):
    photos = space.create("photos")
    photos.add([{"_id": "1", "_image": draw(1), "tags": ["a"]}, {"_id": "2", "_image": draw(2)}])
    color = {"colors": ["#ffffff"]}
    for question, shares in [
        ({"id": "1"}, {"meaning": 1.0}),
        ({"id": "1", "tags": ["a"]}, {"meaning": 2 / 3, "tags": 1 / 3}),
        ({"id": "1", **color}, {"meaning": 2 / 3, "color": 1 / 3}),
        ({"id": "1", "by": "copy", "tags": ["a"]}, {"copy": 2 / 3, "tags": 1 / 3}),
        (color, {"color": 1.0}),
        ({"tags": ["a"]}, {"tags": 1.0}),
        ({**color, "tags": ["a"]}, {"color": 0.5, "tags": 0.5}),
        ({"like": [color]}, {"color": 1.0}),
        ({"id": "1", "weights": {"copy": 3, "color": 1}}, {"copy": 0.75, "color": 0.25}),
    ]:
        assert photos.search(**question).shares == pytest.approx(shares), question
    shop = space.create("goods", kind="products")
    shop.add([{"_id": "1", "_image": draw(1), "tags": ["a"]}])
    assert shop.search(image=draw(2), tags=["a"]).shares == pytest.approx({"meaning": 0.7, "color": 0.2, "tags": 0.1})
    assert shop.search(**color).shares == {"color": 1.0}


@pytest.fixture
def words(monkeypatch):
    """Let every model read "first" and "second" as two of the drawn scenes, "gray" as a scene's colors besides."""
    readings = {}
    monkeypatch.setattr(Ensemble, "describe_text", lambda self, text: readings[text])
    return readings


def test_words_are_looked_for_where_the_model_puts_them(scenes, draw, words):
    rows = [standard_ensemble().describe([draw(seed)]) for seed in (1, 5)]
    words["first zorp"] = Reading({"meaning": rows[0]["meaning"][0]}, {"meaning": 1.0}, ["first"], ["zorp"])
    words["second"] = Reading({"meaning": rows[1]["meaning"][0]}, {"meaning": 1.0}, ["second"])
    both = {"meaning": rows[1]["meaning"][0], "color": rows[0]["color"][0]}
    words["gray second"] = Reading(both, {"meaning": 0.75, "color": 0.25}, ["gray", "second"])
    found = scenes.search(text="first zorp", k=8)
    assert (found[0].id, found[0].score, dict(found.shares)) == ("1", 1.0, {"meaning": 1.0})
    assert (len(found), found.unknown_words) == (8, ("zorp",))
    less = scenes.search(text="first zorp", like=[{"text": "second", "weight": -0.9}], k=8)
    assert less[0].id == "1"
    assert [match.id for match in less].index("5") > [match.id for match in found].index("5")
    assert scenes.search(text="gray second").shares == {"meaning": 0.75, "color": 0.25}
    assert scenes.search(text="gray second", by="meaning").shares == {"meaning": 1.0}
    assert scenes.search(text="gray second", weights={"color": 1}, k=1)[0].id == "1"


def test_words_need_a_collection_that_keeps_what_they_mean(space, draw, words):
    words["first"] = Reading({"meaning": np.eye(256, dtype=np.float32)[0]}, {"meaning": 1.0}, ["first"])
    other = space.create("other", kind="matching")
    other.add([{"_id": "1", "_image": draw(1)}])
    with pytest.raises(InvalidArgument, match="one that an example has: meaning"):
        other.search(text="first")


def test_given_pictures_and_records_in_order(scenes, draw):
    records = [
        "5",
        "nobody",
        {"_id": "1", "anything": True},
        {"_id": "new", "_image": draw(3), "color": "x"},
        {"_id": "broken", "_image": b"no picture"},
        {"_id": "short", "_vector": [1.0, 2.0]},
        {"_id": 7},
        {"_id": "own", "_vector": np.eye(256)[0].tolist()},
    ]
    found = scenes.rank(records, image=draw(3))
    assert found[0].id == "new"
    assert found[0].score == 1.0
    assert found[0].record.fields == {"color": "x"}
    assert {match.id for match in found} == {"5", "1", "new", "own"}
    assert {failure.source: failure.code for failure in found.failed} == {
        "nobody": "record_not_found", "broken": "image_unreadable", "short": "invalid_record", "7": "invalid_record",
    }  # fmt: skip
    everything = {match.id: match.score for match in scenes.search(image=draw(3), k=8)}
    assert {match.id: match.score for match in found}["5"] == everything["5"]
    assert [match.id for match in scenes.rank(records, image=draw(3), k=1)] == ["new"]
    assert len(scenes.rank([str(n) for n in range(8)], id="3", min_score=1.0)) == 1


def test_ranking_is_bounded(scenes):
    with pytest.raises(InvalidArgument, match="1,000"):
        scenes.rank(["1"] * 1001, id="1")
    for strange in ({"where": {}}, {"group_by": "a"}, {"distinct": True}, {"after": "x"}):
        with pytest.raises(InvalidArgument, match="search"):
            scenes.rank(["1"], id="1", **strange)


def test_pictures_that_are_none(scenes, tmp_path):
    with pytest.raises(SourceNotFound):
        scenes.search(image=tmp_path / "gone.jpg")
    with pytest.raises(ImageUnreadable):
        scenes.search(like=[{"image": b"no picture"}])


def test_facets_and_samples(scenes):
    scenes.update([{"_id": str(n), "even": n % 2 == 0, "tags": ["a", "b"] if n < 3 else ["b"]} for n in range(8)])
    found = scenes.facets(["tags", "even", "none"], where={"even": True}, limit=5)
    assert [(one.value, one.count) for one in found["tags"]] == [("b", 4), ("a", 2)]
    assert [(one.value, one.count) for one in found["even"]] == [(True, 4)]
    assert found["none"] == []
    drawn = scenes.sample(3, where={"even": True}, seed=1)
    assert len({record.id for record in drawn}) == 3
    assert drawn == scenes.sample(3, where={"even": True}, seed=1)
    assert len(scenes.sample(100)) == 8
    for wrong in (0, 10_001, 2.5, True):
        with pytest.raises(InvalidArgument, match="size"):
            scenes.sample(wrong)
    for wrong in ([], "tags", ["a"] * 33):
        with pytest.raises(InvalidArgument, match="fields"):
            scenes.facets(wrong)


def test_a_collection_dropped_while_it_is_used_says_so(space, scenes, draw):
    space.drop("scenes")
    for ask in (
        lambda: scenes.search(id="1"),
        lambda: scenes.search(image=draw(1)),
        lambda: scenes.rank(["1"], id="2"),
        lambda: scenes.count(),
        lambda: scenes.sample(),
        lambda: scenes.facets(["a"]),
        lambda: scenes.scroll(),
    ):
        with pytest.raises(CollectionClosed, match="'scenes'"):
            ask()
