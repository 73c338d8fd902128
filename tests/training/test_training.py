"""The whole loop on drawn pictures: it learns, writes its log, and resumes to the bit."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra `train`")

from lookalike.errors import SourceNotFound  # noqa: E402
from lookalike.training.batches import Batches  # noqa: E402
from lookalike.training.data import TRAIN  # noqa: E402
from lookalike.training.loop import Run, describer, learning_rate  # noqa: E402
from lookalike.training.network import Network  # noqa: E402
from lookalike.training.recipe import NetworkPart, Recipe, SchedulePart  # noqa: E402
from lookalike.training.shards import Shards  # noqa: E402
from lookalike.training.teacher import Views, view_boxes  # noqa: E402


@pytest.fixture
def start(recipe, drawn_data, drawn_teacher, tmp_path):
    """Begin a run in a folder of that name."""

    def begin(name, **schedule):
        changed = dataclasses.replace(recipe, schedule=dataclasses.replace(recipe.schedule, **schedule))
        return Run(changed, drawn_data, tmp_path / "cache", tmp_path / name, "cpu")

    return begin


def weights(run):
    state = {**run.network.state_dict(), **run.objective.state_dict()}
    return {name: value.clone() for name, value in state.items()} | {
        f"averaged {name}": value.clone() for name, value in run.averaged.state_dict().items()
    }


def test_a_resumed_run_ends_with_the_weights_of_an_unbroken_one(start):
    unbroken = start("unbroken")
    unbroken.train()
    start("broken").train(until=3)
    resumed = start("broken")
    resumed.resume()
    assert resumed.step == 3
    resumed.train()
    assert resumed.step == unbroken.step == 8
    expected, found = weights(unbroken), weights(resumed)
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_the_loss_falls_and_is_logged(start):
    run = start("longer", steps=200, rate=3e-3)
    run.train()
    lines = [json.loads(line) for line in (run.out / "log.jsonl").read_text("utf-8").splitlines()]
    losses = [line["loss"] for line in lines if "loss" in line]
    assert len(losses) == 2
    assert losses[1] < losses[0]
    assert lines[0] == {"start": 0, "views": 2}


def test_figures_are_shares_of_held_out_pictures(start):
    figures = start("figures").figures()
    assert set(figures["sets"]) == {"shapes-48", "more-48"}
    assert all(0 <= value <= 1 for value in [figures["copies"], *figures["sets"].values()])


def test_a_run_may_start_from_the_weights_of_another(start):
    first = start("first")
    first.train(until=4)
    second = start("second")
    second.start_from(first.out / "checkpoint.pt")
    assert second.step == 0
    before, after = first.averaged.state_dict(), second.network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert second.train() is None
    assert second.step == 8


def test_weights_that_do_not_fit_are_left_out(start, recipe, drawn_data, tmp_path):
    first = start("first")
    first.save()
    wider = dataclasses.replace(recipe, network=dataclasses.replace(recipe.network, copy=12))
    second = Run(wider, drawn_data, tmp_path / "cache", tmp_path / "wider", "cpu")
    second.start_from(first.out / "checkpoint.pt")
    assert torch.equal(second.network.meaning.weight, first.averaged.meaning.weight)
    assert second.network.copy.weight.shape == (12, 32)


def test_the_weights_that_came_with_the_recipe_fit_its_network():
    recipes = Path(__file__).resolve().parents[2] / "recipes"
    weights = torch.load(recipes / "lookalike-mini-3.pt", weights_only=True)["averaged"]
    network = Network(Recipe.read(recipes / "mini.toml").network)
    assert {name: values.shape for name, values in weights.items()} == {
        name: values.shape for name, values in network.state_dict().items()
    }


def test_resuming_needs_a_checkpoint(start):
    with pytest.raises(SourceNotFound, match=r"checkpoint\.pt"):
        start("empty").resume()


def test_vectors_have_length_one_and_do_not_depend_on_company(start):
    run = start("vectors")
    pixels = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3)).astype(np.uint8)
    together, alone = describer(run.averaged)(pixels), describer(run.averaged)(pixels[2:3])
    for many, one in zip(together, alone, strict=True):
        assert np.linalg.norm(many, axis=1) == pytest.approx(1, abs=1e-5)
        assert many[2] == pytest.approx(one[0], abs=2e-2)  # bfloat16


@pytest.fixture
def batches(recipe, pictures, drawn_teacher, tmp_path):
    views = [Views(one, recipe.teacher, recipe.seed, tmp_path) for one in pictures.sets]
    for one in views:
        for view in range(2):
            one.make(view, drawn_teacher, threads=1)
    return Batches(recipe, pictures, views, 2)


def test_a_batch_depends_on_its_step_alone(batches):
    following = batches.follow(2)
    ahead = [next(following) for _ in range(3)]
    following.close()
    for step, batch in enumerate(ahead, start=2):
        again = batches.make(step)
        assert np.array_equal(batch.pixels, again.pixels)
        assert np.array_equal(batch.features, again.features)
        assert all(np.array_equal(batch.labels[name], again.labels[name]) for name in again.labels)


def test_an_epoch_draws_every_training_picture_once(batches, pictures):
    total = len(pictures.training_rows())
    drawn = np.concatenate([batches._chosen(step) for step in range(-(-total // 12))])[:total]
    assert len(np.unique(drawn, axis=0)) == total
    assert all(pictures.sets[one].split[row] == TRAIN for one, row in drawn)


def test_features_are_those_of_the_crop_that_is_seen(batches, pictures, drawn_teacher, recipe):
    views = [Views(one, recipe.teacher, recipe.seed, batches._views[0]._cache) for one in pictures.sets]
    box = views[0].boxes(1)[4]
    crop = pictures.sets[0].pixels[4][box[1] : box[3], box[0] : box[2]]
    assert np.array_equal(views[0].load(1)[4], drawn_teacher.describe([crop])[0])


def test_view_zero_is_whole_and_others_stay_inside(recipe):
    assert view_boxes(3, 48, (1, 0), recipe.teacher).tolist() == [[0, 0, 48, 48]] * 3
    boxes = view_boxes(500, 48, (1, 1), recipe.teacher)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) / 48**2
    assert boxes.min() >= 0
    assert boxes.max() <= 48
    assert area.min() > recipe.teacher.smallest - 0.06


def test_the_rate_warms_up_and_falls_to_its_end():
    schedule = SchedulePart(rate=1.0, final_rate=0.01, warmup=0.1)
    rates = [learning_rate(progress, schedule) for progress in (0.0, 0.05, 0.1, 0.55, 1.0)]
    assert rates == pytest.approx([0.001, 0.5, 1.0, 0.505, 0.01])


def test_shards_have_the_gradients_of_the_whole_where_nothing_is_normalized_by_batch():
    torch.manual_seed(3)
    network = Network(NetworkPart(width=16, meaning=8, copy=4))
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.train = lambda mode=True: None
            module.training = False
    pixels = torch.randint(0, 256, (7, 32, 32, 3), dtype=torch.uint8)
    weight = torch.randn(7, 8)
    gradients = []
    for count in (1, 3):
        network.zero_grad()
        shards = Shards(network, count)
        (shards.forward(pixels).meaning * weight).sum().backward()
        shards.backward()
        shards.close()
        gradients.append(network.meaning.weight.grad.clone())
    assert gradients[0].abs().max() > 0
    assert (gradients[0] - gradients[1]).abs().max() < 0.03 * gradients[0].abs().max()  # bfloat16


def test_shards_agree_on_the_mean_of_their_statistics():
    shards = Shards(Network(NetworkPart(width=16, meaning=8, copy=4)), 2)
    shards.forward(torch.randint(0, 256, (8, 32, 32, 3), dtype=torch.uint8))
    apart = [next(network.buffers()).clone() for network in shards._networks]
    shards.agree()
    shards.close()
    for network in shards._networks:
        assert torch.allclose(next(network.buffers()), (apart[0] + apart[1]) / 2)
    assert not torch.equal(apart[0], apart[1])
