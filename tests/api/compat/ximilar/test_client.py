"""The client from PyPI drives a collection as it drove the service it was written for."""

import json
import random

import numpy as np
import pytest
from PIL import Image
from ximilar.client import DominantColorGenericClient, DominantColorProductClient, GenericTaggingClient
from ximilar.client.search import (
    ImageMatchingSearchClient,
    SimilarityColorsClient,
    SimilarityCustomClient,
    SimilarityFashionClient,
    SimilarityHomeDecorClient,
    SimilarityPhotosClient,
    SimilarityPhotosOldClient,
    SimilarityProductsClient,
    SimilarityProductsOldClient,
)

from lookalike.describers.ensemble import Ensemble, standard_ensemble
from lookalike.describers.words import Reading
from lookalike.errors import UnknownWords

KEY = "la_test_key"


def ids(answer):
    return [record["_id"] for record in answer["answer_records"]]


def test_records_live_from_insert_to_delete(photos, pictures, website, coded):
    assert photos.ping()["status"]["code"] == 200
    inserted = photos.insert(
        [
            {"_id": "url", "_url": f"{website}/0.jpg", "category": "indoor", "tags": []},
            {"_id": "file", "_file": str(pictures / "1.jpg"), "_estate_id": "7"},
            {"_id": "base64", "_base64": coded(2), "price": 3},
        ]
    )
    assert (inserted["status"]["code"], inserted["answer_count"], inserted["skipped_records"]) == (210, 3, [])
    assert inserted["answer_records"] == [
        {"_id": "url", "_url": f"{website}/0.jpg"},
        {"_id": "file", "_file": str(pictures / "1.jpg")},
        {"_id": "base64"},
    ]
    asked = photos.get_records([{"_id": "file"}, {"_id": "none"}, {"_id": "url"}], fields_to_return=["*"])
    assert asked["status"]["code"] == 206
    assert asked["answer_records"] == [
        {"_id": "file", "_file": str(pictures / "1.jpg"), "_estate_id": "7"},
        {"_id": "url", "_url": f"{website}/0.jpg", "category": "indoor", "tags": []},
    ]
    assert photos.get_records([{"_id": "none"}])["status"]["code"] == 404

    updated = photos.update([{"_id": "base64", "price": 4, "_estate_id": "8"}])
    assert updated["status"]["code"] == 200
    assert updated["answer_records"] == [{"_id": "base64", "price": 4, "_estate_id": "8"}]
    assert photos.update([{"_id": "none", "price": 4}])["status"]["code"] == 404
    assert photos.search({"_id": "base64"}, filter={"_estate_id": "8"})["answer_distances"] == [0]

    assert photos.remove([{"_id": "url"}, {"_id": "none"}])["status"]["code"] == 206
    assert photos.remove([{"_id": "file"}, {"_id": "base64"}])["status"]["code"] == 220
    assert photos.remove([{"_id": "file"}])["status"]["code"] == 404
    left = photos.get_all_ids()
    assert (left["answer_records"], left["answer_count"]) == ([], 0)


def test_what_is_there_already_is_no_error_and_what_is_broken_is_one(photos, listed, capsys):
    photos.insert(listed("a"))
    again = photos.insert([*listed("a", "b"), {"_id": "c", "_base64": "AAAA", "noresize": True}, *listed("b")])
    assert again["status"]["code"] == 211
    assert ids(again) == ["b"]
    codes = [(skip["_id"], skip["_reason"]["status"]["code"]) for skip in again["skipped_records"]]
    assert codes == [("a", 211), ("c", 400), ("b", 211)]
    assert all(
        "_base64" not in skip and "noresize" not in json.dumps(skip["_reason"]) for skip in again["skipped_records"]
    )
    assert photos.insert(listed("a"))["status"]["code"] == 411
    assert photos.insert([{"_id": 7, "_base64": "AAAA", "noresize": True}])["status"]["code"] == 400

    photos.parallel_records_processing(listed("a", "b", "d"), method=photos.insert, batch_size=2, output=True)
    told = "Result of parallel:  {'answer_records': 1, 'records': 0, 'error': 0, 'skipped_records': 2}"
    assert told in capsys.readouterr().out


