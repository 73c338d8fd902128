"""What libtiff says of damaged files stays out of standard error; all else that is written there stays."""

import ctypes
import io
import os
import threading

import numpy as np
import pytest
from PIL import Image, _imaging

from lookalike.errors import ImageUnreadable
from lookalike.images.decode import decode
from lookalike.images.libtiff import quiet_libtiff


@pytest.fixture
def damaged(draw):
    """A compressed TIFF whose strips are overwritten."""
    file = io.BytesIO()
    Image.fromarray(draw(1)).save(file, "TIFF", compression="tiff_adobe_deflate")
    data = bytearray(file.getvalue())
    data[100:2000] = np.random.default_rng(1).bytes(1900)
    return bytes(data)


def test_a_damaged_tiff_is_refused_in_silence(damaged, capfd):
    with pytest.raises(ImageUnreadable):
        decode(damaged)
    assert capfd.readouterr().err == ""


def test_what_others_write_meanwhile_is_there(capfd):
    with quiet_libtiff():
        os.write(2, b"of another thread\n")
    assert capfd.readouterr().err == "of another thread\n"


def test_whoever_leaves_last_puts_the_handlers_back():
    found = ctypes.CDLL(_imaging.__file__)
    if not hasattr(found, "TIFFSetErrorHandler"):
        pytest.skip("this Pillow hides its libtiff")
    choose = found.TIFFSetErrorHandler
    choose.restype, choose.argtypes = ctypes.c_void_p, [ctypes.c_void_p]

    def now():
        choose(handler := choose(None))
        return handler

    before = now()
    assert before
    enter, leave = threading.Event(), threading.Event()

    def other():
        with quiet_libtiff():
            enter.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with quiet_libtiff():
        thread.start()
        assert enter.wait(10)
        assert now() is None
    assert now() is None
    leave.set()
    thread.join()
    assert now() == before
