"""Order, how far ahead, and what becomes of the rest."""

import threading

import pytest

from lookalike.ahead import in_order


@pytest.mark.parametrize("ahead", [1, 3, 100])
def test_results_come_in_the_order_of_the_items(ahead):
    first_waits = threading.Event()

    def work(number):
        if ahead > 1 and number == 0:
            first_waits.wait()
        else:
            first_waits.set()
        return number * number

    assert list(in_order(work, range(20), threads=2, ahead=ahead)) == [number * number for number in range(20)]


def test_items_are_taken_only_so_far_ahead():
    taken = []
    made = in_order(abs, (taken.append(number) or number for number in range(50)), threads=2, ahead=4)
    assert taken == []
    assert next(made) == 0
    assert taken == [0, 1, 2, 3]
    assert next(made) == 1
    assert taken == [0, 1, 2, 3, 4]
    made.close()
    assert len(taken) == 5


def test_who_stops_has_the_rest_left_undone():
    begun, go_on = [], threading.Event()

    def work(number):
        begun.append(number)
        if number:
            go_on.wait()
        return number

    made = in_order(work, range(100), threads=2, ahead=50)
    assert next(made) == 0
    threading.Timer(0.2, go_on.set).start()
    made.close()  # waits for what has begun
    assert len(begun) <= 4


def test_an_error_comes_in_its_turn():
    made = in_order(lambda number: 1 // number, [1, 0, 1], threads=2, ahead=3)
    assert next(made) == 1
    with pytest.raises(ZeroDivisionError):
        next(made)
