"""Custom similarity, recognition and image matching, by the client where it has a class for them."""

import numpy as np
import pytest
from ximilar.client import CustomSimilarityClient, RecognitionClient, XimilarClientException
from ximilar.client.similarity import SimilarityRunLogClient

KEY = "la_test_key"


@pytest.fixture
def similarity(host):
    return CustomSimilarityClient(KEY, endpoint=host)


@pytest.fixture
def recognition(host):
    return RecognitionClient(KEY, endpoint=host)


def test_tasks_types_and_groups_are_made_found_changed_and_removed(similarity, recognition, draw):
    task, _ = similarity.create_task("estates", "of a shop")
    rooms, _ = similarity.create_type("room")
    task.add_type(rooms.id)
    assert similarity.get_task(task.id)[0].name == "estates"
    assert [one.name for one in similarity.get_all_types()[0]] == ["room"]
    group, _ = similarity.create_group("kitchen", "of number 7", rooms.id, {"floor": 1})
    other, _ = similarity.create_group("Kitchens", "all", rooms.id)

    images, _ = recognition.upload_images([{"_img_data": draw(at), "_color_space": "RGB"} for at in (0, 1)])
    group.add_images([image.id for image in images], refresh=True)
    assert [image.img_width for image in group.images] == [320, 320]
    group.remove_images([images[0].id], refresh=True)
    assert [image.id for image in group.get_images()] == [images[1].id]
    other.add_groups([group.id], refresh=True)
    assert [one.name for one in other.groups] == ["kitchen"]
    group.set_test(True, refresh=True)
    assert group.test_group is True
    group.add_meta_data({"sold": True})
    assert similarity.get_group(group.id)[0].meta_data == {"floor": 1, "sold": True}
    assert group.update_name("the kitchen", rooms.id)["name"] == "the kitchen"
    assert "detail" in group.add_images(["none"])
    assert "detail" in group.add_objects(["none"])

    def names(**asked):
        return sorted(one.name for one in similarity.get_groups(**asked)[0])

    assert names() == ["Kitchens", "the kitchen"]
    assert names(test=True) == ["the kitchen"]
    assert names(image=images[1].id) == ["the kitchen"]
    assert names(group=group.id) == ["Kitchens"]
    assert names(empty=True) == ["Kitchens"]
    assert names(type="none") == []
    assert similarity.get_group_by_name("Kitchens")[0].id == other.id
    assert len(similarity.get_all_groups(count=1)[0]) == 2

    assert similarity.remove_group(group.id).status_code == 204
    other.refresh(True)
    assert other.groups == []
    assert similarity.get_group(group.id)[0] is None
    assert similarity.remove_task(task.id).status_code == 204


def test_workspaces_divide_lists(host):
    ours = CustomSimilarityClient(KEY, endpoint=host, workspace="ours")
    ours.create_type("room")
    assert [one.name for one in ours.get_all_types()[0]] == ["room"]
    assert CustomSimilarityClient(KEY, endpoint=host).get_all_types()[0] == []


def test_descriptors_measure_likeness(similarity, draw, photos, coded, estates, client):
    task, _ = similarity.create_task("t")
    given = [{"_img_data": draw(0)}, {"_img_data": draw(0)[::2, ::2]}, {"_img_data": draw(7)}]
    answer = CustomSimilarityClient.descriptor(similarity, given, task.id)
    rows = np.array([record["_descriptor"] for record in answer["records"]])
    assert rows[0] @ rows[1] > rows[0] @ rows[2]
    photos.insert([{"_id": "a", "_base64": coded(0), "noresize": True}])
    own = client.post("/photo/v2/descriptor", json={"records": [{"_base64": coded(0)}], "collection": estates}).json()
    found = photos.post("visualKNN", data={"query_record": {"_descriptor": own["records"][0]["_descriptor"]}})
    assert found["answer_distances"] == [0]


