"""Medical gray pictures of 16 bits: choose the window before you search, or all is dark.

    python examples/medical_16bit.py

Phantoms in the manner of a chest CT are drawn: 24 patients, two slices each, in Hounsfield units + 1024, as PNG and
TIFF of 16 bits and as DICOM, whose header names its window. Nothing here is for diagnosis: it finds what looks alike.

Needs the extra dicom: pip install 'lookalike[dicom]'
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

import lookalike as la
from lookalike.evaluate import recall_at_k

SIDE, PATIENTS, OFFSET = 192, 24, 1024
SOFT_TISSUE = (40.0, 400.0)  # center and width in Hounsfield units
LUNG = (-600.0, 1500.0)


def phantom(patient: int, piece: int) -> np.ndarray:
    """Return (192, 192) uint16: body, lungs, spine, heart and nodules of a patient; piece 0 and 1 are neighbors."""
    random = np.random.default_rng(patient)
    units = np.full((SIDE, SIDE), -1000, np.float32)
    width, height = random.uniform(68, 86), random.uniform(52, 66)

    def ellipse(x: float, y: float, a: float, b: float, value: float) -> None:
        shrink = 1 - 0.04 * piece
        cv2.ellipse(units, ((96 + x, 96 + y), (2 * a * shrink, 2 * b * shrink), 0), value, -1)

    ellipse(0, 0, width, height, -90)  # fat
    ellipse(0, 0, width - random.uniform(4, 12), height - random.uniform(4, 10), 45)  # muscle
    lung = random.uniform(0.28, 0.38) * width, random.uniform(0.5, 0.68) * height
    for side in (-1, 1):
        ellipse(side * 0.46 * width, -4, *lung, random.uniform(-880, -780))
    ellipse(0.15 * width, random.uniform(-8, 4), random.uniform(12, 20), random.uniform(14, 22), 60)  # heart
    ellipse(0, 0.66 * height, random.uniform(8, 12), random.uniform(8, 12), 500)  # spine
    for _ in range(random.integers(2, 7)):
        x, y = random.uniform(-0.6, 0.6) * width, random.uniform(-0.4, 0.4) * height
        ellipse(x, y, *random.uniform(2, 7, 2), random.uniform(20, 120))
    units += np.random.default_rng([patient, piece]).normal(0, 12, units.shape)  # each slice has noise of its own
    return np.clip(units + OFFSET, 0, 4095).astype(np.uint16)


def windowed(values: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    """Return (h, w) uint8: what a viewer shows of these stored values at a window's (center, width)."""
    center, width = window
    return (255 * np.clip((values.astype(np.float32) - OFFSET - center) / width + 0.5, 0, 1)).astype(np.uint8)


def save_dicom(values: np.ndarray, path: Path, window: tuple[float, float]) -> None:
    """Write a CT slice without any name or date."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = FileDataset(path, {}, file_meta=meta, preamble=bytes(128))
    file.SOPClassUID, file.SOPInstanceUID, file.Modality = CTImageStorage, meta.MediaStorageSOPInstanceUID, "CT"
    file.Rows, file.Columns = values.shape
    file.SamplesPerPixel, file.PhotometricInterpretation, file.PixelRepresentation = 1, "MONOCHROME2", 0
    file.BitsAllocated, file.BitsStored, file.HighBit = 16, 12, 11
    file.RescaleSlope, file.RescaleIntercept = 1, -OFFSET
    file.WindowCenter, file.WindowWidth = window
    file.PixelData = values.tobytes()
    file.save_as(path, enforce_file_format=True)


def found(slices: list[np.ndarray], seen: Callable[[np.ndarray], object]) -> str:
    """Return how often the other slice of the same patient is the nearest of all, and how bright pictures are."""
    pictures = [seen(values) for values in slices]
    rows = la.describe(pictures, cache=False, labels=0).vectors
    bright = np.mean([la.read_image(picture).pixels.mean() for picture in pictures])
    recall = recall_at_k(rows, [number // 2 for number in range(len(rows))])
    return f"recall@1 {recall:.2f}, mean brightness {bright:.0f} of 255"


def main() -> None:
    slices = [phantom(patient, piece) for patient in range(PATIENTS) for piece in range(2)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for ending in ("png", "tiff"):
            Image.fromarray(slices[0]).save(folder / f"slice.{ending}")
        save_dicom(slices[0], folder / "slice.dcm", SOFT_TISSUE)
        print("the brightest pixel of one slice, as it is read:")
        for path in sorted(folder.iterdir()):
            print(f"  {path.name:10} {la.read_image(path).pixels.max()}")

        def dicom(values: np.ndarray) -> Path:
            path = folder / f"{generate_uid()}.dcm"
            save_dicom(values, path, SOFT_TISSUE)
            return path

        print("the other slice of the patient comes first, of 48 slices:")
        print("  16 bits as they are:   ", found(slices, lambda values: values))
        print("  window of soft tissue: ", found(slices, lambda values: windowed(values, SOFT_TISSUE)))
        print("  window of the lung:    ", found(slices, lambda values: windowed(values, LUNG)))
        print("  DICOM, by its window:  ", found(slices, dicom))


if __name__ == "__main__":
    main()
