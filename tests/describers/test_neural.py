"""Models of every kind through one describer: shapes, lengths, and rows that don't depend on their neighbors."""

import json

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from lookalike import Settings, compare
from lookalike.describers.cards import card
from lookalike.describers.ensemble import standard_ensemble
from lookalike.describers.hub import fetch
from lookalike.describers.neural import NeuralDescriber
from lookalike.describers.prepare import prepare
from lookalike.describers.weights import models_folder
from lookalike.errors import MissingExtra, ModelMissing, ModelUnusable, NoTextTower, UnknownWords
from lookalike.workspace import open_workspace

FETCHED = ("dinov2-small", "dinov2-base", "siglip2-base", "clip-vit-b32", "mobileclip2-s2", "resnet-18")
READING = ("siglip2-base", "clip-vit-b32", "mobileclip2-s2")


@pytest.fixture
def describer(known):
    """Return describer(name): a fetched model of the shapes that the real one has."""

    def fetched(name):
        known(name)
        return NeuralDescriber(fetch(name))

    yield fetched
    standard_ensemble.cache_clear()


@pytest.fixture(scope="module")
def scenes(draw):
    """Pictures of several shapes."""
    return [
        draw(seed, width=width, height=height) for seed, width, height in ((1, 320, 240), (2, 90, 400), (3, 64, 64))
    ]


@pytest.mark.parametrize("name", FETCHED)
def test_pictures_become_unit_rows_of_the_width_that_the_card_says(describer, scenes, name):
    model = describer(name)
    rows = model.describe(scenes)
    assert set(rows) == {"meaning"}
    assert rows["meaning"].shape == (3, model.card.vectors["meaning"])
    assert rows["meaning"].dtype == np.float32
    assert np.linalg.norm(rows["meaning"], axis=1) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", FETCHED)
def test_a_row_is_the_same_alone_and_in_a_batch(describer, scenes, name):
    model = describer(name)
    together = model.describe(scenes)["meaning"]
    for picture, row in zip(scenes, together, strict=True):
        assert np.array_equal(model.describe([picture])["meaning"][0], row)


@pytest.mark.parametrize("name", FETCHED)
def test_no_pictures_are_no_rows(describer, name):
    model = describer(name)
    assert model.describe([])["meaning"].shape == (0, model.card.vectors["meaning"])
    assert model.raw_with_logits([])[1].shape == (0, len(model.card.labels))


def test_the_numbers_are_those_of_the_network(describer, scenes):
    model = describer("siglip2-base")
    network = {one.name: numpy_helper.to_array(one) for one in onnx.load(model.card.weights).graph.initializer}
    tensor = prepare(scenes[0], model.card.prepare).astype(np.float64)
    cells = tensor.reshape(3, 8, 28, 8, 28).mean((2, 4)).reshape(-1) @ network["w"].astype(np.float64)
    assert model.raw(scenes[:1])["meaning"][0] == pytest.approx(cells, abs=1e-3)


def test_the_first_token_stands_for_the_picture(describer, scenes):
    model = describer("dinov2-small")
    network = {one.name: numpy_helper.to_array(one) for one in onnx.load(model.card.weights).graph.initializer}
    tensor = prepare(scenes[0], model.card.prepare).astype(np.float64)
    first = tensor.reshape(3, 4, 56, 4, 56).mean((2, 4))[:, 0, 0] @ network["w"].astype(np.float64)
    assert model.raw(scenes[:1])["meaning"][0] == pytest.approx(first, abs=1e-3)


def test_a_classifier_gives_what_is_before_its_last_layer_and_its_classes(describer, scenes):
    model = describer("resnet-18")
    rows, logits = model.raw_with_logits(scenes)
    features = rows["meaning"]
    assert np.array_equal(features, model.raw(scenes)["meaning"])
    network = {one.name: numpy_helper.to_array(one) for one in onnx.load(model.card.weights).graph.initializer}
    assert features.shape == (3, 512)
    assert features.min() == 0
    assert logits.shape == (3, 1000)
    assert logits == pytest.approx(features @ network["v"], abs=1e-2)
    assert model.card.labels == card().labels


def test_a_model_without_classes_has_no_logits(describer, scenes):
    assert describer("dinov2-small").raw_with_logits(scenes)[1].shape == (3, 0)


@pytest.mark.parametrize("name", READING)
def test_texts_become_unit_rows_beside_those_of_pictures(describer, name):
    model = describer(name)
    texts = ["a red car", "dog on grass", ""]
    rows = model.embed_texts(texts)
    assert rows.shape == (3, model.card.vectors["meaning"])
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-6)
    assert np.array_equal(model.embed_texts(["dog on grass"])[0], rows[1])
    assert np.abs(rows[0] - rows[1]).max() > 1e-3
    assert model.embed_texts([]).shape == (0, rows.shape[1])


