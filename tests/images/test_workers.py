"""Decoding in processes of their own: the same pictures, and what goes wrong stays there."""

import io
import os
import signal
import struct
import subprocess
import sys
import threading
import zlib

import numpy as np
import pytest
from PIL import Image as Pil

from lookalike.errors import ImageTooLarge, ImageUnreadable
from lookalike.images import Limits, decode, read_image
from lookalike.images.image import Decoding
from lookalike.images.workers import Pool
from lookalike.settings import Settings

MIB = 2**20


@pytest.fixture(scope="module")
def pool():
    with Pool(Decoding(processes=2, memory=256 * MIB, seconds=30)) as pool:
        yield pool


@pytest.fixture(scope="module")
def ask(pool):
    """Return ask(data, wants=None, **limits) -> Image, decoded in a process."""
    return lambda data, wants=None, **limits: pool.decode(data, name="p", limits=Limits(**limits), wants=wants)


def encoded(pixels, form="PNG", **options):
    buffer = io.BytesIO()
    Pil.fromarray(pixels).save(buffer, form, **options)
    return buffer.getvalue()


def png(width, height, rows):
    """A PNG of gray pixels whose header promises width x height, around these compressed rows."""

    def part(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", rows) + part(b"IEND", b"")


def children(pool):
    return [worker._process.pid for worker in list(pool._free.queue) if worker is not None]


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:  # noqa: PTH123
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))


@pytest.mark.parametrize(
    ("form", "wants"), [("JPEG", None), ("JPEG", 64), ("PNG", None), ("WEBP", None), ("GIF", None), ("TIFF", None)]
)
def test_a_picture_comes_back_as_if_it_were_decoded_here(ask, draw, form, wants):
    data = encoded(draw(1, 800, 600), form)
    here, there = decode(data, wants=wants), ask(data, wants)
    np.testing.assert_array_equal(there.pixels, here.pixels)
    assert there.pixels.flags.writeable
    names = ("width", "height", "format", "sha1", "sha256")
    assert [getattr(there, name) for name in names] == [getattr(here, name) for name in names]
    assert there.source == "p"


def test_refusals_are_the_same_with_their_facts(ask, draw):
    with pytest.raises(ImageUnreadable, match=r"p: damaged PNG"):
        ask(encoded(draw(1))[:900])
    with pytest.raises(ImageTooLarge) as caught:
        ask(encoded(draw(1)), pixels=100)
    assert (caught.value.size, caught.value.limit, caught.value.unit) == (320 * 240, 100, "pixels")


def test_many_threads_share_few_processes(ask, pool, draw):
    data = [encoded(draw(seed)) for seed in range(4)]
    expected = [decode(one).pixels for one in data]
    wrong = []

    def work(seed):
        for _ in range(5):
            if not np.array_equal(ask(data[seed]).pixels, expected[seed]):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert 1 <= len(children(pool)) <= 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps the limit on memory")
def test_a_bomb_costs_one_picture_and_no_more_memory_than_allowed(draw):
    # within the limit of pixels; as RGBA and then RGB it takes 400 MB and more
    bomb = encoded(np.zeros((6000, 9000, 4), np.uint8))
    with Pool(Decoding(processes=1, memory=256 * MIB, seconds=60)) as pool:
        pool.decode(encoded(draw(1)), name="p", limits=Limits(), wants=None)
        (before,) = children(pool)
        with pytest.raises(ImageUnreadable, match="memory"):
            pool.decode(bomb, name="bomb", limits=Limits(), wants=None)
        assert pool.decode(encoded(draw(1)), name="p", limits=Limits(), wants=None).width == 320
        (after,) = children(pool)
        assert resident(after) < 400 * MIB
        assert before == after or not os.path.exists(f"/proc/{before}")  # noqa: PTH110


def test_one_that_takes_too_long_is_ended_and_the_next_goes_on(draw):
    with Pool(Decoding(processes=1, memory=1024 * MIB, seconds=30)) as pool:
        pool.decode(encoded(draw(1)), name="p", limits=Limits(), wants=None)
        (worker,) = list(pool._free.queue)
        os.kill(worker._process.pid, signal.SIGSTOP)  # it would never answer
        worker._decoding = Decoding(processes=1, seconds=0.2)
        with pytest.raises(ImageUnreadable, match=r"more than 0\.2 s"):
            pool.decode(encoded(draw(2)), name="slow", limits=Limits(), wants=None)
        assert pool.decode(encoded(draw(1)), name="p", limits=Limits(), wants=None).width == 320


def test_a_process_that_died_is_replaced(pool, ask, draw):
    ask(encoded(draw(1)))
    for worker in filter(None, list(pool._free.queue)):
        worker._process.kill()
        worker._process.wait(30)
    for _ in range(3):
        assert ask(encoded(draw(1))).width == 320


def test_a_crash_costs_its_own_picture_only(draw):
    with Pool(Decoding(processes=1, seconds=30)) as pool:
        pool.decode(encoded(draw(1)), name="p", limits=Limits(), wants=None)
        (worker,) = list(pool._free.queue)
        os.kill(worker._process.pid, signal.SIGSTOP)
        killer = threading.Timer(0.3, os.kill, (worker._process.pid, signal.SIGKILL))
        killer.start()
        with pytest.raises(ImageUnreadable, match="crash"):
            pool.decode(encoded(draw(2)), name="p", limits=Limits(), wants=None)
        killer.join()
        assert pool.decode(encoded(draw(1)), name="p", limits=Limits(), wants=None).width == 320


def test_a_tiff_of_two_billion_pixels_and_an_endless_gif_are_refused(ask):
    entries = [(256, 4, 1, 1), (257, 4, 1, 2_000_000_000), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    entries += [(273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, 2_000_000_000), (279, 4, 1, 2_000_000_000)]
    fields = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    tiff = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + fields + bytes(4)
    with pytest.raises(ImageTooLarge):
        ask(tiff)
    frame = b"\x21\xf9\x04\0\0\0\0\0\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0"
    gif = b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff" + frame * 200_000  # without an end
    assert ask(gif).pixels.shape == (1, 1, 3)
    with pytest.raises((ImageUnreadable, ImageTooLarge)):
        ask(png(2**31 - 1, 1, zlib.compress(bytes(MIB))))


def test_the_setting_reaches_every_reader(tmp_path, draw, save):
    settings = Settings(isolate=True, decode_processes=1, decode_memory=512 * MIB)
    assert settings.limits.decoding == Decoding(1, 512 * MIB, 20)
    assert Settings().limits.decoding.processes == 0
    script = (
        "import sys\nfrom lookalike.images import read_image\nfrom lookalike.settings import Settings\n"
        "image = read_image(sys.argv[1], limits=Settings(isolate=True, decode_processes=1).limits)\n"
        "print(image.width, image.source == sys.argv[1], 'PIL' in sys.modules)\n"
    )
    path = save(draw(1), tmp_path / "a.png")
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["320", "True", "False"]
    assert done.stderr == ""
    assert read_image(path).width == 320
