"""OpenCV and BLAS keep to their callers' threads while anybody asks for that, and no longer."""

import cv2
import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from lookalike.images.threads import one_thread_each


def of_blas():
    assert np.eye(3) @ np.eye(3) is not None  # BLAS is loaded
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_the_last_one_out_brings_back_what_was():
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    try:
        with threadpool_limits(2, user_api="blas"):
            for _ in range(2):
                first, second = one_thread_each(), one_thread_each()
                first.__enter__()
                second.__enter__()
                first.__exit__(None, None, None)
                assert (cv2.getNumThreads(), of_blas()) == (1, {1})
                second.__exit__(None, None, None)
                assert (cv2.getNumThreads(), of_blas()) == (2, {2})
    finally:
        cv2.setNumThreads(before)
