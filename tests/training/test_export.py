"""An exported file answers as the trained network does, under the names the product asks for."""

import hashlib
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra `train`")
onnx = pytest.importorskip("onnx", reason="export needs the extra `train`")

from lookalike.training.export import OUTPUTS, float32_file, half_file, opened, quantized_file  # noqa: E402
from lookalike.training.network import Network  # noqa: E402
from lookalike.training.recipe import NetworkPart  # noqa: E402
from lookalike.training.ship import Choice, write  # noqa: E402

SIDE = 64


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    made = Network(NetworkPart(width=48, meaning=16, copy=8))
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    return made.eval()


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(2).integers(0, 256, (11, SIDE, SIDE, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def model(network):
    return float32_file(network, SIDE)


@torch.no_grad()
def expected(network, pixels):
    given = network(torch.from_numpy(pixels))
    return [getattr(given, name).numpy() for name in OUTPUTS]


def test_export_leaves_the_network_as_it_was(network, model):
    assert not network.training


def test_names_and_types_are_the_product_s(model):
    graph = onnx.load_from_string(model).graph
    assert [entry.name for entry in graph.input] == ["pixels"]
    assert [entry.name for entry in graph.output] == ["meaning", "copy", "logits"]
    assert graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8


@pytest.mark.parametrize(
    ("kind", "vectors", "logits"),
    [("float32", 1e-4, 1e-3), ("half", 2e-3, 2e-2), ("int8", 0.06, 0.5)],
)
def test_a_file_answers_as_the_network(kind, vectors, logits, model, network, pixels):
    made = {
        "float32": lambda: model,
        "half": lambda: half_file(model),
        "int8": lambda: quantized_file(model, pixels),
    }[kind]()
    found = opened(made, threads=1)(pixels)
    wanted = expected(network, pixels)
    assert [rows.dtype for rows in found] == [np.float32] * 3
    for rows, right, tolerance in zip(found, wanted, (vectors, vectors, logits), strict=True):
        assert np.abs(rows - right).max() < tolerance
    assert np.linalg.norm(found[0], axis=1) == pytest.approx(1, abs=1e-4)


def test_smaller_files_are_smaller(model, pixels):
    assert len(half_file(model)) < 0.6 * len(model)
    assert len(quantized_file(model, pixels)) < 0.4 * len(model)


def test_pictures_may_lie_either_way_in_memory(network, pixels):
    with torch.no_grad():
        last, first = network(torch.from_numpy(pixels)), network(torch.from_numpy(pixels).permute(0, 3, 1, 2))
    assert torch.allclose(last.meaning, first.meaning, atol=1e-5)


def test_the_card_names_the_file_it_lies_beside(recipe, tmp_path):
    about = {"version": 3, "recipe": "recipes/tiny.toml", "labels": ["a"], "calibration": {}, "figures": {}}
    card = write(Choice(b"weights", 64, "int8", {}), recipe, about, tmp_path)
    assert json.loads((tmp_path / "tiny.json").read_text("utf-8")) == card
    assert card["sha256"] == hashlib.sha256((tmp_path / "tiny.onnx").read_bytes()).hexdigest()
    assert card["trained_on"] == [{"set": "shapes-48", "terms": "none stated"}, {"set": "more-48", "terms": "CC0"}]
