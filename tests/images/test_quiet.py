"""Pillow's warnings are muted while decoding, everyone else's are not, and nothing is left behind."""

import threading
import warnings

import pytest

from lookalike.images.quiet import quiet


def warn_as(module):
    warnings.warn_explicit("beware", UserWarning, "file.py", 1, module=module)


def test_only_the_named_package_is_muted():
    with quiet("PIL"):
        warn_as("PIL.TiffImagePlugin")
        with pytest.warns(UserWarning, match="beware"):
            warn_as("someone.else")
        with pytest.warns(UserWarning, match="beware"):
            warn_as("PILOT.log")


def test_the_filters_are_as_before_even_after_an_error():
    before = list(warnings.filters)
    with pytest.raises(KeyError), quiet("PIL"), quiet("PIL"):
        raise KeyError
    assert list(warnings.filters) == before
    with pytest.warns(UserWarning, match="beware"):
        warn_as("PIL.TiffImagePlugin")


def test_a_filter_of_the_applications_own_survives():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        with quiet("PIL"):
            pass
        warn_as("PIL.TiffImagePlugin")


def test_threads_that_overlap_leave_nothing_behind():
    before = list(warnings.filters)
    started, done = threading.Event(), threading.Event()

    def inner():
        with quiet("PIL"):
            started.set()
            done.wait(5)

    with quiet("PIL"):
        other = threading.Thread(target=inner)
        other.start()
        started.wait(5)
    warn_as("PIL.TiffImagePlugin")  # the other is still inside
    done.set()
    other.join()
    assert list(warnings.filters) == before


def test_a_list_put_back_by_someone_else_is_no_error():
    inside = quiet("PIL")
    with warnings.catch_warnings():
        inside.__enter__()
    inside.__exit__(None, None, None)
    with quiet("PIL"):
        warn_as("PIL.TiffImagePlugin")