def test_more_than_ten_and_several_megabytes_fit_one_request(photos, tmp_path):
    noise = np.random.default_rng(5)
    records = []
    for number in range(12):
        path = tmp_path / f"{number}.png"
        Image.fromarray(noise.integers(0, 256, (420, 640, 3), np.uint8)).save(path)
        records.append({"_id": str(number), "_file": str(path), "noresize": True})
    assert sum(len(photos.load_base64_file(record["_file"], resize=False)) for record in records) > 10 * 2**20
    assert photos.insert(records)["answer_count"] == 12


def test_search_gives_the_query_record_first_and_distances_ascend(photos, listed, coded):
    photos.insert([{**record, "even": not at % 2} for at, record in enumerate(listed(*"abcdef"))])
    by_id = photos.search({"_id": "c"}, k=3, fields_to_return=["even"])
    assert by_id["answer_records"][0] == {"_id": "c", "even": True}
    assert by_id["answer_count"] == len(by_id["answer_distances"]) == 3
    assert by_id["answer_distances"] == sorted(by_id["answer_distances"])
    assert by_id["answer_distances"][0] == 0
    assert 0 < by_id["answer_distances"][1] <= 1
    assert by_id["statistics"]["OperationTime"] > 0

    outside = photos.search({"_base64": coded(3), "noresize": True}, k=1)
    assert ids(outside) == ["d"]
    assert outside["answer_distances"][0] < 0.001
    both = photos.search({"_id": "stranger", "_base64": coded(4), "noresize": True}, k=1)
    assert ids(both) == ["e"]
    assert photos.search({"_id": "stranger"})["status"]["code"] == 404

    filtered = photos.search({"_id": "c"}, filter={"even": False}, k=5)
    assert sorted(ids(filtered)) == ["b", "d", "f"]
    order = ids(photos.search({"_id": "c"}, k=6))
    pages = [photos.post("visualKNN", data={"query_record": {"_id": "c"}, "k": 2, "from": at}) for at in (0, 2, 4)]
    assert [id_ for page in pages for id_ in ids(page)] == order


def test_the_announcements_filter_finds_what_is_spelled_in_small_letters(photos, listed, client):
    kitchens = [{**one, "category": "indoor", "subcategory": "kitchen"} for one in listed("1_1", "1_2")]
    photos.insert([*kitchens, {**listed("x", "y", "2_1")[2], "category": "outdoor", "subcategory": "garden"}])
    asked = {"category": "Indoor", "subcategory": "Kitchen"}
    assert ids(photos.search({"_id": "1_1"}, filter=asked)) == ["1_1", "1_2"]
    assert client.patch("/v1/collections/estates", json={"ignore_case": False}).status_code == 200
    assert ids(photos.search({"_id": "1_1"}, filter=asked)) == ["1_1", "1_2"]
    assert ids(photos.search({"_id": "1_1"}, filter={"category": {"$nin": ["INDOOR"]}})) == ["2_1"]
    assert photos.search({"_id": "1_1"}, filter={"category": {"$near": 1}})["status"]["code"] == 400


def test_a_list_is_ranked_and_says_what_it_could_not_rank(photos, listed, coded):
    photos.insert(listed("a", "b"))
    query = {"_base64": coded(1), "noresize": True}
    given = [
        {"_id": "a"},
        {"_id": "b"},
        {"_id": "a", "_base64": coded(1), "noresize": True, "mine": 1},
        {"_base64": coded(2), "noresize": True, "mine": 2},
        {"_id": "none"},
    ]
    ranked = photos.search_and_rank(query, given, fields_to_return=["_id", "mine"])
    assert ranked["answer_records"][:2] in (
        [{"_id": "a", "mine": 1}, {"_id": "b"}],
        [{"_id": "b"}, {"_id": "a", "mine": 1}],
    )
    assert ranked["answer_distances"][:2] == [0, 0]
    assert sorted(ranked["answer_records"][2:], key=str) == [{"_id": "a"}, {"mine": 2}]
    assert [skip["_id"] for skip in ranked["skipped_records"]] == ["none"]


