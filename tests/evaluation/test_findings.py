"""What an evaluation points at is there: planted wrong labels, twins of other labels, pictures seen in training."""

from dataclasses import replace

import numpy as np
import pytest

from lookalike.describers.calibration import Calibration
from lookalike.errors import InvalidArgument
from lookalike.evaluation import evaluate_described
from lookalike.evaluation.leaks import leaks


def test_planted_labels_are_suspected_and_no_others(made, clouds):
    rows, labels = clouds(2, 5, 30)
    planted = {3: "l4", 40: "l0", 77: "l1"}
    wrong = [planted.get(place, label) for place, label in enumerate(labels)]
    found = evaluate_described(made(rows, wrong)).suspects
    assert {one.name: (one.label, one.suggested) for one in found} == {
        f"p{place}": (label, labels[place]) for place, label in planted.items()
    }
    assert all(one.share >= 0.6 and one.own_share <= 0.2 and len(one.neighbors) == 10 for one in found)


def test_small_labels_are_never_suggested(made, clouds):
    rows, labels = clouds(3, 20, 4)
    assert list(evaluate_described(made(rows, [labels[0], "l5", *labels[2:]])).suspects) == []


def test_the_training_set_votes_too(made, clouds):
    rows, labels = clouds(4, 3, 20)
    few = [0, 1, 20, 21, 40]
    wrong = ["l2", *(labels[place] for place in few[1:])]
    rest = [place for place in range(60) if place not in few]
    training = made(rows[rest], [labels[place] for place in rest], names=[f"t{place}" for place in rest])
    found = evaluate_described(made(rows[few], wrong, names=[f"p{place}" for place in few]), training=training)
    assert [(one.name, one.suggested) for one in found.suspects] == [("p0", "l0")]
    assert found.training == 55


def test_hard_pairs_are_the_nearest_of_other_labels(made):
    angles = np.radians([0, 1, 50, 51.5, 120, 121])
    found = evaluate_described(made(np.stack([np.cos(angles), np.sin(angles)], 1), ["a", "b", "c", "c", "a", "b"])).hard
    assert [(one.a, one.b) for one in found][:2] == [("p0", "p1"), ("p4", "p5")]
    assert found[0].score == pytest.approx(np.cos(np.radians(1)), abs=1e-6)
    assert all(one.a_label != one.b_label for one in found)


def test_best_and_worst_questions_are_of_different_labels(made, clouds):
    rows, labels = clouds(5, 4, 6, spread=0.1)
    rows[0] = rows[23]  # of another label, where its own are far
    found = evaluate_described(made(rows, labels))
    assert found.worst[0].name in ("p0", "p23")
    assert found.best[0].average_precision == 1.0
    assert found.best[0].first_rank == 1
    for chosen in (found.best, found.worst):
        assert len({one.label for one in chosen}) == len(chosen) == 4
        assert [one.average_precision for one in chosen] == sorted(
            (one.average_precision for one in chosen), reverse=chosen is found.best
        )


def test_a_sample_asks_with_fewer_of_all(made, clouds):
    rows, labels = clouds(6, 4, 10)
    found = evaluate_described(made(rows, labels), sample=12)
    assert (found.asked, found.pictures) == (12, 40)
    assert found == evaluate_described(made(rows, labels), sample=12)


def test_re_ranking_stands_beside_the_plain_line(made, clouds):
    rows, labels = clouds(7, 6, 20, spread=1.2)
    lines = {line.name: line for line in evaluate_described(made(rows, labels)).lines}
    assert list(lines) == ["meaning", "meaning re-ranked", "random"]
    assert lines["meaning re-ranked"].mean_average_precision.low > lines["meaning"].mean_average_precision.high
    for line in lines.values():
        assert line.rank_at[0] == line.recall_at_1.value
        assert line.rank_at[9] == line.recall_at_10.value
        assert list(line.rank_at) == sorted(line.rank_at)
        assert line.comparative.negatives == 99


def hashes(*codes):
    signs = np.unpackbits(np.array(codes, ">u8").view(np.uint8).reshape(-1, 8), axis=1).astype(np.float32) * 2 - 1
    return signs / 8


def test_pictures_seen_in_training_are_leaks(made):
    random = np.random.default_rng(0)
    codes = [int("01" * 32, 2) ^ int(random.integers(2**40)) << 10 for _ in range(4)]
    copies = np.eye(6, dtype=np.float32)
    pictures = made(
        copies[:4],
        "abcd",
        digests=["d0", "d1", "d2", "d3"],
        lines={"phash": hashes(codes[0] ^ 0b11, codes[1], 0, codes[3]), "copy": copies[:4]},
    )
    training = made(
        copies[:3],
        "xyz",
        names=["t0", "t1", "t2"],
        digests=["e0", "d3", "e2"],
        lines={"phash": hashes(codes[0], codes[2], 0), "copy": copies[[0, 4, 2]]},
    )
    found = leaks(replace(pictures, curves={"copy": Calibration(20.0, -10.0)}), training)
    assert [(one.name, one.other, one.other_label) for one in found] == [("p3", "t1", "y"), ("p0", "t0", "x")]
    assert found[0].probability == 1.0 > found[1].probability >= 0.5, "plain pictures with equal hashes are none"


def test_nothing_to_ask_is_refused(made):
    with pytest.raises(InvalidArgument, match="two pictures of one label"):
        evaluate_described(made(np.eye(3), "abc"))
