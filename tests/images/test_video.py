"""Videos, by the extra: one key frame stands for a file, and more can be had."""

import hashlib
import io
import os
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.errors import ImageError, ImageTooLarge, ImageUnreadable, InvalidArgument, SourceNotFound
from lookalike.images import Limits, decode, read_image
from lookalike.images.image import Decoding
from lookalike.images.video import key_frames

av = pytest.importorskip("av", reason="needs the extra video")

CONTAINERS = {"mp4": "mpeg4", "mov": "mpeg4", "matroska": "ffv1", "webm": "libvpx-vp9", "avi": "mpeg4"}


def video(frames, container="mp4", *, rate=10, every=10):
    """Pictures (H, W, 3) as a video with a key frame at least every so many."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as target:
        stream = target.add_stream(CONTAINERS[container], rate=rate, options={"sc_threshold": "1000000000"})
        stream.width, stream.height, stream.pix_fmt = frames[0].shape[1], frames[0].shape[0], "yuv420p"
        stream.codec_context.gop_size, stream.bit_rate = every, 4_000_000
        for frame in frames:
            target.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        target.mux(stream.encode())
    return file.getvalue()


@pytest.fixture(scope="module")
def scene(photo):
    return np.ascontiguousarray(photo[:240, :320])


@pytest.fixture(scope="module")
def clip(scene):
    """Four seconds: every second is darker than the one before."""
    return video([(scene * share).astype(np.uint8) for share in (1, 0.75, 0.5, 0.25) for _ in range(10)])


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_first_frame_of_every_container(container, scene, psnr):
    picture = decode(video([scene] * 12, container))
    assert (picture.format, picture.width, picture.height) == ("VIDEO", 320, 240)
    assert psnr(picture.pixels, scene) > 26


def test_a_file_gives_the_same_and_the_digests_of_all_of_it(clip, tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(clip)
    picture = read_image(path)
    assert np.array_equal(picture.pixels, decode(clip).pixels)
    assert picture.sha256 == hashlib.sha256(clip).hexdigest()
    assert (picture.source, picture.sha1) == (str(path), hashlib.sha1(clip).hexdigest())


def test_names_of_any_bytes(clip, tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"clip-\xff.mp4")  # noqa: PTH118 - a path of bytes
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(clip)
    assert read_image(os.fsdecode(path)).width == 320


def test_a_fade_from_black_is_passed_over(scene, psnr):
    black = np.zeros_like(scene)
    assert psnr(decode(video([black] * 20 + [scene] * 20)).pixels, scene) > 26
    assert decode(video([black] * 20)).pixels.max() < 30


def turned(data, quarters):
    """The same video with another display matrix: so many quarter turns clockwise."""
    cosine, sine = ((1, 0), (0, 1), (-1, 0), (0, -1))[quarters]
    matrix = struct.pack(">9i", *(cosine << 16, sine << 16, 0, -sine << 16, cosine << 16, 0, 0, 0, 1 << 30))
    at = data.index(struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30), data.index(b"tkhd"))
    return data[:at] + matrix + data[at + 36 :]


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_phone_held_another_way(clip, scene, psnr, quarters):
    assert psnr(decode(turned(clip, quarters)).pixels, np.rot90(scene, -quarters)) > 26


def test_key_frames_are_spread_over_the_time(clip, scene, tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(clip)
    found = list(key_frames(path, 4))
    assert [round(frame.seconds, 3) for frame in found] == [0, 1, 2, 3]
    levels = [frame.pixels.mean() / scene.mean() for frame in found]
    assert np.allclose(levels, [1, 0.75, 0.5, 0.25], atol=0.03)
    assert [round(frame.seconds, 3) for frame in key_frames(path, 40)] == [0, 1, 2, 3]
    assert [round(frame.seconds, 3) for frame in key_frames(path, 1)] == [2]


def test_what_is_asked_for_in_vain(clip, tmp_path):
    path = tmp_path / "clip.mp4"
    with pytest.raises(SourceNotFound):
        list(key_frames(path))
    path.write_bytes(b"no video at all")
    with pytest.raises(ImageUnreadable, match="no video"):
        list(key_frames(path))
    path.write_bytes(clip)
    with pytest.raises(InvalidArgument):
        list(key_frames(path, 0))


def test_size_and_pixels_are_limited(clip, tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(clip)
    assert read_image(path, limits=Limits(bytes=len(clip) // 10)).width == 320  # it is not held in memory
    for limits in (Limits(bytes=len(clip) // 65), Limits(pixels=320 * 240 - 1)):
        with pytest.raises(ImageTooLarge, match="clip"):
            read_image(path, limits=limits)
    with pytest.raises(ImageTooLarge):
        decode(clip, limits=Limits(bytes=len(clip) - 1))


def test_time_is_limited(clip, tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(clip)
    hurried = Limits(decoding=Decoding(processes=1, seconds=1e-6))
    for source in (path, clip):
        with pytest.raises(ImageUnreadable, match=r"more than 1e-06 s"):
            read_image(source, limits=hurried)


def test_a_playlist_opens_nothing(tmp_path, clip):
    (tmp_path / "other.mp4").write_bytes(clip)
    playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n" + os.fsencode(tmp_path / "other.mp4") + b"\n"
    for disguise in (b"", b"\0\0\0\x18ftypisom\0\0\0\0isommp42", b"\x1aE\xdf\xa3", b"RIFF\0\0\0\0AVI "):
        with pytest.raises(ImageUnreadable):
            decode(disguise + playlist)


def test_sound_alone_is_no_picture():
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as target:
        stream = target.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        target.mux(stream.encode(frame))
        target.mux(stream.encode())
    with pytest.raises(ImageUnreadable, match="no moving pictures"):
        decode(file.getvalue())


def outcome(data):
    """The pixels' shape, or why there are none. Anything raised but an ImageError fails the test."""
    try:
        return decode(data, limits=Limits(pixels=200_000)).pixels.shape
    except ImageError as error:
        return error.reason


@pytest.mark.parametrize("container", ["mp4", "matroska", "avi"])
@settings(max_examples=25)
@given(
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 7)), max_size=8), share=st.sampled_from([0.3, 0.9, 1.0])
)
def test_damage_raises_nothing_but_image_errors(container, flips, share):
    data = bytearray(video([np.full((32, 48, 3), level, np.uint8) for level in (90, 120, 200)], container))
    for where, bit in flips:
        data[int(where * (len(data) - 1))] ^= 1 << bit
    assert outcome(bytes(data[: int(share * len(data))]))