def test_random_records_differ_and_pages_give_each_record_once(photos, client):
    fill_numbers(client)
    numbers = SimilarityCustomClient(KEY, "numbers", endpoint=photos.endpoint)
    drawn = ids(numbers.random(count=8, filter={"even": True}))
    assert len(set(drawn)) == 8
    assert all(int(one) % 2 == 0 for one in drawn)

    first = numbers.allRecords(size=10, page=1)
    assert "next" in first
    walked = [record["_id"] for record in numbers.all_records_iter(batch_size=10)]
    assert sorted(walked, key=int) == [str(number) for number in range(25)]
    assert ids(numbers.allRecords(size=10, page=2)) == walked[10:20]
    assert (
        ids(SimilarityCustomClient(KEY, "numbers", endpoint=photos.endpoint).allRecords(size=5, page=3))
        == walked[10:15]
    )
    last = numbers.allRecords(size=5, page=5)
    assert (ids(last), "next" in last) == (walked[20:], False)
    assert numbers.allRecords(size=10, page=9)["answer_records"] == []
    assert sorted(map(int, ids(numbers.get_all_ids(filterf={"even": False})))) == list(range(1, 25, 2))


def fill_numbers(client):
    """Make a collection of vectors of the user's own, with 25 of them."""
    made = client.post("/v1/collections", json={"name": "numbers", "kind": "custom", "entities": {"at": 2}})
    assert made.status_code == 201
    rows = [{"_id": str(number), "_descriptor": [number, 1], "even": number % 2 == 0} for number in range(25)]
    body = {"records": random.Random(4).sample(rows, len(rows))}
    added = client.post("/similarity/custom/v2/insert", json=body, headers={"collection-id": "numbers"})
    assert added.json()["status"]["code"] == 210


def test_own_descriptors_are_searched_by_own_descriptors(client, host):
    fill_numbers(client)
    custom = SimilarityCustomClient(KEY, "numbers", endpoint=host + "similarity/custom/v2/")
    found = custom.post("visualKNN", data={"query_record": {"_descriptor": [3, 1]}, "k": 2})
    assert ids(found)[0] == "3"
    assert found["answer_distances"][0] == 0


def test_products_are_counted_not_photos(client, host, listed):
    body = {"name": "shop", "type": "product", "product_id_field": "_estate_id", "fields_to_index": ["category"]}
    made = client.post("/similarity/v2/collection", json=body).json()
    assert (made["product_id_field"], made["fields_to_index"]) == ("_estate_id", ["category"])
    shop = SimilarityProductsClient(KEY, made["id"], endpoint=host + "similarity/products-new/v2/")
    owners = {"a": "1", "b": "1", "c": "2", "d": "2", "e": None, "f": None}
    records = [{**one, "_estate_id": owners[one["_id"]]} for one in listed(*owners)]
    shop.insert([{name: value for name, value in one.items() if value is not None} for one in records])
    found = ids(shop.search({"_id": "a"}, k=6))
    assert found[0] == "a"
    assert "b" not in found
    assert len({"c", "d"} & set(found)) == 1
    assert {"e", "f"} < set(found)
    assert len(ids(shop.search({"_id": "a"}, k=2))) == 2


