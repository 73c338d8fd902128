"""What an ONNX file says of itself, read without ONNX Runtime, held against the onnx package."""

import pickle

import onnx
import onnxruntime
import pytest

from lookalike.describers.graph import Tensor, exposed, read_graph


def test_inputs_and_outputs_are_those_that_onnx_reads(tmp_path, make):
    path = tmp_path / "model.onnx"
    path.write_bytes(make.image_tower(32, "image_embeds", 24))
    found = read_graph(path)
    assert found.inputs == (Tensor("pixel_values", "float32", (0, 3, 32, 32)),)
    assert found.outputs == (Tensor("image_embeds", "float32", (0, 24)),)
    graph = onnx.load(path).graph
    assert found.made_from == {output: node.input[0] for node in graph.node for output in node.output}


def test_the_bundled_model_can_be_read(tmp_path):
    from lookalike.describers.cards import card

    found = read_graph(card().weights)
    assert [one.type for one in found.inputs] == ["uint8"]
    assert {"meaning", "copy", "logits"} <= {one.name for one in found.outputs}


def test_a_tensor_inside_becomes_an_output(tmp_path, make):
    model = make.image_tower(32, "logits", 24, kind="classes")
    session = onnxruntime.InferenceSession(exposed(model, "features"), providers=["CPUExecutionProvider"])
    assert [one.name for one in session.get_outputs()] == ["logits", "features"]


OTHERS = (
    b"",
    b"\x00" * 100,
    b"hello, I am no model",
    pickle.dumps({"a": [1, 2]}),
    b"PK\x03\x04" + b"x" * 50,
    b"\xff" * 64,
)


@pytest.mark.parametrize("content", OTHERS)
def test_anything_else_is_no_onnx_model(tmp_path, content):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="no ONNX model"):
        read_graph(path)


def test_a_model_cut_short_is_no_onnx_model(tmp_path, make):
    whole = make.image_tower(16, "image_embeds", 4)
    path = tmp_path / "model.onnx"
    for length in range(1, whole.rindex(b"image_embeds"), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="no ONNX model"):
            read_graph(path)
