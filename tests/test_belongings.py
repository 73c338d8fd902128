"""What collections use beside their records is in a backup, and is where they look for it afterwards."""

import json
import shutil

import numpy as np
import pytest

import lookalike
from lookalike import snapshots
from lookalike.catalog import Trial
from lookalike.describers.ensemble import standard_ensemble
from lookalike.errors import BackupUnreadable
from lookalike.learning.model import Draft, write_model
from lookalike.learning.views import Base
from lookalike.snapshots import backup, restore
from lookalike.taggers import Tagger, read_tagger, write_tagger


def tagger(name, label="bath"):
    signature = standard_ensemble().signatures["meaning"]
    return Tagger(
        name, "classify", name, [label, "hall"], np.eye(256, 2, dtype=np.float32), np.zeros(2, np.float32), np.zeros(2),
        signature,
    )  # fmt: skip


@pytest.fixture
def space(tmp_path, pictures):
    """A workspace whose collection uses a tagger of its own, one from elsewhere, and has a training picture."""
    with lookalike.open(tmp_path / "space") as space:
        write_tagger(space.path / "taggers" / "room", tagger("room"), {})
        write_tagger(tmp_path / "elsewhere" / "kind", tagger("kind"), {})
        steps = [{"tagger": "room", "when": {"n": {"$lt": 9}}}, str(tmp_path / "elsewhere" / "kind")]
        shop = space.create("shop", taggers=steps)
        kept = space.path / "training-pictures" / "one"
        kept.parent.mkdir()
        shutil.copy(pictures / "0.jpg", kept)
        assert not shop.add([{"_id": "one", "_file": kept, "n": 1}, pictures / "1.jpg"]).failed
        yield space


@pytest.mark.parametrize("name", ["backup", "backup.zip"])
def test_a_restored_collection_uses_what_was_restored(space, tmp_path, pictures, name):
    backup(space, tmp_path / name)
    space.close()
    shutil.rmtree(tmp_path / "space")
    shutil.rmtree(tmp_path / "elsewhere")
    with lookalike.open(tmp_path / "other") as other:
        restore(other, tmp_path / name)
        shop = other.get("shop")
        assert list(shop.settings.taggers) == [{"tagger": "room", "when": {"n": {"$lt": 9}}}, "kind"]
        assert not shop.add([{"_id": "new", "_file": pictures / "2.jpg", "n": 2}]).failed
        assert {"room", "kind"} <= shop.get(["new"])[0].fields.keys()
        kept = shop.get(["one"])[0].fields["_file"]
        assert kept == str(other.path / "training-pictures" / "one")
        assert (other.path / "training-pictures" / "one").read_bytes() == (pictures / "0.jpg").read_bytes()
        assert shop.get([str(pictures / "1.jpg"), "1.jpg"]) != [None, None]


def test_another_tagger_of_that_name_stays_what_it_is(space, tmp_path):
    backup(space, tmp_path / "backup")
    with lookalike.open(tmp_path / "other") as other:
        write_tagger(other.path / "taggers" / "room", tagger("room", "attic"), {})
        restore(other, tmp_path / "backup")
        name = other.get("shop").settings.taggers[0]["tagger"]
        assert name.startswith("room-")
        assert list(read_tagger(other.path / "taggers" / name).labels) == ["bath", "hall"]
        assert list(read_tagger(other.path / "taggers" / "room").labels) == ["attic", "hall"]
        assert other.get("shop").settings.taggers[1] == str(tmp_path / "elsewhere" / "kind")
        restore(other, tmp_path / "backup", force=True)
        assert sorted(path.name for path in (other.path / "taggers").iterdir()) == sorted(["room", name])


def test_a_trained_model_travels_too(space, tmp_path, pictures):
    base = Base("lookalike-mini")
    card = write_model(space.path / "models" / "mine", base, Draft(base.model, base.width, 0.0), {})
    space.create("own", model=str(card.folder)).add([pictures / "0.jpg"])
    backup(space, tmp_path / "backup")
    space.close()
    shutil.rmtree(tmp_path / "space")
    with lookalike.open(tmp_path / "other") as other:
        restore(other, tmp_path / "backup")
        assert other.get("own").info.model == str(other.path / "models" / "mine")
        assert other.get("own").search(image=pictures / "0.jpg", k=1)[0].score == 1.0


