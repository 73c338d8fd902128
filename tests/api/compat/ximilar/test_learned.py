"""Tasks that learn: recognition and custom similarity, trained and asked by the real client."""

import numpy as np
import pytest
from ximilar.client import CustomSimilarityClient, RecognitionClient, XimilarClientException

import lookalike
from lookalike.settings import Settings
from lookalike.work import Background

KEY = "la_test_key"
CLASSES, PICTURES = 4, 6


@pytest.fixture(scope="module")
def shots(draw):
    """Return shots(number, place): a scene of shapes, moved, behind another one that changes."""

    def shot(number, place):
        moved = np.roll(draw(100 + number), (4 * place, 6 * place), (0, 1))
        return (0.85 * moved + 0.15 * draw(1000 + 10 * number + place)).astype(np.uint8)

    return shot


@pytest.fixture
def recognition(host):
    return RecognitionClient(KEY, endpoint=host)


@pytest.fixture
def done(space):
    """Return done(): waits until what was begun is over, and returns the last job."""

    def wait():
        with Background(space, scheduled=False) as background:
            jobs = [background.runner.wait(job.id, 120) for job in space.catalog.jobs.page()]
        return jobs[0]

    return wait


def labeled(recognition, task, names, kind="category"):
    labels = [recognition.create_label(name, output_name=f"the {name}", label_type=kind)[0] for name in names]
    for label in labels:
        task.add_label(label.id)
    return labels


def test_a_task_is_trained_and_classifies(recognition, shots, done, space, client):
    task, _ = recognition.create_task("room type")
    labels = labeled(recognition, task, [f"room-{number}" for number in range(CLASSES)])
    for number, label in enumerate(labels):
        recognition.upload_images(
            [
                {
                    "_img_data": shots(number, place),
                    "_color_space": "RGB",
                    "labels": [label.id],
                    "test_image": place == 0,
                }
                for place in range(PICTURES)
            ]
        )
    begun = task.train()
    assert (begun["status"]["code"], begun["version"], begun["train_status"]) == (200, 1, "TRAINING")
    assert task.train()["id"] == begun["id"]
    job = done()
    assert (job.kind, job.state) == ("tagger", "done"), job.error
    assert (job.result["pictures"], job.result["learned from"]) == (CLASSES, CLASSES * (PICTURES - 1))
    task, _ = recognition.get_task(task.id)
    assert (task.production_version, task.last_train_status) == (1, "TRAINED")
    model, _ = recognition.get_model(begun["id"])
    assert (model.task_name, model.version, model.train_status) == ("room type", 1, "TRAINED")

    given = [{"_img_data": shots(number, 7), "_color_space": "RGB"} for number in range(CLASSES)]
    answer = task.classify(given)
    best = [record["best_label"] for record in answer["records"]]
    assert [one["name"] for one in best] == [label.name for label in labels]
    assert best[0]["output_name"] == "the room-0"
    listed = answer["records"][0]["labels"]
    assert sum(one["prob"] for one in listed) == pytest.approx(1)
    assert listed == sorted(listed, key=lambda one: -one["prob"])
    with pytest.raises(XimilarClientException, match="no version 2"):
        task.classify(given[:1], version=2)
    broken = client.post("/recognition/v2/classify", json={"task_id": task.id, "records": [{"_base64": "AAAA"}]}).json()
    assert broken["records"][0]["_status"]["code"] == 400

    made = space.create("estates", taggers=[f"ximilar-{task.id}-1"])
    made.add([{"_id": "one", "_image": shots(2, 8)}])
    assert made.get(["one"])[0].fields["room-type"] == labels[2].id

    assert task.train()["version"] == 2
    assert done().state == "done"
    assert len(client.get(f"/recognition/v2/model/?task={task.id}").json()["results"]) == 2
    assert client.delete(f"/recognition/v2/model/{begun['id']}").status_code == 204
    assert recognition.get_task(task.id)[0].production_version == 2
    recognition.remove_task(task.id)
    assert list((space.path / "taggers").iterdir()) == []


