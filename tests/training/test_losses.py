"""Terms are low where they should be, and blind to what they must not see."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra `train`")

from lookalike.training.losses import Objective, Whitening, _spread  # noqa: E402
from lookalike.training.network import Outputs, unit  # noqa: E402
from lookalike.training.recipe import LossPart, NetworkPart  # noqa: E402
from lookalike.training.teacher import FEATURES, Answers  # noqa: E402

NONE, KEYS = torch.zeros(0, dtype=torch.long), torch.zeros(0, 8)


@pytest.fixture(scope="module")
def features():
    return np.random.default_rng(0).uniform(0, 4, (40, FEATURES)).astype(np.float32)


@pytest.fixture(scope="module")
def objective(features):
    torch.manual_seed(0)
    rng = np.random.default_rng(1)
    answers = Answers(rng.normal(0, 0.1, (FEATURES, 1000)).astype(np.float32), np.zeros(1000, np.float32))
    part = NetworkPart(width=24, meaning=16, copy=8)
    return Objective(LossPart(), part, {"things": 3}, answers, Whitening(features, 16))


def outputs(meaning, copy, features, objective):
    logits = features @ objective.answer_weights + objective.answer_bias
    return Outputs(meaning, unit(copy), logits, torch.zeros(len(meaning), 24))


def test_a_student_that_agrees_with_its_teacher_loses_nothing(objective, features):
    taught = torch.from_numpy(features)
    meaning = unit((taught - objective.mean) @ objective.components)
    terms = objective(outputs(meaning, torch.randn(40, 8), taught, objective), NONE, KEYS, taught, {})
    assert terms["meaning"].item() == pytest.approx(0, abs=1e-4)
    assert terms["answers"].item() == pytest.approx(0, abs=1e-4)
    assert terms["labels"].item() == 0
    assert "contrast" not in terms


def test_pictures_without_a_label_are_not_asked(objective, features):
    taught = torch.from_numpy(features[:4])
    given = outputs(unit(torch.randn(4, 16)), torch.randn(4, 8), taught, objective)
    all_known = objective(given, NONE, KEYS, taught, {"things": torch.tensor([0, 1, 2, 0])})["labels"]
    none_known = objective(given, NONE, KEYS, taught, {"things": torch.full((4,), -1)})["labels"]
    assert none_known.item() == 0
    assert all_known.item() > 0


def test_contrast_is_low_when_copies_are_nearest_to_their_originals(objective):
    originals = torch.eye(8)[:6]
    right = torch.cat([originals, originals[:3]])
    wrong = torch.cat([originals, originals[3:6]])
    copied = torch.arange(3)
    assert objective._contrast(right, copied).item() < 0.01
    assert objective._contrast(wrong, copied).item() > 5


def test_a_remembered_look_alike_makes_the_original_harder_to_find(objective):
    keys, copied = torch.eye(8)[:4], torch.tensor([1, 2])
    alone = objective._recall(keys[copied], copied, keys).item()
    objective.memory = keys[1:2].clone()
    beside = objective._recall(keys[copied], copied, keys).item()
    objective.memory = objective.memory[:0]
    assert alone < 0.01
    assert beside > 0.3


def test_the_memory_keeps_the_newest_keys(features, objective):
    answers = Answers(objective.answer_weights.numpy(), objective.answer_bias.numpy())
    part = NetworkPart(width=24, meaning=16, copy=8)
    remembering = Objective(LossPart(memory=5), part, {}, answers, Whitening(features, 16))
    taught = torch.from_numpy(features[:4])
    given = outputs(unit(torch.randn(6, 16)), torch.randn(6, 8), taught, remembering)
    first, second = unit(torch.randn(4, 8)), unit(torch.randn(4, 8))
    for keys in (first, second):
        assert remembering(given, torch.tensor([0, 1]), keys, taught, {})["recall"].item() > 0
    assert torch.equal(remembering.memory, torch.cat([second, first[:1]]))
    assert remembering.state_dict()["memory"].shape == (5, 8)


def test_spread_falls_when_neighbors_part():
    crowded = unit(torch.tensor([[1.0, 0.0], [1.0, 0.3], [1.0, -0.3]]))
    apart = unit(torch.tensor([[1.0, 0.0], [-0.5, 0.87], [-0.5, -0.87]]))
    nobody = torch.zeros(0, 2)
    assert _spread(apart, nobody).item() < _spread(crowded, nobody).item()
    assert _spread(apart, nobody).item() < _spread(apart, crowded).item()


def test_whitened_components_are_uncorrelated(features):
    whitening = Whitening(features, 16)
    reduced = (features - whitening.mean) @ whitening.components
    correlation = np.corrcoef(reduced.T)
    assert np.abs(correlation - np.eye(16)).max() < 1e-2