def test_a_damaged_tagger_stops_a_restore_before_anything_changed(space, tmp_path):
    backup(space, tmp_path / "backup")
    path = next((tmp_path / "backup" / "_belongings").rglob("numbers.npz"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with lookalike.open(tmp_path / "other") as other:
        with pytest.raises(BackupUnreadable, match="damaged"):
            restore(other, tmp_path / "backup")
        assert (other.list(), (other.path / "taggers").exists()) == ([], False)


@pytest.mark.parametrize(
    "harm",
    [
        lambda told: told["folders"][0].update(kind="../.."),
        lambda told: told["folders"][0].update(files={"../x": next(iter(told["folders"][0]["files"].values()))}),
        lambda told: told.update(pictures={"../../x": next(iter(told["pictures"].values()))}),
    ],
)
def test_a_manifest_writes_nowhere_else(space, tmp_path, monkeypatch, harm):
    backup(space, tmp_path / "backup")
    manifest = snapshots.read_manifest(tmp_path / "backup")
    harm(manifest["belongings"])
    monkeypatch.setattr(snapshots, "read_manifest", lambda source: manifest)
    with lookalike.open(tmp_path / "other") as other:
        with pytest.raises(BackupUnreadable, match="is no"):
            restore(other, tmp_path / "backup")
        assert other.list() == []


@pytest.fixture
def tried(space):
    """The shop with a trial in which twelve visitors were answered, and some of them clicked."""
    space.trials.start(Trial("shop", "warmer", b={"by": "color"}, who="Kim"))
    answers = {person: space.get("shop").search(id="one", trial="warmer", visitor=person) for person in PEOPLE}
    for person in PEOPLE[::2]:
        space.trials.log("shop", answers[person].impression, answers[person][0].id)
    return answers


PEOPLE = [f"visitor-{number}" for number in range(12)]


@pytest.mark.parametrize("name", ["backup", "backup.zip"])
def test_a_trial_goes_on_where_it_was(space, tried, tmp_path, name):
    before, answers = space.trials.report("shop", "warmer"), tried
    backup(space, tmp_path / name)
    with lookalike.open(tmp_path / "other") as other:
        restore(other, tmp_path / name)
        assert other.trials.report("shop", "warmer") == before
        for person, answer in answers.items():
            assert other.get("shop").search(id="one", trial="warmer", visitor=person).variant == answer.variant
        late = answers[PEOPLE[1]]
        assert other.trials.log("shop", late.impression, late[0].id), "an answer from before is clicked on afterwards"
        again = answers[PEOPLE[0]]
        assert not other.trials.log("shop", again.impression, again[0].id), "what counted then doesn't count twice"


def test_another_trial_of_that_name_stays_what_it_is(space, tried, tmp_path):
    backup(space, tmp_path / "backup")
    figures = space.trials.report("shop", "warmer").arms
    space.trials.forget("shop", "warmer")
    mine = space.trials.start(Trial("shop", "warmer", b={"by": "copy"}))
    for _ in range(2):
        restore(space, tmp_path / "backup", force=True)
        assert space.trials.find("shop", "warmer") == mine
        (other,) = (trial for trial in space.trials.list("shop") if trial != mine)
        assert (other.name[:7], len(other.name)) == ("warmer-", 15)
        assert space.trials.report("shop", other.name).arms == figures


def test_the_same_trial_gets_its_state_back_and_keeps_what_happened_since(space, tried, tmp_path):
    backup(space, tmp_path / "backup")
    later = space.get("shop").search(id="one", trial="warmer", visitor="later")
    space.trials.log("shop", later.impression, later[0].id)
    figures = space.trials.report("shop", "warmer").arms
    space.trials.promote("shop", "warmer", "b")
    restore(space, tmp_path / "backup", force=True)
    assert [trial.name for trial in space.trials.list("shop")] == ["warmer"]
    trial = space.trials.find("shop", "warmer")
    assert (trial.state, trial.promoted, trial.ended) == ("running", "", None)
    assert space.get("shop").settings.weights == {"meaning": 1.0}
    assert space.trials.report("shop", "warmer").arms == figures


def test_the_trial_of_a_long_name_finds_room_for_its_digest(space, tmp_path):
    name = "n" * 64
    space.trials.start(Trial("shop", name, b={"by": "color"}))
    backup(space, tmp_path / "backup")
    space.trials.forget("shop", name)
    space.trials.start(Trial("shop", name, b={"by": "copy"}))
    restore(space, tmp_path / "backup", force=True)
    assert sorted(len(trial.name) for trial in space.trials.list("shop")) == [64, 64]


@pytest.mark.parametrize(
    "harm",
    [
        lambda told: told[0]["trial"].update(name="../x"),
        lambda told: told[0]["trial"].update(state="odd"),
        lambda told: told[0]["trial"].update(odd=1),
        lambda told: told[0]["trial"].pop("name"),
        lambda told: told[0].update(events=told[0]["impressions"]),
        lambda told: told[0].pop("events"),
    ],
)
def test_a_trial_that_is_none_stops_a_restore_before_anything_changed(space, tried, tmp_path, monkeypatch, harm):
    backup(space, tmp_path / "backup")
    manifest = snapshots.read_manifest(tmp_path / "backup")
    harm(manifest["belongings"]["trials"])
    monkeypatch.setattr(snapshots, "read_manifest", lambda source: manifest)
    with lookalike.open(tmp_path / "other") as other:
        with pytest.raises(BackupUnreadable):
            restore(other, tmp_path / "backup")
        assert (other.list(), (other.path / "taggers").exists()) == ([], False)


def test_format_2_without_trials_is_read(space, tried, tmp_path, monkeypatch):
    backup(space, tmp_path / "backup")
    manifest = snapshots.read_manifest(tmp_path / "backup")
    assert manifest["format"] == 2
    del manifest["belongings"]["trials"]
    monkeypatch.setattr(snapshots, "read_manifest", lambda source: manifest)
    with lookalike.open(tmp_path / "other") as other:
        restore(other, tmp_path / "backup")
        assert other.trials.list("shop") == []
        assert next(iter(other.get("shop").settings.taggers))["tagger"] == "room"


def test_format_1_is_read(space, tmp_path, monkeypatch):
    backup(space, tmp_path / "backup")
    manifest = snapshots.read_manifest(tmp_path / "backup")
    del manifest["belongings"]
    old = json.loads(json.dumps(manifest | {"format": 1}))
    monkeypatch.setattr(snapshots, "read_manifest", lambda source: old)
    restore(space, tmp_path / "backup", force=True)
    assert next(iter(space.get("shop").settings.taggers))["tagger"] == "room"