def test_a_task_of_tags_gives_all_that_fit(recognition, shots, done):
    task, _ = recognition.create_task("outdoor", task_type="multi_label")
    pool, garden = labeled(recognition, task, ["pool", "garden"], "tag")
    chosen = {0: [pool.id], 1: [garden.id], 2: [pool.id, garden.id], 3: [garden.id]}
    for number, ids in chosen.items():
        shown = [shots(number, place) for place in range(PICTURES)]
        recognition.upload_images([{"_img_data": one, "_color_space": "RGB", "labels": list(ids)} for one in shown])
    task.train()
    assert done().state == "done"
    answer = recognition.get_task(task.id)[0].classify(
        [{"_img_data": shots(number, 7), "_color_space": "RGB"} for number in (0, 2)]
    )
    names = [{one["name"] for one in record["labels"]} for record in answer["records"]]
    assert names == [{"pool"}, {"pool", "garden"}]


def test_what_can_not_be_learned_is_told(recognition, shots, done, space):
    task, _ = recognition.create_task("few")
    (label, _) = labeled(recognition, task, ["a", "b"])
    recognition.upload_images([{"_img_data": shots(0, 0), "_color_space": "RGB", "labels": [label.id]}])
    begun = task.train()
    assert done().state == "failed"
    assert recognition.get_task(task.id)[0].last_train_status == "ERROR"
    with pytest.raises(XimilarClientException, match="no version that is trained"):
        task.classify([{"_img_data": shots(0, 0), "_color_space": "RGB"}])
    model = recognition.get("recognition/v2/model/" + begun["id"])
    assert "0 of 1 labels with 4 pictures" in model["detail"]


def test_trainings_outlive_the_service(recognition, shots, tmp_path, space):
    task, _ = recognition.create_task("kept")
    labels = labeled(recognition, task, ["a", "b"])
    for number, label in enumerate(labels):
        shown = [shots(number, place) for place in range(PICTURES)]
        recognition.upload_images([{"_img_data": one, "_color_space": "RGB", "labels": [label.id]} for one in shown])
    task.train()
    (job,) = space.catalog.jobs.page()
    space.close()
    with (
        lookalike.open(tmp_path / "space", Settings()) as again,
        Background(again, scheduled=False) as background,
    ):
        assert background.runner.wait(job.id, 120).state == "done"
        assert (again.path / "taggers" / f"ximilar-{task.id}-1" / "tagger.json").is_file()


def test_a_task_of_similarity_learns_its_groups(host, recognition, shots, done, space, client):
    similarity = CustomSimilarityClient(KEY, endpoint=host)
    task, _ = similarity.create_task("scenes")
    kind, _ = similarity.create_type("scene")
    task.add_type(kind.id)
    url = f"/similarity/training/v2/task/{task.id}"
    assert client.post(url + "/train/").status_code == 400
    for number in range(6):
        group, _ = similarity.create_group(f"scene-{number}", "", kind.id)
        shown = [{"_img_data": shots(number, place), "_color_space": "RGB"} for place in range(4)]
        images, _ = recognition.upload_images(shown)
        group.add_images([image.id for image in images])
        if number < 2:
            group.set_test(True)
    given = {"records": [], "task_id": task.id}
    begun = client.post(url + "/train/").json()
    assert begun["train_status"] == "TRAINING"
    job = done()
    assert (job.kind, job.state) == ("likeness", "done"), job.error
    assert client.get(url).json()["production_version"] == 1
    model = client.get(f"/similarity/training/v2/model/{begun['id']}").json()
    assert (model["train_status"], model["version"]) == ("TRAINED", 1)
    answer = CustomSimilarityClient.descriptor(similarity, [{"_img_data": shots(0, 7), "_color_space": "RGB"}], task.id)
    width = len(answer["records"][0]["_descriptor"])
    assert width == (256 if job.result["kept old"] else 640)
    assert client.post("/similarity/training/v2/descriptor", json=given | {"version": 3}).status_code == 400
    made = space.create("scenes", model=job.result["model"])
    made.add([{"_id": "a", "_image": shots(0, 8)}])
    assert [match.id for match in made.search(image=shots(0, 9))] == ["a"]