def test_tags_count_beside_the_picture_and_of_a_record_its_own_do(photos, listed, coded):
    tags = {"a": ["pool"], "b": [], "c": ["pool"], "d": ["garage"]}
    photos.insert([{**one, "tags": tags[one["_id"]]} for one in listed(*tags)])
    photos.PREDICT_ENDPOINT = "visualTagsKNN"
    visual = dict(zip(*visual_order(photos, {"_id": "a"}), strict=True))
    blended = photos.search({"_id": "a"}, k=4)
    distances = dict(zip(ids(blended), blended["answer_distances"], strict=True))
    assert distances["a"] == 0
    assert distances["c"] == pytest.approx(visual["c"] * 2 / 3, abs=1e-5)
    assert distances["d"] == pytest.approx(visual["d"] * 2 / 3 + 1 / 3, abs=1e-5)
    wanted = photos.search({"_base64": coded(1), "noresize": True, "tags": ["garage"]}, k=1, filter={"tags": "garage"})
    assert ids(wanted) == ["d"]
    assert ids(photos.search({"_base64": coded(1), "noresize": True}, k=1)) == ["b"]


def visual_order(photos, query):
    found = photos.post("visualKNN", data={"query_record": query, "k": 10})
    return ids(found), found["answer_distances"]


def test_ranges_and_near_duplicates(photos, call, listed, coded, draw, save, tmp_path):
    photos.insert(listed(*"abcde"))
    smaller = save(draw(0)[::2, ::2], tmp_path / "smaller.jpg", quality=60)
    photos.insert([{"_id": "edited", "_file": str(smaller)}])
    order, distances = visual_order(photos, {"_id": "a"})
    within = call("visualRange", {"query_record": {"_id": "a"}, "radius": distances[2]})
    assert (ids(within), within["answer_distances"]) == (order[:3], distances[:3])
    assert call("visualRange", {"query_record": {"_id": "a"}})["status"]["code"] == 400

    by_id = call("nearDuplicates", {"query_record": {"_id": "a"}})
    assert (ids(by_id), by_id["answer_count"]) == (["edited"], 1)
    by_picture = call("nearDuplicates", {"query_record": {"_base64": coded(0)}})
    assert ids(by_picture) == ["a", "edited"]
    assert by_picture["answer_distances"][0] == 0
    assert 0 < by_picture["answer_distances"][1] < 0.5
    assert call("nearDuplicates", {"query_record": {"_base64": coded(9)}})["answer_records"] == []


def test_words_find_pictures(photos, call, listed, draw, monkeypatch):
    photos.insert(listed("a", "b", "c"))
    row = standard_ensemble().describe([draw(1)])["meaning"][0]
    monkeypatch.setattr(
        Ensemble, "describe_text", lambda self, text: Reading({"meaning": row}, {"meaning": 1.0}, [text])
    )
    for base in ("similarity/text/photo/v2/", "similarity/text/homedecor/v2/", "photo/text/v2/"):
        asked = {"query_record": {"_text_data": "a red kitchen"}, "k": 2, "from": 0}
        found = call("text", asked, base)
        assert (ids(found)[0], found["answer_count"], found["status"]["code"]) == ("b", 2, 200)
        assert ids(call("text", {**asked, "filter": {"_id": {"$ne": "b"}}}, base))[0] != "b"
    assert call("text", {"query_record": {}}, "similarity/text/photo/v2/")["status"]["code"] == 400


def test_words_that_no_model_reads_are_told(call, monkeypatch):
    def refuse(self, text):
        raise UnknownWords(text, ["qwrtzp"], [])

    monkeypatch.setattr(Ensemble, "describe_text", refuse)
    unknown = call("text", {"query_record": {"_text_data": "qwrtzp"}}, "similarity/text/photo/v2/")
    assert unknown["status"]["code"] == 400
    assert "qwrtzp" in unknown["detail"]


def test_upsert_inserts_changes_and_takes_new_pictures(call, coded):
    assert call("upsert", {"records": [{"_id": "a", "_base64": coded(0), "x": 1}]})["status"]["code"] == 210
    changed = call("upsert", {"records": [{"_id": "a", "y": 2}, {"_id": "new"}], "fields_to_return": ["*"]})
    assert (changed["status"]["code"], changed["answer_records"]) == (211, [{"_id": "a", "x": 1, "y": 2}])
    assert call("upsert", {"records": [{"_id": "a", "_base64": coded(5)}]})["status"]["code"] == 210
    moved = call("visualKNN", {"query_record": {"_base64": coded(5)}, "k": 1})
    assert moved["answer_distances"][0] < 1e-5