def test_training_pictures_are_labeled_and_searched_and_kept_as_files(recognition, draw, client, stranger, space):
    task, _ = recognition.create_task("rooms")
    assert (task.type, task.production_version) == ("multi_class", None)
    kitchen, _ = recognition.create_label("kitchen")
    task.add_label(kitchen.id)
    assert [label.name for label in task.get_labels()[0]] == ["kitchen"]
    records = [{"_img_data": draw(0), "_color_space": "RGB", "labels": [kitchen.id], "meta_data": {"a": 1}}]
    (image,), _ = recognition.upload_images(records)
    (again,), status = recognition.upload_images(records)
    assert (again.id, status) == (image.id, {"status": "exists"})
    assert image.get_meta_data() == {"a": 1}
    assert [label.name for label in image.get_labels()[0]] == ["kitchen"]
    assert recognition.get_label(kitchen.id)[0].get_images_count() == 1
    assert [one.id for one in kitchen.get_training_images()[0]] == [image.id]
    recognition.modify_images([image.id], remove_labels=[kitchen.id], test=True)
    assert [one.id for one in recognition.training_images_iter(test=True)] == [image.id]
    assert kitchen.get_training_images()[0] == []

    found = client.post(
        "/similarity/custom/v2/visualKNN",
        json={"query_record": {"_id": image.id}},
        headers={"collection-id": "ximilar-images"},
    ).json()
    assert [one["_id"] for one in found["answer_records"]] == [image.id]

    with pytest.raises(XimilarClientException, match="no version that is trained"):
        task.classify([{"_img_data": draw(0)}])
    assert "given 2 labels" in task.train()["detail"]
    kept = client.get(image.img_path)
    assert (kept.status_code, kept.headers["content-type"]) == (200, "image/jpeg")
    assert [path.name for path in (space.path / "training-pictures").iterdir()] == [image.id]
    assert stranger.get(image.img_path).status_code == 401
    assert recognition.remove_image(image.id).status_code == 204
    assert list((space.path / "training-pictures").iterdir()) == []
    assert client.get(image.img_path).status_code == 404
    assert recognition.remove_label(kitchen.id).status_code == 204
    assert recognition.get_task(task.id)[0].id == task.id
    assert recognition.get_image(image.id)[0] is None


def test_logs_of_runs_are_kept(host):
    logs = SimilarityRunLogClient(KEY, endpoint=host)
    made = logs.create_log("estates", {"records": 3})
    assert logs.update_log(made["id"], {"records": 4})["data"] == {"records": 4}
    assert logs.get_log(made["id"])["collection"] == "estates"


def test_image_matching_without_a_collection(client, coded, draw):
    import base64
    import io

    from PIL import Image

    sink = io.BytesIO()
    Image.fromarray(draw(0)[::2, ::2]).convert("L").save(sink, "JPEG", quality=60)
    gray = base64.b64encode(sink.getvalue()).decode()
    records = [
        {"_id": "a", "_base64": coded(0), "x": 1},
        {"_id": "b", "_base64": coded(1)},
        {"_id": "a2", "_base64": gray, "x": 2, "y": 3},
        {"_id": "broken", "_base64": "AAAA"},
    ]
    hashes = client.post("/image_matching/v2/visual_hash", json={"records": records[:3]}).json()["records"]
    codes = [int(record["_visual_hash"], 16) for record in hashes]
    assert (codes[0] ^ codes[2]).bit_count() < 8 < (codes[0] ^ codes[1]).bit_count()

    merged = client.post("/image_matching/v2/remove_duplicates", json={"records": records}).json()["records"]
    assert [(one["_id"], one["_duplicates"]) for one in merged] == [("a", ["a2"]), ("b", []), ("broken", [])]
    assert (merged[0]["x"], merged[0]["y"]) == (1, 3)

    body = {"query_record": {"_base64": coded(0)}, "records": records}
    ranked = client.post("/image_matching/v2/rank_images", json=body).json()
    assert [one["_id"] for one in ranked["records"]] == ["a", "a2", "b"]
    assert ranked["answer_distances"][0] == 0
    assert ranked["answer_distances"] == sorted(ranked["answer_distances"])
    assert [one["_id"] for one in ranked["skipped_records"]] == ["broken"]
