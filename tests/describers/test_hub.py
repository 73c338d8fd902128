"""Fetching: resolved, resumed, checked, kept; and not a request that nobody asked for."""

import hashlib
import threading

import pytest

from lookalike.describers.cards import card
from lookalike.describers.hub import fetch
from lookalike.describers.neural import NeuralDescriber
from lookalike.describers.weights import is_here, models_folder
from lookalike.errors import FetchFailed, InvalidArgument, ModelMissing, ModelUnusable, UnknownModel, WeightsCorrupt

NAME = "clip-vit-b32"
IMAGE = ("Qdrant/clip-ViT-B-32-vision", "model.onnx")


def test_it_fetches_every_file_from_where_the_card_says_and_keeps_it(hub, known):
    towers = known(NAME)
    seen = []
    found = fetch(NAME, lambda file, done, total: seen.append((file, done, total)))
    assert {path.name: path.read_bytes() for path in found.folder.glob("*.*x")} == {
        "image.onnx": towers["image"],
        "text.onnx": towers["text"],
    }
    assert found.folder == models_folder() / NAME
    stated = card(NAME).files["image"]
    assert hub.asked[0][0] == f"/{stated.repository}/resolve/{stated.revision}/{stated.path}"
    assert seen[-1] == ("tokenizer.json", len(towers["tokenizer"]), len(towers["tokenizer"]))
    assert not list(found.folder.glob("*.part"))


def test_what_is_here_is_not_asked_for_again(hub, known):
    known(NAME)
    fetch(NAME)
    before = len(hub.asked)
    fetch(NAME)
    NeuralDescriber(card(NAME))
    assert len(hub.asked) == before == 3


def test_a_cut_download_goes_on_where_it_stopped(hub, known):
    towers = known(NAME)
    hub.cuts = [10_000]
    found = fetch(NAME)
    assert found.weights.read_bytes() == towers["image"]
    assert [asked_from for _, asked_from in hub.asked[:2]] == [None, "bytes=10000-"]


def test_files_that_the_hub_keeps_elsewhere_are_followed_and_resumed_there(hub, known):
    towers = known(NAME)
    hub.cuts, hub.moved = [10_000], True
    assert fetch(NAME).weights.read_bytes() == towers["image"]
    assert [(("/moved/" in path), asked_from) for path, asked_from in hub.asked[:4]] == [
        (False, None),
        (True, None),
        (False, "bytes=10000-"),
        (True, "bytes=10000-"),
    ]


def test_a_download_cut_again_and_again_is_kept_for_the_next_run(hub, known):
    towers = known(NAME)
    hub.cuts = [10_000, 5_000, 1_000]
    with pytest.raises(FetchFailed, match=r"cut after 16,000 of .* run the command again"):
        fetch(NAME)
    assert not is_here(card(NAME))
    assert fetch(NAME).weights.read_bytes() == towers["image"]
    assert hub.asked[3][1] == "bytes=16000-"


def test_a_hub_that_cannot_go_on_in_the_middle_sends_the_whole_file_again(hub, known):
    towers = known(NAME)
    hub.cuts, hub.ranges = [10_000], False
    assert fetch(NAME).weights.read_bytes() == towers["image"]


def test_a_part_longer_than_the_file_is_dropped(hub, known):
    towers = known(NAME)
    file = card(NAME).files["image"]
    part = models_folder() / NAME / f"image.onnx.{file.revision[:12]}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * (len(towers["image"]) + 5))
    assert fetch(NAME).weights.read_bytes() == towers["image"]


def test_a_part_of_something_else_is_cleared_and_fetched_once_more(hub, known):
    towers = known(NAME)
    file = card(NAME).files["image"]
    part = models_folder() / NAME / f"image.onnx.{file.revision[:12]}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 100)
    assert fetch(NAME).weights.read_bytes() == towers["image"]
    assert [asked_from for _, asked_from in hub.asked[:2]] == ["bytes=100-", None]


def test_a_wrong_digest_is_refused_and_nothing_of_it_is_kept(hub, known):
    known(NAME)
    hub.files[IMAGE] = b"\x08\x08" + b"another file"
    with pytest.raises(FetchFailed, match="SHA-256"):
        fetch(NAME)
    assert len(hub.asked) == 2  # once more, then no more
    assert {path.name for path in (models_folder() / NAME).iterdir()} <= {".lock"}


