"""Search videos by their key frames: which video is this picture from, and at which second?

    python examples/video_frames.py            # four short videos made by code
    python examples/video_frames.py a.mp4 b.mkv

Needs the extra video: pip install 'lookalike[video]'
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np

import lookalike as la
from lookalike.edits import edit
from lookalike.images.video import key_frames

RATE, SCENES, SECONDS = 5, 4, 2  # frames a second, scenes of a video, seconds of a scene
WIDTH, HEIGHT = 320, 240


def scene(seed: int) -> np.ndarray:
    """Return (240, 320, 3) uint8: a sky, hills and some things before them."""
    random = np.random.default_rng(seed)
    top, bottom = random.integers(60, 256, (2, 3))
    picture = np.linspace(top, bottom, HEIGHT)[:, None].repeat(WIDTH, axis=1).astype(np.uint8)
    for _ in range(14):
        color, (x, y), size = (
            random.integers(0, 256, 3).tolist(),
            random.integers(0, 240, 2),
            int(random.integers(9, 50)),
        )
        if random.random() < 0.5:
            cv2.circle(picture, (int(x), int(y)), size, color, -1, cv2.LINE_AA)
        else:
            corners = np.array([x, y]) + random.integers(-size, size, (3, 2))
            cv2.fillConvexPoly(picture, cv2.convexHull(corners.astype(np.int32)), color, cv2.LINE_AA)
    return picture


def make_video(path: Path, first: int) -> None:
    """Write a video of several scenes, over each of which the camera moves slowly."""
    with av.open(path, "w") as target:
        stream = target.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.gop_size = RATE  # a key frame every second
        for number in range(SCENES):
            whole = scene(first + number)
            for place in range(RATE * SECONDS):
                moved = np.roll(whole, 2 * place, axis=1)
                target.mux(stream.encode(av.VideoFrame.from_ndarray(moved, format="rgb24")))
        target.mux(stream.encode())


def frames(videos: list[Path]) -> Iterator[dict[str, object]]:
    """Yield a record for each of up to eight key frames of every video."""
    for video in videos:
        for frame in key_frames(video, 8):
            name = f"{video.name}@{frame.seconds:.1f}"
            yield {"_id": name, "_image": frame.pixels, "video": video.name, "second": round(frame.seconds, 1)}


def main(given: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, la.open(Path(folder) / "videos.lookalike") as workspace:
        videos = [Path(one) for one in given]
        if not videos:
            videos = [Path(folder) / f"clip-{number}.mp4" for number in range(4)]
            for number, video in enumerate(videos):
                make_video(video, first=10 * number)
        shots = workspace.create("shots", product_id="video", index=["video"])
        added = shots.add(frames(videos))
        print(f"{len(added.inserted)} key frames of {len(videos)} videos")

        # A still from the first video at hand, cut to half its area and in other colors.
        wanted = list(key_frames(videos[0], 8))[-1]
        still = edit(edit(wanted.pixels, "crop", "medium"), "cast", "medium")
        for match in shots.search(image=still, k=3, group=True):
            print(f"{match.score:.2f}  {match.record.fields['video']} at {match.record.fields['second']} s")
        print(f"(the still was taken from {videos[0].name} at {wanted.seconds:.1f} s)")


if __name__ == "__main__":
    main(sys.argv[1:])
