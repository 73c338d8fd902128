"""The folder: whole or not there, refused when altered, usable wherever a name is."""

import errno
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import lookalike
from lookalike.describers.cards import card
from lookalike.describers.ensemble import standard_ensemble
from lookalike.describers.modelfolder import CARD, card_digest, settled
from lookalike.errors import FolderUnwritable, InvalidArgument, ModelMissing, WeightsCorrupt, WouldOverwrite
from lookalike.images import read_image
from lookalike.learning import train
from lookalike.learning.model import Draft, write_model
from lookalike.learning.views import Base
from lookalike.settings import Settings


@pytest.fixture
def folder(trained, tmp_path):
    return shutil.copytree(trained.model, tmp_path / "copy")


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("model.onnx", lambda ensemble: ensemble.describe([np.zeros((64, 64, 3), np.uint8)])),
        ("words.safetensors", lambda ensemble: ensemble.describe_text("dog")),
    ],
)
def test_an_altered_file_is_refused(folder, name, use):
    path = folder / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    ensemble = standard_ensemble(str(folder))
    with pytest.raises(WeightsCorrupt, match=name):
        use(ensemble)


def test_a_file_that_is_gone_is_to_be_put_back_and_not_fetched(folder):
    (folder / "model.onnx").unlink()
    with pytest.raises(ModelMissing, match="Put these files back into"):
        standard_ensemble(str(folder))


def test_an_altered_card_is_refused(folder):
    path = folder / CARD
    facts = json.loads(path.read_text("utf-8"))
    facts["calibration"]["copy"]["offset"] += 1
    path.write_text(json.dumps(facts), "utf-8")
    with pytest.raises(WeightsCorrupt, match="altered"):
        card(str(folder))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"digest": 1}'])
def test_what_is_no_card_is_refused(folder, text):
    (folder / CARD).write_text(text, "utf-8")
    with pytest.raises(WeightsCorrupt):
        card(str(folder))


def test_a_folder_without_card_is_no_model(tmp_path):
    with pytest.raises(ModelMissing):
        card(str(tmp_path))


def test_a_name_means_the_same_folder_from_everywhere(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert settled("copy") == settled("./copy") == str(folder)
    assert settled("lookalike-mini") == "lookalike-mini"
    assert settled("onnx:models/own.onnx") == "onnx:models/own.onnx"
    assert card("copy").signature == card(str(folder)).signature


def test_old_words_are_read_from_the_new_vector(trained, pictures):
    old, new = standard_ensemble(), standard_ensemble(str(trained.model))
    pixels = [read_image(pictures / f"{name}.jpg").pixels for name in range(3)]
    before, after = old.describe(pixels), new.describe(pixels)
    share = (1 - trained.strength) ** 0.5
    for word in ("dog", "red dress"):
        asked, answered = (one.describe_text(word).rows["meaning"] for one in (old, new))
        np.testing.assert_allclose(after["meaning"] @ answered, share * (before["meaning"] @ asked), atol=2e-3)
    np.testing.assert_array_equal(after["copy"], before["copy"])
    one, two = ({name: rows[0] for name, rows in made.items()} for made in (before, after))
    assert new.tags(two) == old.tags(one)


def test_a_collection_takes_it_at_once_and_changes_to_it(trained, classes, tmp_path):
    source = classes / "class-0" / "0.jpg"
    with lookalike.open(tmp_path / "space") as space:
        fresh = space.create("fresh", model=str(trained.model))
        fresh.add([{"_id": "a", "_file": str(source)}])
        old = space.create("old")
        old.add([{"_id": "a", "_file": str(source)}])
        assert old.redescribe(str(trained.model)).wait().cut_over
        assert old.info.dims["meaning"] == fresh.info.dims["meaning"] == 256 + min(384, 1024)
        assert [match.id for match in old.search(image=source)] == ["a"]


def test_a_collection_is_not_made_with_an_altered_model(folder, tmp_path):
    path = folder / "model.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with lookalike.open(tmp_path / "space") as space:
        with pytest.raises(WeightsCorrupt, match=r"model\.onnx"):
            space.create("shop", model=str(folder))
        assert space.list() == []


def test_a_model_that_is_there_is_not_replaced_unasked(trained, classes):
    before = (trained.model / CARD).read_bytes()
    with pytest.raises(WouldOverwrite, match="--force"):
        train(classes, trained.model)
    assert (trained.model / CARD).read_bytes() == before


def test_a_folder_of_something_else_is_never_replaced(classes, pictures):
    with pytest.raises(InvalidArgument, match="--out"):
        train(classes, pictures, force=True)
    assert (pictures / "0.jpg").is_file()


def test_nothing_is_left_where_writing_fails(tmp_path):
    base = Base("lookalike-mini")
    with pytest.raises(Exception, match="model"):
        write_model(tmp_path / "out", base, Draft(b"no model", 256, 0.0), {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", ["model.onnx", "report.json"])
def test_a_full_disk_leaves_the_model_that_was_there(folder, classes, monkeypatch, file):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    opened = Path.open

    def full(path, mode="r", *arguments, **more):
        if path.name == file and "w" in mode:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return opened(path, mode, *arguments, **more)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(FolderUnwritable, match="No space left on device") as caught:
        train(classes, folder, settings=Settings(threads=1), force=True)
    assert caught.value.folder == str(folder)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_kept_model_answers_as_before(tmp_path):
    base = Base("lookalike-mini")
    write_model(tmp_path / "out", base, Draft(base.model, base.width, 0.0), {})
    pixels = [np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)]
    one, two = (standard_ensemble(name).describe(pixels) for name in ("lookalike-mini", str(tmp_path / "out")))
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])
    assert standard_ensemble(str(tmp_path / "out")).book is not None
    assert card(str(tmp_path / "out")).calibration == base.card.calibration


def test_a_model_can_be_learned_from_again(trained, classes, tmp_path):
    again = train(classes, tmp_path / "again", settings=Settings(model=str(trained.model), threads=1), anyway=True)
    assert again.before.mean_average_precision == pytest.approx(trained.after.mean_average_precision)
    assert standard_ensemble(str(again.model)).dims["meaning"] >= 640


def test_a_taken_over_copy_vector_keeps_compare_fitted_and_an_old_card_does_not(folder, pictures):
    a, b = pictures / "0.jpg", pictures / "1.jpg"
    old = lookalike.compare(a, b)
    new = lookalike.compare(a, b, settings=Settings(model=str(folder)))
    assert (new.calibration, new.probability) == ("fitted", old.probability)
    facts = json.loads((folder / CARD).read_text("utf-8"))
    assert facts.pop("origins") == {"copy": card().signature}
    del facts["digest"]
    (folder / CARD).write_text(json.dumps(facts | {"digest": card_digest(facts)}), "utf-8")
    standard_ensemble.cache_clear()
    assert lookalike.compare(a, b, settings=Settings(model=str(folder))).calibration == "provisional"
