"""Kinds and settings: defaults that fit, changes that are safe, clear refusals of the rest."""

import json
from pathlib import Path
from typing import get_args

import pytest

import lookalike
from lookalike.errors import InvalidArgument, InvalidFilter, SettingFixed, ShapeMismatch
from lookalike.kinds import FIXED, KINDS, CollectionSettings, Kind, changed, settings_of


@pytest.mark.parametrize("kind", get_args(Kind))
def test_each_kind_says_when_to_choose_it_and_has_settings_that_would_be_accepted(kind):
    card = KINDS[kind]
    assert card.choose.startswith("Choose it ")
    assert card.choose.count(".") == 1
    given = card.settings.as_json()
    given.pop("entities")
    assert settings_of(kind, given) == settings_of(kind, {}) == card.settings


def test_each_kind_compares_what_it_is_about():
    assert {kind: card.settings.by for kind, card in KINDS.items()} == {
        "photos": "meaning",
        "products": "meaning",
        "matching": "copy",
        "colors": "color",
        "custom": "meaning",
    }


def test_settings_come_back_from_json_as_they_were():
    settings = settings_of("custom", {"entities": {"shape": 3}, "describers": ["color"], "index": ["a.b", "c"]})
    assert CollectionSettings.from_json(json.loads(json.dumps(settings.as_json()))) == settings


def test_what_a_later_version_adds_has_its_default_in_settings_stored_before():
    assert CollectionSettings.from_json({"product_id": "sku"}) == CollectionSettings(product_id="sku")


def test_entities_alone_leave_pictures_undescribed_and_weigh_alike():
    settings = settings_of("custom", {"entities": {"shape": 3, "sound": 4}})
    assert settings.vectors == ("shape", "sound")
    assert settings.weights == {"shape": 1.0, "sound": 1.0}
    assert settings.by == "shape"


def test_fewer_describers_leave_no_weight_without_its_vector():
    assert settings_of("photos", {"describers": ["copy", "color"]}).weights == {"copy": 1.0, "color": 1.0}


def test_the_heaviest_vector_is_the_one_to_compare():
    assert settings_of("products", {"weights": {"meaning": 0.2, "color": 0.8, "tags": 5}}).by == "color"


@pytest.mark.parametrize(
    ("kind", "given", "word"),
    [
        ("videos", {}, "photos, products"),
        ("photos", {"colour": 1}, "product_id, index"),
        ("photos", {"product_id": ""}, "product_id"),
        ("photos", {"product_id": "$where"}, "product_id"),
        ("photos", {"product_id": 5}, "product_id"),
        ("photos", {"index": "category"}, "list of names"),
        ("photos", {"index": ["a", "b..c"]}, "index"),
        ("photos", {"index": [str(n) for n in range(65)]}, "at most 64"),
        ("photos", {"describers": []}, "one or more of meaning"),
        ("photos", {"describers": ["smell"]}, "smell"),
        ("photos", {"entities": {"shape": 3}}, "custom"),
        ("custom", {"entities": {"meaning": 3}}, "meaning"),
        ("custom", {"entities": {"shape": 0}}, r"entities\.shape"),
        ("custom", {"entities": {"shape": True}}, r"entities\.shape"),
        ("custom", {"entities": ["shape"]}, "number of floats"),
        ("photos", {"weights": {"meaning": -1}}, r"weights\.meaning"),
        ("photos", {"weights": {"meaning": float("nan")}}, r"weights\.meaning"),
        ("photos", {"weights": {"tags": 1}}, "at least one of"),
        ("matching", {"weights": {"meaning": 1}}, "copy, tags"),
        ("photos", {"fields": {"title": "much"}}, r"fields\.title"),
        ("photos", {"ignore_case": 1}, "true or false"),
        ("photos", {"auto_tags": True}, "auto_tags"),
        ("photos", {"auto_tags": 21}, "0 to 20"),
    ],
)
def test_settings_without_sense_are_refused_by_name(kind, given, word):
    with pytest.raises(InvalidArgument, match=word):
        settings_of(kind, given)