SERVICES = [
    (SimilarityPhotosClient, "similarity/photos/v2/"),
    (SimilarityPhotosOldClient, "photo/search/v2/"),
    (SimilarityProductsClient, "similarity/products-new/v2/"),
    (SimilarityProductsOldClient, "similarity/products/v2/"),
    (SimilarityCustomClient, "similarity/custom/v2/"),
    (SimilarityColorsClient, "similarity/colors/v2/"),
    (ImageMatchingSearchClient, "image_matching/v2/"),
    (SimilarityFashionClient, "similarity/fashion-new/v2/"),
    (SimilarityFashionClient, "similarity/fashion/v2/"),
    (SimilarityHomeDecorClient, "similarity/homedecor/v2/"),
    (SimilarityHomeDecorClient, "similarity/homedecor-new/v2/"),
    (SimilarityPhotosClient, "our/own/v2/"),
    (SimilarityPhotosClient, "ours/v2/"),
]


def test_every_service_answers_below_its_base_path(host, estates):
    for kind, base in SERVICES:
        one = kind(KEY, estates, endpoint=host + base)
        assert one.ping()["status"] == {"code": 200, "text": "OK"}, base
        assert one.random()["answer_records"] == []


def test_fashion_finds_tags_and_colors_when_asked(host, estates, coded):
    fashion = SimilarityFashionClient(KEY, estates, endpoint=host + "similarity/fashion-new/v2/")
    fashion.insert([{"_id": "plain", "_base64": coded(0)}])
    fashion.insert([{"_id": "rich", "_base64": coded(1)}], extract_colors=True, extract_tags=True)
    plain, rich = fashion.get_records([{"_id": "plain"}, {"_id": "rich"}], fields_to_return=["*"])["answer_records"]
    assert plain == {"_id": "plain"}
    assert isinstance(rich["tags"], list)
    assert len(rich["_dominant_colors"]["rgb_hex_colors"]) == 3
    assert ids(fashion.search({"_id": "rich"}, k=1)) == ["rich"]


def test_dominant_colors_are_parallel_lists(host):
    red = np.zeros((40, 60, 3), np.uint8)
    red[:, :45], red[:, 45:] = (255, 0, 0), (0, 0, 255)
    generic = DominantColorGenericClient(KEY, endpoint=host)
    good, bad = generic.dominantcolor([{"_img_data": red}, {"_id": "x", "_url": "http://127.0.0.1:1/none.jpg"}])[
        "records"
    ]
    assert (good["_status"]["code"], good["_width"], good["_height"]) == (200, 60, 40)
    assert (bad["_id"], bad["_status"]["code"]) == ("x", 400)
    colors = good["_dominant_colors"]
    assert len({len(values) for values in colors.values()}) == 1
    assert colors["color_names"][:2] == ["red", "blue"]
    assert colors["percentages"][0] == pytest.approx(0.75, abs=0.05)
    assert colors["luv_colors"][0] == pytest.approx([53.2, 175.0, 37.8], abs=2.0)
    product = DominantColorProductClient(KEY, endpoint=host)
    assert len(product.dominantcolor([{"_img_data": red}])["records"][0]["_dominant_colors"]["rgb_colors"]) <= 3


def test_photos_are_tagged(host, coded):
    answer = GenericTaggingClient(KEY, endpoint=host).tags([{"_base64": coded(3)}])
    (record,) = answer["records"]
    assert [tag["name"] for tag in record["_tags"]] == record["_tags_simple"]
    assert all(0 < tag["prob"] <= 1 for tag in record["_tags"])
