"""A head behind an ONNX file: a file that others accept, whose vectors are what NumPy says."""

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from lookalike.describers.cards import card
from lookalike.describers.weights import read_weights
from lookalike.learning.head import Head, joined_rows, learned_rows
from lookalike.learning.onnxfile import FEATURES, feature_tensors, with_features, with_head
from lookalike.learning.protobuf import fields, message, number, text


def ran(model, outputs, feed):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return session.run(outputs, feed)


@pytest.fixture(scope="module")
def bundled():
    return read_weights(card())


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (3, 128, 128, 3), np.uint8)


def test_the_bundled_model_averages_twice(bundled, pixels):
    tensors = feature_tensors(bundled)
    assert len(tensors) == 2
    assert ran(with_features(bundled, tensors), [FEATURES], {"pixels": pixels})[0].shape == (3, 1024)


def test_the_head_is_what_numpy_says_and_all_else_stays(bundled, pixels):
    tensors = feature_tensors(bundled)
    features = ran(with_features(bundled, tensors), [FEATURES], {"pixels": pixels})[0]
    before, copy, logits = ran(bundled, ["meaning", "copy", "logits"], {"pixels": pixels})
    random = np.random.default_rng(1)
    head = Head(*(random.standard_normal(shape).astype(np.float32) for shape in ((1024, 7), (7,))), strength=0.7)
    model = with_head(bundled, "meaning", "none", tensors, head, 256)
    onnx.checker.check_model(onnx.load_from_string(model))
    meaning, same_copy, same_logits = ran(model, ["meaning", "copy", "logits"], {"pixels": pixels})
    np.testing.assert_allclose(meaning, joined_rows(before, learned_rows(head, features), 0.7), atol=2e-5)
    np.testing.assert_array_equal(same_copy, copy)
    np.testing.assert_array_equal(same_logits, logits)


@pytest.mark.parametrize(("pooling", "pooled"), [("first", lambda x: x[:, 0]), ("mean", lambda x: x.mean(1))])
def test_a_model_of_tokens_is_pooled_in_the_file(pooling, pooled):
    shape = ["n", 5, 4]
    graph = helper.make_graph(
        [helper.make_node("Relu", ["input"], ["tokens"])],
        "tokens",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("tokens", TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    random = np.random.default_rng(2)
    rows = random.standard_normal((2, 5, 4)).astype(np.float32)
    head = Head(*(random.standard_normal(shape).astype(np.float32) for shape in ((4, 3), (3,))), strength=0.5)
    found = ran(with_head(model, "tokens", pooling, [], head, 4), ["meaning"], {"input": rows})[0]
    vector = pooled(np.maximum(rows, 0))
    before = vector / np.linalg.norm(vector, axis=1, keepdims=True)
    np.testing.assert_allclose(found, joined_rows(before, learned_rows(head, vector), 0.5), atol=1e-5)


def test_averages_that_are_parts_of_normalizations_are_no_features():
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["input"], ["mean"], axes=[1]),
            helper.make_node("Sub", ["input", "mean"], ["x"]),
        ],
        "normalization",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
    )
    assert feature_tensors(helper.make_model(graph).SerializeToString()) == []


@given(st.lists(st.tuples(st.integers(1, 500), st.one_of(st.integers(0, 2**62), st.binary(), st.text()))))
def test_what_is_written_is_read(content):
    written = b"".join(
        number(place, value)
        if isinstance(value, int)
        else text(place, value)
        if isinstance(value, str)
        else message(place, value)
        for place, value in content
    )
    found = [(place, value) for place, value, _ in fields(written)]
    assert found == [(place, value.encode() if isinstance(value, str) else value) for place, value in content]
    assert b"".join(raw for _, _, raw in fields(written)) == written


@pytest.mark.parametrize("data", [b"\x0a\x05ab", b"\xff" * 12, b"\x0b", b"\x0d\x00"])
def test_what_is_cut_short_or_none_is_refused(data):
    with pytest.raises(ValueError, match=r"cut short|kind|end"):
        list(fields(data))
