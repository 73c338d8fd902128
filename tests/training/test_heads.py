"""Label heads on drawn clouds of points whose answer is known."""

import numpy as np
import pytest

from lookalike.training.heads import Lessons, Taught, discriminant, gate, logistic, softmax, temperature


@pytest.fixture(scope="module")
def clouds():
    """Three clouds that are wide along the first axis, which tells nothing of their class."""
    rng = np.random.default_rng(4)
    classes = np.repeat([0, 1, 2], 400)
    centers = np.array([[0, 1, 0], [0, -1, 0], [0, 0, 1.5]])
    return centers[classes] + rng.normal(0, [5, 0.3, 0.3], (1200, 3)), classes


def test_the_discriminant_looks_past_what_all_classes_share(clouds):
    rows, classes = clouds
    weights, offsets = discriminant(rows, classes, None, 3)
    assert (np.argmax(rows @ weights + offsets, axis=1) == classes).mean() > 0.99
    assert np.abs(weights[0]).max() < 0.1 * np.abs(weights).max()


def test_soft_answers_teach_a_class_that_nobody_labeled(clouds):
    rows, classes = clouds
    labeled = classes < 2
    total = np.stack([np.zeros(3), np.zeros(3), rows[classes == 2].sum(0)])
    soft = Taught(np.array([0.0, 0, 400]), total, np.zeros((3, 3)), np.zeros(3))
    weights, offsets = discriminant(rows[labeled], classes[labeled], soft, 3)
    assert (np.argmax(rows @ weights + offsets, axis=1) == classes).mean() > 0.95


def test_the_temperature_is_found_again():
    rng = np.random.default_rng(5)
    scores = rng.normal(0, 3, (4000, 6))
    classes = np.array([rng.choice(6, p=row) for row in softmax(0.4 * scores)])
    assert temperature(scores, classes) == pytest.approx(0.4, rel=0.1)


def test_the_gate_finds_the_curve_that_drew_the_rows():
    rng = np.random.default_rng(6)
    rows = rng.normal(0, 1, (20_000, 2))
    applies = rng.random(20_000) < logistic(rows @ [2.0, -1.0] + 0.5)
    weights, offset = gate(rows, applies, np.ones(20_000))
    assert weights == pytest.approx([2, -1], abs=0.15)
    assert offset == pytest.approx(0.5, abs=0.1)


def test_weights_of_rows_count():
    rows = np.array([[1.0], [1.0], [-1.0], [-1.0]])
    applies = np.array([True, False, True, False])
    _, even = gate(rows, applies, np.ones(4))
    _, tilted = gate(rows, applies, np.array([3.0, 1, 3, 1]))
    assert even == pytest.approx(0, abs=1e-6)
    assert logistic(np.array([tilted])) == pytest.approx(0.75, abs=0.01)


def test_a_teachers_scores_are_found_as_functions_of_rows():
    rng = np.random.default_rng(7)
    rows, weights = rng.normal(0, 1, (9000, 4)), rng.normal(0, 1, (4, 3))
    scores = (rows @ weights + [1, -2, 0.5]).astype(np.float32)
    lessons = Lessons(4, 3)
    for start in range(0, 9000, 1000):
        lessons.add(rows[start : start + 1000], scores[start : start + 1000], 0.5)
    found = lessons.taught()
    assert found.weights == pytest.approx(weights, abs=0.02)
    assert found.offsets == pytest.approx([1, -2, 0.5], abs=0.02)
    assert found.mass == pytest.approx(0.5 * softmax(scores.astype(float)).sum(0))
    assert found.total == pytest.approx(0.5 * softmax(scores.astype(float)).T @ rows)
