"""Recognize trading cards that were photographed: askew, in uneven light, before something else; and say when none is.

    python examples/cards.py

Twenty-four cards are drawn, sixteen of them are known. Each is then "photographed" by the published edits (see
docs/evaluation.md), and `check` names the card it shows, with a probability, or none. Half of every card, its frame, is
the same in all cards of its color: so 0.5, from which two pictures usually count as the same, is too little here.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np

import lookalike as la
from lookalike.edits import Level, edit

WIDTH, HEIGHT, KNOWN, ALL, SURE = 250, 350, 16, 24, 0.9
FIRST = ("Storm", "Iron", "Moss", "Night", "Ember", "Frost")
SECOND = ("Fox", "Giant", "Wisp", "Raven", "Knight", "Turtle", "Witch")


def card(number: int) -> np.ndarray:
    """Return (350, 250, 3) uint8: a frame in one of five colors, a name, a drawn scene, lines of text, a strength."""
    random = np.random.default_rng(number)
    frame = [(190, 60, 50), (60, 90, 180), (70, 130, 70), (230, 220, 190), (60, 55, 60)][number % 5]
    picture = np.full((HEIGHT, WIDTH, 3), frame, np.uint8)
    cv2.rectangle(picture, (12, 12), (WIDTH - 13, HEIGHT - 13), (238, 230, 210), -1)
    art = np.full((150, 214, 3), random.integers(80, 230, 3), np.uint8)
    for _ in range(int(random.integers(9, 16))):
        color, size = random.integers(0, 256, 3).tolist(), int(random.integers(8, 45))
        at = random.integers(0, 214, 2)
        if random.random() < 0.4:
            cv2.circle(art, at.tolist(), size, color, -1, cv2.LINE_AA)
        else:
            corners = (at + random.integers(-size, size, (4, 2))).astype(np.int32)
            cv2.fillConvexPoly(art, cv2.convexHull(corners), color, cv2.LINE_AA)
    picture[48:198, 18:232] = art
    name = f"{FIRST[number % 6]} {SECOND[number // 6 % 7]}"
    font, black = cv2.FONT_HERSHEY_DUPLEX, (20, 20, 20)
    cv2.putText(picture, name, (20, 38), font, 0.6, black, 1, cv2.LINE_AA)
    for line in range(int(random.integers(3, 6))):
        words = " ".join("".join(map(chr, random.integers(97, 123, size))) for size in random.integers(2, 8, 5))
        cv2.putText(picture, words, (22, 222 + 18 * line), font, 0.35, black, 1, cv2.LINE_AA)
    cv2.putText(
        picture, f"{random.integers(1, 9)}/{random.integers(1, 9)}", (190, 330), font, 0.6, black, 1, cv2.LINE_AA
    )
    return picture


def photograph(picture: np.ndarray, level: Level, seed: int) -> np.ndarray:
    """Return the card as a camera held by hand sees it."""
    seen = edit(picture, "rephotograph", level, seed=seed)
    return edit(edit(seen, "cast", "mild", seed=seed), "jpeg", "mild", seed=seed)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, la.open(Path(folder) / "cards.lookalike") as workspace:
        cards = workspace.create("cards", kind="matching")
        # With `_file` instead of `_image`, doubtful photographs are compared with the card's own pixels as well.
        for number in range(KNOWN):
            cv2.imwrite(f"{folder}/{number}.png", card(number)[:, :, ::-1])
        cards.add({"_id": str(number), "_file": f"{folder}/{number}.png"} for number in range(KNOWN))
        answers = [cards.check(photograph(card(number), "medium", seed=number), k=1) for number in range(ALL)]
    for least in (0.5, SURE):
        named = [found[0].id if found and found[0].probability >= least else None for found in answers]
        right = sum(name == str(number) for number, name in enumerate(named[:KNOWN]))
        wrong = sum(name not in (None, str(number)) for number, name in enumerate(named[:KNOWN]))
        taken = sum(name is not None for name in named[KNOWN:])
        print(f"from probability {least}: {right} of {KNOWN} cards named, {wrong} wrongly;", end=" ")
        print(f"{taken} of {ALL - KNOWN} unknown cards taken for a known one")


if __name__ == "__main__":
    main()
