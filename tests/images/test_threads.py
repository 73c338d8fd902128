"""OpenCV keeps to its callers' threads while anybody asks for that, and no longer."""

import cv2

from lookalike.images.threads import one_thread_each


def test_the_last_one_out_brings_back_what_was():
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    try:
        first, second = one_thread_each(), one_thread_each()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert cv2.getNumThreads() == 1
        second.__exit__(None, None, None)
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(before)
