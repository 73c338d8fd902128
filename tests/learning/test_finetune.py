"""The network's last stages in PyTorch: what the file says, losses, and a training that goes on where it stopped."""

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra `train`")

from lookalike.errors import InvalidArgument, ModelUnusable  # noqa: E402
from lookalike.learning import finetune as finetuning  # noqa: E402
from lookalike.learning import train  # noqa: E402
from lookalike.learning.finetune import Course, Lesson, finetune  # noqa: E402
from lookalike.learning.late import branch_file, late_stages  # noqa: E402
from lookalike.learning.objectives import Classes, contrastive, hardest, triplet  # noqa: E402
from lookalike.learning.onnxfile import FEATURES, feature_tensors, with_branch, with_features  # noqa: E402
from lookalike.learning.views import Base  # noqa: E402
from lookalike.settings import Settings  # noqa: E402
from lookalike.training.export import opened  # noqa: E402
from lookalike.training.network import unit  # noqa: E402


@pytest.fixture(scope="module")
def base():
    return Base("lookalike-mini")


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (3, 128, 128, 3), np.uint8)


def ran(model, output, pixels):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options).run([output], {"pixels": pixels})[0]


@torch.no_grad()
def test_the_stages_are_those_of_the_file_and_go_back_into_it(base, pixels):
    late, tensor = late_stages(base.model, "mini", 8)
    fine = ran(with_features(base.model, [tensor]), FEATURES, pixels)
    wanted = ran(with_features(base.model, feature_tensors(base.model)), FEATURES, pixels)
    made = late.features(torch.from_numpy(fine)).numpy()
    assert np.corrcoef(made.ravel(), wanted.ravel())[0, 1] > 0.995  # the file rounds to 8 bits
    model = with_branch(base.model, "meaning", branch_file(late, fine.shape[1:]), tensor, (256, 8), 0.36)
    meaning, copy = opened(model, 1)(pixels)[:2]
    np.testing.assert_allclose(meaning[:, 256:], 0.6 * late(torch.from_numpy(fine)).numpy(), atol=1e-5)
    before, same = opened(base.model, 1)(pixels)[:2]
    np.testing.assert_allclose(meaning[:, :256], 0.8 * before / np.linalg.norm(before, axis=1)[:, None], atol=1e-5)
    np.testing.assert_array_equal(copy, same)


def test_another_network_is_refused(base):
    import onnx

    other = onnx.load_from_string(base.model)
    del other.graph.node[-60:]
    for node in other.graph.node:
        node.op_type = "Identity" if node.op_type == "Conv" else node.op_type
    with pytest.raises(ModelUnusable, match="--gear head"):
        late_stages(other.SerializeToString(), "other", 8)


def test_the_hardest_are_the_farthest_friend_and_the_nearest_stranger():
    angles = torch.tensor([0.0, 0.1, 0.9, 0.3, 2.0])
    rows = torch.stack([angles.cos(), angles.sin()], dim=1)
    places, positives, negatives = hardest(rows, torch.tensor([0, 0, 0, 1, 2]))
    assert places.tolist() == [0, 1, 2]
    assert positives.tolist() == [2, 2, 0]
    assert negatives.tolist() == [3, 3, 3]


@pytest.mark.parametrize("loss", ["softmax", "triplet", "contrastive"])
def test_every_loss_brings_classes_together(loss):
    torch.manual_seed(0)
    rows = torch.nn.Parameter(torch.randn(12, 6))
    classes = torch.arange(4).repeat_interleave(3)
    wanted = {"softmax": Classes(torch.randn(4, 6)), "triplet": triplet, "contrastive": contrastive}[loss]
    optimizer = torch.optim.Adam([rows], 0.1)
    first = None
    for _ in range(60):
        value = wanted(unit(rows), classes)
        first = value.item() if first is None else first
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    assert value.item() < 0.7 * first
    nearest = (unit(rows) @ unit(rows).T - 2 * torch.eye(12)).argmax(1)
    assert (classes[nearest] == classes).all()


def lesson():
    random = np.random.default_rng(1)
    names = [f"class {number}" for number in range(8) for _ in range(4)]
    centers = np.repeat(random.standard_normal((8, 1, 96, 4, 4)), 4, axis=0)
    views = (centers + random.standard_normal((32, 2, 96, 4, 4))).astype(np.float16)
    before = unit(torch.from_numpy(random.standard_normal((32, 16)).astype(np.float32))).numpy()
    return Lesson(views, before, names, "digest")


def course(folder, **changes):
    usual = Course(loss="softmax", epochs=2, seed=0, threads=1, folder=folder, resume=False, width=8)
    return replace(usual, **changes)


def test_a_training_that_was_cut_goes_on_to_the_same_weights(base, tmp_path, monkeypatch):
    whole = finetune(base.model, "mini", lesson(), course(tmp_path / "whole"), lambda more: None)

    def cut(more):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        finetune(base.model, "mini", lesson(), course(tmp_path / "cut"), cut)
    again = finetune(base.model, "mini", lesson(), course(tmp_path / "cut", resume=True), lambda more: None)
    assert again.choice.scores == whole.choice.scores
    assert again.epochs == whole.epochs
    for one, two in zip(whole.late.parameters(), again.late.parameters(), strict=True):
        assert torch.equal(one, two)
    with pytest.raises(InvalidArgument, match="--resume"):
        finetune(base.model, "mini", lesson(), course(tmp_path / "cut", resume=True, seed=1), lambda more: None)


def test_too_few_classes_to_say_when_to_stop(base, tmp_path):
    few = lesson()
    few = Lesson(few.views[:12], few.before[:12], few.identities[:12], "")
    with pytest.raises(InvalidArgument, match="--gear head"):
        finetune(base.model, "mini", few, course(tmp_path), lambda more: None)


def test_it_stops_when_nothing_gets_better(base, tmp_path, monkeypatch):
    monkeypatch.setattr(finetuning, "_PATIENCE", 1)
    monkeypatch.setattr(finetuning, "_RATE", 0.0)
    done = []
    found = finetune(base.model, "mini", lesson(), course(tmp_path, epochs=9), done.append)
    assert found.epochs == 0
    assert len(done) == 1
    assert len(found.curve) == 2
    assert found.curve[0] == max(found.choice.scores.values())


@pytest.mark.slow
def test_the_whole_gear(classes, tmp_path, monkeypatch):
    monkeypatch.setattr(finetuning, "_PATIENCE", 2)
    found = train(classes, tmp_path / "full", gear="full", epochs=3, settings=Settings(threads=1), anyway=True)
    report = json.loads((found.model / "report.json").read_text("utf-8"))
    assert report["gear"] == "full"
    assert not list(tmp_path.glob(".full*"))
    again = train(classes, tmp_path / "again", gear="full", epochs=3, settings=Settings(threads=1), anyway=True)
    assert (again.model / "model.onnx").read_bytes() == (found.model / "model.onnx").read_bytes()