def test_a_damaged_file_is_found_out_and_fetched_again(hub, known, draw):
    towers = known(NAME)
    found = fetch(NAME)
    found.weights.write_bytes(towers["image"][:-1] + b"?")
    with pytest.raises(WeightsCorrupt, match=f"models fetch {NAME}"):
        NeuralDescriber(card(NAME)).describe([draw(1)])
    assert fetch(NAME).weights.read_bytes() == towers["image"]


def test_a_digest_that_nobody_states_is_recorded_at_first_sight_and_checked_ever_after(hub, known):
    towers = known(NAME)
    assert card(NAME).files["tokenizer"].sha256 == ""
    found = fetch(NAME)
    assert found.files["tokenizer"].sha256 == hashlib.sha256(towers["tokenizer"]).hexdigest()
    (found.folder / "tokenizer.json").write_bytes(towers["tokenizer"] + b" ")
    with pytest.raises(WeightsCorrupt, match="SHA-256"):
        NeuralDescriber(card(NAME)).embed_texts(["a red car"])


def test_a_model_that_is_not_here_says_how_to_get_it_and_asks_nobody(hub, known):
    known(NAME)
    with pytest.raises(ModelMissing) as caught:
        NeuralDescriber(card(NAME))
    stated = card(NAME).files["text"]
    for part in (
        f"lookalike models fetch {NAME}",
        str(models_folder() / NAME),
        f"text.onnx: {hub.url}/{stated.repository}/resolve/{stated.revision}/{stated.path}",
    ):
        assert part in str(caught.value)
    assert hub.asked == []


def test_files_brought_by_hand_are_as_good(hub, known, draw):
    towers = known(NAME)
    folder = models_folder() / NAME
    folder.mkdir(parents=True)
    for role, name in (("image", "image.onnx"), ("text", "text.onnx"), ("tokenizer", "tokenizer.json")):
        (folder / name).write_bytes(towers[role])
    assert NeuralDescriber(card(NAME)).describe([draw(1)])["meaning"].shape == (1, 512)
    assert hub.asked == []


def test_no_hub_is_a_clear_error(known, monkeypatch):
    known(NAME)
    monkeypatch.setenv("LOOKALIKE_HUB", "http://127.0.0.1:9")
    with pytest.raises(FetchFailed, match="could not be fetched"):
        fetch(NAME)


@pytest.mark.parametrize(("status", "tries"), [(404, 1), (403, 1), (503, 3), (429, 3)])
def test_the_hub_is_asked_again_only_where_that_may_help(hub, known, status, tries):
    known(NAME)
    hub.refuses = [status] * tries
    with pytest.raises(FetchFailed, match=str(status)):
        fetch(NAME)
    assert len(hub.asked) == tries


def test_a_hub_that_was_busy_for_a_moment_is_no_failure(hub, known):
    known(NAME)
    hub.refuses = [503]
    assert is_here(fetch(NAME))


