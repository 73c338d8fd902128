"""Concurrent callers of one model: each gets its own rows, and those who wait go together."""

import threading
import time

import numpy as np
import pytest

from lookalike.counting import model_queue
from lookalike.describers.batching import Batcher


class Model:
    """Doubles rows. Holds every batch until `go` is set, and notes their sizes."""

    def __init__(self, most=8, lanes=1):
        self.sizes, self.go, self.entered = [], threading.Event(), threading.Semaphore(0)
        self.batcher = Batcher(self.run, most, lanes)

    def run(self, key, rows):
        self.sizes.append((key, len(rows)))
        self.entered.release()
        self.go.wait(30)
        if (rows < 0).any():
            raise ValueError("negative")
        return [rows * 2, rows[:, :1]]


def ask(model, key, rows, answers, place):
    def work():
        try:
            answers[place] = model.batcher(key, np.array(rows, np.float32))
        except ValueError as error:
            answers[place] = error

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_whoever_comes_while_the_model_is_busy_goes_together_up_to_the_most():
    model, answers = Model(most=4), {}
    threads = [ask(model, ("a",), [[0, 0]], answers, 0)]
    assert model.entered.acquire(timeout=30)
    for place in range(1, 7):
        threads.append(ask(model, ("a",), [[place, place]], answers, place))
        until(lambda: model_queue.now() == len(threads) - 1)
    model.go.set()
    for thread in threads:
        thread.join(30)
    assert [size for _, size in model.sizes] == [1, 4, 2]
    for place in range(7):
        np.testing.assert_array_equal(answers[place][0], [[2 * place, 2 * place]])
        np.testing.assert_array_equal(answers[place][1], [[place]])
    assert model_queue.now() == 0


def test_what_asks_for_other_outputs_is_not_joined_and_an_error_stays_in_its_batch():
    model, answers = Model(most=8), {}
    threads = [ask(model, ("a",), [[0, 0]], answers, 0)]
    assert model.entered.acquire(timeout=30)
    for place, (key, value) in enumerate([("a", 1), ("b", -1), ("a", 3), ("b", 4)], 1):
        threads.append(ask(model, (key,), [[value, value]], answers, place))
        until(lambda: model_queue.now() == len(threads) - 1)
    model.go.set()
    for thread in threads:
        thread.join(30)
    assert model.sizes == [(("a",), 1), (("a",), 2), (("b",), 2)]
    assert answers[3][1].tolist() == [[3]]
    assert str(answers[2]) == str(answers[4]) == "negative"
    np.testing.assert_array_equal(model.batcher(("a",), np.ones((1, 2), np.float32))[0], [[2, 2]])


@pytest.mark.parametrize("lanes", [1, 3])
def test_no_caller_is_forgotten_or_answered_for_another(lanes):
    model = Model(most=5, lanes=lanes)
    model.go.set()
    wrong = []

    def work(seed):
        random = np.random.default_rng(seed)
        for _ in range(50):
            rows = random.integers(0, 1000, (int(random.integers(1, 8)), 2)).astype(np.float32)
            if not np.array_equal(model.batcher(("k",), rows)[0], rows * 2):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert wrong == []
    assert max(size for _, size in model.sizes) <= 7
    assert model_queue.now() == 0
