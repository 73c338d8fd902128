"""Faces: bring an ONNX face model, calibrate when two pictures show one person, verify, and group an album.

    python examples/faces.py

A stand-in takes the place of a face model: eigenfaces (Turk and Pentland, 1991), whitened within persons, fitted on
drawn faces and written as ONNX. With a real one, put its path into the place of "faces.onnx" and give it pictures that
are cut to the face.

What a face says about a person is that person's. Ask for consent, and have a legal ground, before you describe faces:
in many places vectors of faces are biometric data. Errors are not shared out evenly: models fail more often on people
whom their training pictures showed less, so measure on the people whom yours will judge. No threshold makes it
certain: let a person decide wherever a decision matters. Don't use it to watch people, or to find strangers. Delete
for good with `collection.erase`. Lookalike brings no face model, and none that finds faces in pictures, on purpose.

Needs onnx: pip install 'lookalike[train]'
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import lookalike as la
from lookalike.evaluation.calibrating import calibrated

SIDE, WIDTH = 48, 24
LEARNED, PAIRED, ALBUM = range(0, 60), range(60, 85), range(100, 106)  # three sets of people, none in two


def face(person: int, take: int) -> np.ndarray:
    """Return (96, 96, 3) uint8: a drawn face; takes of a person differ in light, place, smile and gaze."""
    who, how = np.random.default_rng(person), np.random.default_rng([person, take])
    skin, hair = who.integers((90, 60, 40), (245, 205, 180)), who.integers(10, 160, 3)
    picture = np.full((96, 96, 3), how.integers(90, 200, 3), np.uint8)
    shift = how.uniform(-2, 2, 2)

    def ellipse(x: float, y: float, a: float, b: float, color: object) -> None:
        at, axes = (48 + x + shift[0], 50 + y + shift[1]), (2 * a, 2 * b)
        cv2.ellipse(picture, (at, axes, 0), np.asarray(color, float).tolist(), -1, cv2.LINE_AA)

    wide, tall = who.uniform(24, 33), who.uniform(34, 41)
    ellipse(0, -who.uniform(6, 14), wide + who.uniform(1, 7), tall + who.uniform(-6, 3), hair)
    ellipse(0, 0, wide, tall, skin)
    apart, high, eye, brow = who.uniform(9, 15), who.uniform(-13, -5), who.uniform(2.5, 5), who.uniform(6, 11)
    iris, gaze = who.integers(20, 150, 3), how.uniform(-1, 1)
    for side in (-1, 1):
        ellipse(side * apart, high, eye + 1.5, eye, (250, 250, 250))
        ellipse(side * apart + gaze, high, eye * 0.6, eye * 0.6, iris)
        ellipse(side * apart, high - brow, who.uniform(4, 8), who.uniform(0.8, 2.2), hair)
    ellipse(0, who.uniform(3, 9), who.uniform(2, 5), who.uniform(4, 8), skin * 0.8)
    ellipse(0, who.uniform(17, 23), who.uniform(6, 13), who.uniform(1.5, 4) + how.uniform(0, 2), (170, 60, 70))
    return np.clip(picture * how.uniform(0.75, 1.2) + how.normal(0, 6, picture.shape), 0, 255).astype(np.uint8)


def save_stand_in(path: Path) -> None:
    """Write an ONNX file of one matrix product, and the card beside it that says how pictures are prepared."""
    faces = np.array([[cv2.resize(face(who, take), (SIDE, SIDE)) for take in range(6)] for who in LEARNED], np.float32)
    rows = (faces / 255).transpose(0, 1, 4, 2, 3).reshape(len(faces), 6, -1)
    mean = rows.mean(axis=(0, 1))
    _, _, axes = np.linalg.svd((rows - mean).reshape(-1, rows.shape[2]), full_matrices=False)
    seen = (rows - mean) @ axes[: 3 * WIDTH].T
    within = (seen - seen.mean(axis=1, keepdims=True)).reshape(-1, 3 * WIDTH)
    spread, turn = np.linalg.eigh(within.T @ within / len(within) + 1e-3 * np.eye(3 * WIDTH))
    whiten = turn / np.sqrt(spread) @ turn.T
    _, _, between = np.linalg.svd((seen @ whiten).mean(axis=1), full_matrices=False)
    matrix = (axes[: 3 * WIDTH].T @ whiten @ between[:WIDTH].T).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["pixels"], ["flat"]),
            helper.make_node("Gemm", ["flat", "matrix", "offset"], ["embedding"]),
        ],
        "eigenfaces",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", WIDTH])],
        [numpy_helper.from_array(matrix, "matrix"), numpy_helper.from_array(-mean @ matrix, "offset")],
    )
    onnx.save(helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 17)]), path)
    prepare = {"side": SIDE, "fit": "squash", "mean": [0, 0, 0], "std": [1, 1, 1]}
    path.with_suffix(".json").write_text(json.dumps({"version": 1, "prepare": prepare}), "utf-8")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_stand_in(folder / "faces.onnx")
        model = la.Settings(model=f"onnx:{folder / 'faces.onnx'}")

        # Verification: a threshold from pairs of people whom the model has never seen, at 99 % precision.
        rows = la.describe(
            [face(who, take) for who in PAIRED for take in range(4)], settings=model, cache=False
        ).vectors
        who = np.repeat(PAIRED, 4)
        first, second = np.triu_indices(len(rows), 1)
        same = who[first] == who[second]
        cosines = (rows[first] * rows[second]).sum(axis=1)
        found = calibrated("meaning", cosines, same, precision=0.99)
        print(f"{found.pairs} pairs, {found.same} of one person: AUC {found.auc.value:.3f}")
        if found.threshold is None:
            sys.exit("No threshold keeps 99 % precision: this model is not good enough for these people.")
        least = found.threshold
        print(f"one person from a cosine of {least.value:.2f} [{least.low:.2f}, {least.high:.2f}]")
        print(f"on pairs it was not chosen by: precision {found.precision.value:.3f}, recall {found.recall.value:.3f}")

        # Grouping: an album of six other people.
        album = folder / "album"
        album.mkdir()
        for person in ALBUM:
            for take in range(5):
                cv2.imwrite(str(album / f"{person}-{take}.png"), face(person, take)[:, :, ::-1])
        groups = la.group_folder(album, method="meaning", grade=least.value, settings=model).groups
        print(f"30 pictures of {len(ALBUM)} people in {len(groups)} groups:")
        for group in groups:
            print("  ", " ".join(path.stem for path in group))


if __name__ == "__main__":
    main()