def test_a_model_that_only_sees_names_those_that_read(describer, known):
    known("clip-vit-b32")
    with pytest.raises(NoTextTower, match=r"dinov2-small can't read words.*clip-vit-b32"):
        describer("dinov2-small").embed_texts(["a red car"])


def test_the_bundled_model_reads_the_words_it_knows_and_names_those_that_read_any(known):
    known("clip-vit-b32")
    model = NeuralDescriber(card())
    rows = model.embed_texts(["a red car", "dogs"])
    assert rows.shape == (2, 256)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(model.read_text("Dog").rows["meaning"], rows[1])
    assert model.embed_texts([]).shape == (0, 256)
    with pytest.raises(UnknownWords, match=r"zorblax.*clip-vit-b32"):
        model.embed_texts(["zorblax"])


def test_a_model_that_reads_any_text_knows_no_words_of_its_own(describer):
    found = describer("clip-vit-b32").read_text("a red car with zorblax")
    assert dict(found.shares) == {"meaning": 1.0}
    assert (found.known, found.unknown) == ((), ())
    assert describer("clip-vit-b32").book is None


def test_reading_needs_an_extra_and_says_which(describer, monkeypatch):
    model = describer("clip-vit-b32")
    monkeypatch.setitem(__import__("sys").modules, "tokenizers", None)
    with pytest.raises(MissingExtra, match=r"lookalike\[models\]"):
        model.embed_texts(["a red car"])


def test_a_card_that_states_another_width_is_found_out(describer, known, scenes):
    describer("dinov2-small")
    path = models_folder().parent / "known" / "dinov2-small.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "name": "wrong", "vectors": {"meaning": 500}}))
    path.rename(path.with_name("wrong.json"))
    (models_folder() / "dinov2-small").rename(models_folder() / "wrong")
    with pytest.raises(ModelUnusable, match="384 numbers, and its card says 500"):
        NeuralDescriber(card("wrong")).describe(scenes)


def test_what_is_no_network_is_refused(describer, scenes, make):
    model = describer("dinov2-small")
    model.card.weights.write_bytes(b"hello, I am no model")
    with pytest.raises(ModelUnusable, match="can't be read"):
        NeuralDescriber(card(f"onnx:{model.card.weights}"))


def test_the_ensemble_adds_from_the_bundled_model_what_a_model_lacks(describer, scenes):
    model = describer("dinov2-small")
    ensemble = standard_ensemble("dinov2-small")
    assert ensemble.dims == {"meaning": 384, "copy": 128, "color": standard_ensemble().dims["color"]}
    assert ensemble.signatures["meaning"] == model.signature
    assert ensemble.signatures["copy"] == standard_ensemble().signatures["copy"]
    rows = ensemble.describe(scenes)
    assert np.array_equal(rows["copy"], standard_ensemble().describe(scenes)["copy"])
    assert np.array_equal(rows["meaning"], model.describe(scenes)["meaning"])
    assert set(ensemble.curves) == {"copy"}


def test_a_collection_is_described_and_searched_with_it(describer, scenes, tmp_path):
    describer("dinov2-small")
    with open_workspace(tmp_path / "space", Settings(model="dinov2-small")) as space:
        collection = space.create("scenes")
        collection.add({"_id": str(i), "_image": picture} for i, picture in enumerate(scenes))
        found = collection.search(image=scenes[1], k=3)
        assert found[0].id == "1"
        assert found[0].score == pytest.approx(1, abs=1e-4)


def test_comparing_with_a_model_that_nobody_calibrated_uses_the_bundled_one_and_says_so(describer, scenes):
    describer("dinov2-small")
    found = compare(scenes[0], scenes[1], settings=Settings(model="dinov2-small"))
    usual = compare(scenes[0], scenes[1])
    assert (found.score, found.verdict, found.evidence) == (usual.score, usual.verdict, usual.evidence)
    assert found.reasons == [
        *usual.reasons,
        "measured with lookalike-mini: the cosines of dinov2-small are not calibrated",
    ]


def test_a_workspace_refuses_a_model_that_is_not_here_before_it_makes_anything(known, tmp_path):
    known("dinov2-base")
    with open_workspace(tmp_path / "space", Settings(model="dinov2-base")) as space:
        with pytest.raises(ModelMissing, match="lookalike models fetch dinov2-base"):
            space.create("scenes")
        assert list(space.list()) == []