def test_what_records_are_described_by_stays_and_the_rest_may_change():
    settings = settings_of("photos", {"product_id": "sku"})
    newer = changed("shop", settings, {"product_id": None, "index": ["brand"], "auto_tags": 3})
    assert (newer.product_id, newer.index, newer.auto_tags, newer.weights) == (None, ("brand",), 3, settings.weights)
    assert changed("shop", settings, {"describers": ["meaning", "copy", "color"], "entities": {}}) == settings
    for name, value in zip(FIXED, (["copy"], {"shape": 3}), strict=True):
        with pytest.raises(SettingFixed, match=r"'shop'.*new collection"):
            changed("shop", settings, {name: value})


def test_a_collection_is_made_changed_and_opened_again_with_its_settings(tmp_path):
    with lookalike.open(tmp_path / "space") as space:
        made = space.create("estates", kind="photos", product_id="estate_id", index=["category"])
        assert made.settings.index == ("category",)
        assert made.info.product_id == "estate_id"
        assert space.configure("estates", weights={"copy": 1}, ignore_case=True) is made
        assert made.by == "copy"
        with pytest.raises(InvalidArgument, match="weights"):
            space.configure("estates", weights={})
        assert made.by == "copy"
    with lookalike.open(tmp_path / "space") as space:
        assert space.get("estates").settings.ignore_case
        assert space.get("estates").by == "copy"
        assert space.get("estates").settings.index == ("category",)


def test_a_refused_collection_leaves_nothing_behind(tmp_path):
    with lookalike.open(tmp_path / "space") as space:
        with pytest.raises(InvalidArgument, match="describers"):
            space.create("a", describers=["smell"])
        assert space.list() == []


def test_each_kind_keeps_only_its_vectors(tmp_path, pictures):
    with lookalike.open(tmp_path / "space") as space:
        for kind, by in (("matching", "copy"), ("colors", "color")):
            collection = space.create(kind, kind=kind)
            collection.add([pictures / "0.jpg", pictures / "1.jpg"])
            assert list(collection.info.dims) == [by]
            assert collection.search(image=pictures / "1.jpg", k=1)[0].id.endswith("1.jpg")
            assert "_phash" in collection.get([collection.search(image=pictures / "1.jpg", k=1)[0].id])[0].fields
            assert collection.is_current


def test_entities_are_searched_by_the_vectors_that_are_brought(tmp_path):
    with lookalike.open(tmp_path / "space") as space:
        shapes = space.create("shapes", kind="custom", entities={"shape": 3})
        added = shapes.add(
            [
                {"_id": "round", "_vector": [1, 0, 0]},
                {"_id": "flat", "_vector": [0, 1, 0]},
                {"_id": "odd", "_vector": [1, 0]},
            ]
        )
        assert list(added.inserted) == ["round", "flat"]
        assert [failure.source for failure in added.failed] == ["odd"]
        assert [match.id for match in shapes.search(vector=[0.9, 0.1, 0], k=2)] == ["round", "flat"]
        with pytest.raises(ShapeMismatch):
            shapes.search(vector=[1, 0])


@pytest.mark.parametrize(
    "value",
    [
        "room",
        [3],
        [""],
        ["a"] * 17,
        [{"tagger": 3}],
        [{"tagger": "a", "what": 1}],
        [{"tagger": "a", "least": 2}],
        [{"tagger": "a", "least": True}],
        [{"tagger": "a", "field": "_x"}],
        [{"tagger": "a", "field": "x.y"}],
    ],
)
def test_a_chain_of_taggers_that_makes_no_sense_is_refused(value):
    with pytest.raises(InvalidArgument):
        settings_of("photos", {"taggers": value})


def test_a_taggers_filter_that_is_none_is_refused():
    with pytest.raises(InvalidFilter):
        settings_of("photos", {"taggers": [{"tagger": "a", "when": {"x": {"$what": 1}}}]})


def test_taggers_need_vectors_of_meaning():
    assert settings_of("photos", {"taggers": ["room"]}).taggers == ("room",)
    assert settings_of("photos", {"taggers": ["./room"]}).taggers == (str(Path("room").absolute()),)
    with pytest.raises(InvalidArgument, match="not described by 'meaning'"):
        settings_of("matching", {"taggers": ["room"]})