def test_two_at_once_fetch_each_file_once(hub, known):
    known(NAME)
    threads = [threading.Thread(target=fetch, args=(NAME,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert is_here(card(NAME))
    assert len(hub.asked) == 3


def test_pickles_are_never_kept(hub, known):
    known("sscd-disc-mixup")
    with pytest.raises(ModelMissing, match="PyTorch"):
        fetch("sscd-disc-mixup")
    folder = models_folder() / "sscd-disc-mixup"
    folder.mkdir(parents=True)
    (folder / "image.onnx").write_bytes(b"PK\x03\x04 a TorchScript archive")
    with pytest.raises(ModelUnusable, match="Only ONNX"):
        fetch("sscd-disc-mixup")
    assert hub.asked == []


REPOSITORY = "someone/tiny-model"


def test_a_repository_is_read_with_its_preprocessor(hub, make, draw):
    hub.files = {
        (REPOSITORY, "onnx/vision_model.onnx"): make.image_tower(32, "image_embeds", 24),
        (REPOSITORY, "onnx/text_model.onnx"): make.text_tower("text_embeds", 24, masked=True),
        (REPOSITORY, "onnx/vision_model_fp16.onnx"): b"not wanted",
        (REPOSITORY, "tokenizer.json"): make.tokenizer_file(),
        (REPOSITORY, "tokenizer_config.json"): b'{"model_max_length": 12}',
        (REPOSITORY, "pytorch_model.bin"): b"PK\x03\x04",
        (
            REPOSITORY,
            "preprocessor_config.json",
        ): b"""{"size": {"shortest_edge": 40}, "crop_size": {"height": 32, "width": 32},
            "do_center_crop": true, "resample": 3, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25]}""",
    }
    found = fetch(f"hf:{REPOSITORY}")
    how = found.prepare
    assert (how.side, how.fit, how.shorter, how.resample) == (32, "crop", 40, "bicubic")
    assert (how.mean, how.std) == ((0.5,) * 3, (0.25,) * 3)
    assert all(hub.commit in path for path, _ in hub.asked[1:])
    assert {path.rsplit("/", 1)[1] for path, _ in hub.asked[1:]} == {
        *("vision_model.onnx", "text_model.onnx", "tokenizer.json", "tokenizer_config.json", "preprocessor_config.json")
    }
    describer = NeuralDescriber(card(f"hf:{REPOSITORY}"))
    assert describer.describe([draw(1)])["meaning"].shape == (1, 24)
    assert describer.embed_texts(["a red car", "dog"]).shape == (2, 24)
    before = len(hub.asked)
    fetch(f"hf:{REPOSITORY}")
    assert len(hub.asked) == before


def test_a_damaged_file_of_a_repository_is_found_out_by_the_digest_that_the_hub_states(hub, make, monkeypatch):
    hub.files = {(REPOSITORY, "model.onnx"): make.image_tower(32, "image_embeds", 24)}
    stated = hub.about(REPOSITORY)
    monkeypatch.setattr(hub, "about", lambda repository: stated)
    hub.files[REPOSITORY, "model.onnx"] = make.image_tower(32, "image_embeds", 24, seed=9)
    with pytest.raises(FetchFailed, match="SHA-256"):
        fetch(f"hf:{REPOSITORY}")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["model.safetensors", "pytorch_model.bin"], "no ONNX file"),
        (["a.onnx", "b.onnx"], "hf:someone/tiny-model/a.onnx"),
        (["onnx/model.pt"], "no ONNX file"),
    ],
)
def test_a_repository_without_one_onnx_file_says_so(hub, files, said):
    hub.files = {(REPOSITORY, path): b"\x80\x02pickle" for path in files}
    with pytest.raises(ModelUnusable, match=said):
        fetch(f"hf:{REPOSITORY}")


def test_a_pickle_that_calls_itself_onnx_is_refused_before_it_is_kept(hub):
    hub.files = {(REPOSITORY, "model.onnx"): b"\x80\x04\x95 a pickle"}
    with pytest.raises(ModelUnusable, match="Only ONNX"):
        fetch(f"hf:{REPOSITORY}")
    assert not (models_folder() / "hf--someone--tiny-model" / "image.onnx").exists()


@pytest.mark.parametrize("name", ["hf:nothing", "hf:../../etc", "hf:a/b/c.pt", "onnx:model.onnx"])
def test_names_that_mean_nothing_to_a_hub_are_refused(hub, name):
    with pytest.raises(InvalidArgument):
        fetch(name)
    assert hub.asked == []


def test_a_folder_that_cannot_be_made_is_said(hub, known, tmp_path, monkeypatch):
    known(NAME)
    (tmp_path / "file").write_text("in the way", "utf-8")
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "file"))
    with pytest.raises(FetchFailed, match="LOOKALIKE_MODELS"):
        fetch(NAME)


def test_unknown_models_are_named_as_such(hub):
    with pytest.raises(UnknownModel, match="dinov2-small"):
        fetch("dinov9")
    with pytest.raises(FetchFailed, match="404"):
        fetch("hf:nobody/nothing")


def test_the_bundled_model_is_here_already(hub):
    assert fetch("lookalike-mini").sha256
    assert hub.asked == []
