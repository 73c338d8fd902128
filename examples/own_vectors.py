"""Bring your own vectors: any numbers that describe a thing can be kept, searched, filtered and grouped. Here, sounds.

    python examples/own_vectors.py

Forty short sounds of five instruments are made by code. Each is described by its spectrum in 64 semitones, counted from
its fundamental: how it sounds, not how high it is. No model and no picture is involved.
"""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np

import lookalike as la

RATE, SECONDS, BANDS = 16_000, 0.5, 64
OVERTONES = {  # how loud each multiple of the tone is
    "flute": [1.0, 0.15, 0.05],
    "clarinet": [1.0, 0.02, 0.6, 0.02, 0.4, 0.02, 0.3],
    "violin": [1.0, 0.8, 0.7, 0.5, 0.5, 0.4, 0.3, 0.2],
    "trumpet": [0.5, 0.8, 1.0, 0.9, 0.6, 0.4, 0.3, 0.2],
    "organ": [1.0, 0.9, 0.0, 0.8, 0.0, 0.0, 0.0, 0.7],
}


def sound(instrument: str, tone: float, random: np.random.Generator) -> np.ndarray:
    """Return (n,) samples of one note, with noise, and overtones that differ a little each time."""
    time = np.arange(int(RATE * SECONDS)) / RATE
    loud = np.array(OVERTONES[instrument]) * random.uniform(0.8, 1.2, len(OVERTONES[instrument]))
    waves = [part * np.sin(2 * np.pi * tone * (place + 1) * time) for place, part in enumerate(loud)]
    return np.sum(waves, axis=0) + random.normal(0, 0.05, len(time))


def spectrum(samples: np.ndarray) -> np.ndarray:
    """Return (64,) floats: the loudness in bands of a semitone, from four below the fundamental upward."""
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    frequency = np.fft.rfftfreq(len(samples), 1 / RATE)
    heard = np.flatnonzero(power > 0.1 * power.max())[0]  # the fundamental: the lowest that is not noise
    edges = frequency[heard] * 2 ** ((np.arange(BANDS + 1) - 4) / 12)
    return np.array([power[(frequency >= low) & (frequency < high)].sum() for low, high in pairwise(edges)])


def main() -> None:
    random = np.random.default_rng(0)
    names = [(instrument, take) for instrument in OVERTONES for take in range(8)]
    with tempfile.TemporaryDirectory() as folder, la.open(Path(folder) / "sounds.lookalike") as workspace:
        sounds = workspace.create("sounds", kind="custom", entities={"spectrum": BANDS}, index=["instrument"])
        added = sounds.add(
            {
                "_id": f"{instrument}-{take}",
                "_vector": spectrum(sound(instrument, random.uniform(200, 600), random)),
                "instrument": instrument,
            }
            for instrument, take in names
        )
        print(f"{len(added.inserted)} sounds kept, {len(added.failed)} failed")

        right = 0
        for record in list(sounds.records()):
            best = sounds.search(id=record.id, k=1)[0]
            right += best.record.fields["instrument"] == record.fields["instrument"]
        print(f"the nearest other sound is of the same instrument: {right} of {len(sounds)}")

        new = spectrum(sound("violin", 333, random))
        nearest = [f"{match.id} {match.score:.2f}" for match in sounds.search(vector=new, k=3)]
        print("a new violin note is like", ", ".join(nearest))
        best = sounds.search(vector=new, k=1, where={"instrument": {"$ne": "violin"}})[0]
        print(f"and of the others like {best.id} {best.score:.2f}")


if __name__ == "__main__":
    main()
