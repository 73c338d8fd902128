"""Cards: every one complete, and models of the user's own by what their files say."""

import json
import pickle
import re

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from lookalike.describers.cards import KNOWN, able_to_read, card, facts, names
from lookalike.describers.neural import NeuralDescriber
from lookalike.errors import ModelMissing, ModelUnusable, UnknownModel

CARDS = sorted(path.stem for path in KNOWN.glob("*.json"))


def test_the_models_that_were_promised_are_there():
    assert {"dinov2-small", "dinov2-base", "siglip2-base", "clip-vit-b32", "resnet-18"} < set(names())
    assert {"mobileclip2-s2", "sscd-disc-mixup", "lookalike-mini"} < set(names())
    assert set(able_to_read()) == {"siglip2-base", "clip-vit-b32", "mobileclip2-s2"}


@pytest.mark.parametrize("name", CARDS)
def test_a_card_states_where_its_files_are_and_what_was_verified(name):
    stated, found = facts(name), card(name)
    assert found.name == name
    assert stated["license"]
    assert stated["verified"]
    assert stated["not_verified"]
    assert stated["source"]
    for file in found.files.values():
        assert bool(file.repository) != bool(found.by_hand)
        assert re.fullmatch(r"[0-9a-f]{64}|", file.sha256)
        if file.repository:
            assert re.fullmatch(r"[0-9a-f]{40}", file.revision), "what a branch holds may change"
            assert file.megabytes > 0


@pytest.mark.parametrize("name", CARDS)
def test_an_image_tower_that_the_hub_has_is_pinned_by_its_digest(name):
    found = card(name)
    assert found.sha256 or found.by_hand


@pytest.mark.parametrize("name", CARDS)
def test_preparation_is_possible(name):
    how = card(name).prepare
    assert how.fit == "squash" or how.shorter >= how.side
    assert how.mean is not None
    assert how.std is not None
    assert min(how.std) > 0


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UnknownModel, match=r"clip-vit-b32.*onnx:FILE, hf:OWNER/REPO"):
        card("../dinov2-small")


def test_a_file_of_one_s_own_is_read_from_its_graph(tmp_path, make, draw):
    path = tmp_path / "own.onnx"
    path.write_bytes(make.image_tower(48, "embedding", 10, input_name="data"))
    found = card(f"onnx:{path}")
    assert (found.input, found.input_size, dict(found.vectors)) == ("data", 48, {"meaning": 10})
    assert (found.prepare.layout, found.prepare.mean) == ("nchw", (0.485, 0.456, 0.406))
    assert found.signature.startswith("onnx:own.onnx/1@")
    assert NeuralDescriber(found).describe([draw(1)])["meaning"].shape == (1, 10)


def test_a_card_beside_the_file_goes_over_what_the_graph_says(tmp_path, make, draw):
    path = tmp_path / "own.onnx"
    path.write_bytes(make.image_tower(48, "embedding", 10))
    beside = {
        "version": 7,
        "license": "MIT",
        "prepare": {"fit": "crop", "shorter": 60, "mean": [0, 0, 0], "std": [1, 1, 1]},
        "vectors": {"copy": 10},
        "outputs": {"copy": "embedding"},
        "calibration": {"copy": {"scale": 10.0, "offset": -5.0}},
    }
    path.with_suffix(".json").write_text(json.dumps(beside), "utf-8")
    found = card(f"onnx:{path}")
    assert (found.version, found.license, found.prepare.side, found.prepare.shorter) == (7, "MIT", 48, 60)
    assert found.calibration["copy"].probability(0.5) == 0.5
    assert set(NeuralDescriber(found).describe([draw(1)])) == {"copy"}


def test_another_file_of_the_same_name_has_another_signature(tmp_path, make):
    path = tmp_path / "own.onnx"
    path.write_bytes(make.image_tower(48, "embedding", 10))
    before = card(f"onnx:{path}").signature
    path.write_bytes(make.image_tower(48, "embedding", 10, seed=1))
    assert card(f"onnx:{path}").signature != before


def test_raw_pixels_are_given_raw(tmp_path, draw):
    nodes = [
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["meaning"], axes=[1, 2], keepdims=0),
    ]
    inputs = [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", 20, 20, 3])]
    outputs = [helper.make_tensor_value_info("meaning", TensorProto.FLOAT, ["n", 3])]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs)
    path = tmp_path / "raw.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    found = card(f"onnx:{path}")
    assert (found.prepare.layout, found.prepare.mean) == ("nhwc", None)
    color = np.full((30, 40, 3), (10, 20, 40), np.uint8)
    assert NeuralDescriber(found).raw([color])["meaning"][0] == pytest.approx([10, 20, 40])


def test_a_width_that_the_graph_leaves_open_must_be_stated(tmp_path, make):
    model = onnx.load_from_string(make.image_tower(48, "embedding", 10))
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "width"
    path = tmp_path / "open.onnx"
    onnx.save(model, path)
    with pytest.raises(ModelUnusable, match="vectors"):
        card(f"onnx:{path}")
    path.with_suffix(".json").write_text('{"vectors": {"meaning": 10}}', "utf-8")
    assert card(f"onnx:{path}").vectors == {"meaning": 10}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.pt", b"PK\x03\x04 zip of pickles"),
        ("model.onnx", b"PK\x03\x04 zip of pickles"),
        ("model.onnx", pickle.dumps({"weights": [1.0]})),
        ("model.pkl", pickle.dumps({"weights": [1.0]})),
        ("model.pth", b"\x08\x08 looks like ONNX from its first bytes"),
        ("model.bin", b"anything"),
    ],
)
def test_files_that_can_run_code_are_never_opened(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelUnusable, match="Only ONNX is opened"):
        card(f"onnx:{tmp_path / name}")


@pytest.mark.parametrize("content", [b"", b"hello", b"\x08\x08", b"\x10\x00\x00\x00\x00\x00\x00\x00{}"])
def test_what_is_no_model_is_a_clear_error(tmp_path, content):
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(ModelUnusable, match="no ONNX model"):
        card(f"onnx:{tmp_path / 'model.onnx'}")


def test_a_path_that_leads_nowhere_is_said(tmp_path):
    with pytest.raises(ModelMissing, match=r"gone\.onnx"):
        card(f"onnx:{tmp_path / 'gone.onnx'}")


@pytest.mark.parametrize("beside", ["no JSON", "[1]", '{"prepare": {"side": "wide", "unknown": 1}}', '{"vectors": 3}'])
def test_a_card_beside_that_means_nothing_is_a_clear_error(tmp_path, make, beside):
    path = tmp_path / "own.onnx"
    path.write_bytes(make.image_tower(48, "embedding", 10))
    path.with_suffix(".json").write_text(beside, "utf-8")
    with pytest.raises(ModelUnusable):
        card(f"onnx:{path}")
