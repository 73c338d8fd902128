"""The reference model read part by part answers as it does whole."""

import numpy as np
import pytest

litert = pytest.importorskip("ai_edge_litert.interpreter", reason="the teacher needs the extra `train`")

from lookalike.errors import SourceNotFound  # noqa: E402
from lookalike.training.teacher import Teacher  # noqa: E402

from .conftest import drawn  # noqa: E402

MODEL = "reference-model/mobilenet_v2_1.0_224_quant.tflite"


def test_features_and_last_layer_give_the_models_own_answers(shared_data):
    import cv2

    teacher = Teacher(shared_data / MODEL)
    pictures = [drawn(seed, 8) for seed in range(4)]
    logits = teacher.describe(pictures) * teacher.scale @ teacher.answers.weights + teacher.answers.bias
    odds = np.exp(logits - logits.max(1, keepdims=True))
    odds /= odds.sum(1, keepdims=True)
    whole = litert.Interpreter(str(shared_data / MODEL), num_threads=1)
    whole.allocate_tensors()
    for picture, mine in zip(pictures, odds, strict=True):
        whole.set_tensor(whole.get_input_details()[0]["index"], cv2.resize(picture, (224, 224))[None])
        whole.invoke()
        theirs = whole.get_tensor(whole.get_output_details()[0]["index"])[0, 1:] / 256
        # theirs are rounded to 8 bits, and divided by a sum that counts the background class
        assert np.abs(mine - theirs).max() < 0.05


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(SourceNotFound, match="none"):
        Teacher(tmp_path / "none.tflite")
