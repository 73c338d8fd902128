"""Search 3-D objects by renders: each object is seen from several sides, and the nearest view stands for it.

    python examples/renders.py                 # six shapes made by code
    python examples/renders.py chair.obj cup.obj

A painter's renderer in NumPy and OpenCV draws the triangles; with a renderer of your own, the rest stays as it is.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

import lookalike as la

SIDE, VIEWS = 160, 12
Mesh = tuple[np.ndarray, np.ndarray]  # corners (n, 3) float, triangles (m, 3) int


def lathe(profile: list[tuple[float, float]], steps: int = 24, hollow: float = 0.0) -> Mesh:
    """Turn a profile of (radius, height) around the upright axis. hollow: the radius that is added, for rings."""
    angles = np.linspace(0, 2 * np.pi, steps, endpoint=False)
    corners = [((r + hollow) * np.cos(a), (r + hollow) * np.sin(a), z) for r, z in profile for a in angles]
    triangles = []
    for ring in range(len(profile) - 1):
        for step in range(steps):
            a, b = ring * steps + step, ring * steps + (step + 1) % steps
            triangles += [(a, b, a + steps), (b, b + steps, a + steps)]
    return np.array(corners), np.array(triangles)


def shapes() -> dict[str, Mesh]:
    """Return six objects."""
    turn = np.linspace(0, 2 * np.pi, 17)
    arc = np.linspace(-np.pi / 2, np.pi / 2, 13)
    return {
        "ball": lathe([(np.cos(a), np.sin(a)) for a in arc]),
        "ring": lathe([(0.3 * np.cos(a), 0.3 * np.sin(a)) for a in turn], hollow=0.8),
        "vase": lathe([(0, -1), (0.4, -1), (0.7, -0.4), (0.5, 0.3), (0.25, 0.6), (0.45, 1)]),
        "goblet": lathe([(0.5, -1), (0.1, -0.9), (0.1, -0.1), (0.5, 0.2), (0.6, 0.9), (0.5, 0.9), (0, 0.3)]),
        "box": lathe([(0, -0.8), (1, -0.8), (1, 0.8), (0, 0.8)], steps=4),
        "cone": lathe([(0, -0.8), (0.9, -0.8), (0, 1)]),
    }


def read_obj(path: Path) -> Mesh:
    """Read the corners and faces of a Wavefront file; faces of more corners become fans of triangles."""
    corners, triangles = [], []
    for words in (line.split() for line in path.read_text("utf-8", "replace").splitlines()):
        if words[:1] == ["v"]:
            corners.append([float(word) for word in words[1:4]])
        elif words[:1] == ["f"]:
            numbers = [int(word.split("/")[0]) for word in words[1:]]
            face = [number - 1 if number > 0 else len(corners) + number for number in numbers]
            triangles += [(face[0], b, c) for b, c in pairwise(face[1:])]
    return np.array(corners), np.array(triangles)


def render(mesh: Mesh, azimuth: float, elevation: float) -> np.ndarray:
    """Return (160, 160, 3) uint8: the mesh in clay on white, lit from the camera, far triangles painted first."""
    corners, triangles = mesh
    ca, sa, ce, se = np.cos(azimuth), np.sin(azimuth), np.cos(elevation), np.sin(elevation)
    camera = np.array([[-sa, ca, 0], [-se * ca, -se * sa, ce], [ce * ca, ce * sa, se]])  # right, up, toward us
    centered = corners - (corners.max(axis=0) + corners.min(axis=0)) / 2
    seen = centered @ camera.T / np.linalg.norm(centered, axis=1).max()
    faces = seen[triangles]
    normal = np.cross(faces[:, 1] - faces[:, 0], faces[:, 2] - faces[:, 0])
    light = np.abs(normal @ [0.3, 0.4, 0.87]) / np.maximum(np.linalg.norm(normal, axis=1), 1e-9)
    pixels = np.round((faces[:, :, :2] * [0.45, -0.45] + 0.5) * SIDE).astype(np.int32)
    picture = np.full((SIDE, SIDE, 3), 255, np.uint8)
    for place in np.argsort(faces[:, :, 2].mean(axis=1)):
        shade = 0.25 + 0.75 * light[place]
        cv2.fillConvexPoly(picture, pixels[place], tuple(shade * level for level in (205, 170, 140)), cv2.LINE_AA)
    return picture


def views(objects: dict[str, Mesh]) -> Iterator[dict[str, object]]:
    """Yield a record for each view: all around, from above and from below in turn."""
    for name, mesh in objects.items():
        for view in range(VIEWS):
            picture = render(mesh, 2 * np.pi * view / VIEWS, 0.6 if view % 2 else 0.1)
            yield {"_id": f"{name}#{view}", "_image": picture, "object": name}


def main(given: list[str]) -> None:
    objects = {Path(one).stem: read_obj(Path(one)) for one in given} or shapes()
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder, la.open(Path(folder) / "objects.lookalike") as workspace:
        models = workspace.create("models", product_id="object")
        print(f"{len(models.add(views(objects)).inserted)} views of {len(objects)} objects")
        right = 0
        for name, mesh in objects.items():
            unseen = render(mesh, random.uniform(0, 2 * np.pi), random.uniform(0.2, 0.5))
            found = models.search(image=unseen, k=3, group=True)  # each object once, by its nearest view
            right += found[0].record.fields["object"] == name
            print(f"{name:8} ->", ", ".join(f"{match.record.fields['object']} {match.score:.2f}" for match in found))
        print(f"found from an angle that nobody had rendered: {right} of {len(objects)}")


if __name__ == "__main__":
    main(sys.argv[1:])
