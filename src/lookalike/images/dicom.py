"""DICOM, by pydicom: the first frame as a viewer first shows it.

Values go through the modality transform (PS3.3 C.11.1), then the VOI table or the first window (C.11.2). Without
either, what there is from the lowest to the highest value is spread over the whole range, so that 12 and 16 bits
neither vanish in black nor clip to white. MONOCHROME1 is turned to light on dark.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.images.image import Limits, Pixels
from lookalike.images.quiet import quiet

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["decode_dicom"]

Values = NDArray[np.float64]


def decode_dicom(data: bytes, name: str, limits: Limits) -> tuple[Pixels, int, int]:
    """Return (pixels, width, height). Raises ImageTooLarge before decoding, and whatever pydicom raises."""
    from pydicom import dcmread
    from pydicom.pixels.processing import apply_color_lut
    from pydicom.pixels.utils import pixel_array

    with quiet("pydicom"):
        file = dcmread(BytesIO(data))
        if "Rows" not in file or "Columns" not in file:
            raise ValueError("it holds no picture")
        limits.check_pixels(name, int(file.Columns), int(file.Rows))
        array = pixel_array(file, index=0)
        if file.PhotometricInterpretation == "PALETTE COLOR":
            array = apply_color_lut(array, file)
        if array.ndim == 3:
            return _whole(_color(array, file))
        return _whole(np.repeat(_gray(array, file)[:, :, np.newaxis], 3, axis=2))


def _whole(pixels: Pixels) -> tuple[Pixels, int, int]:
    return np.ascontiguousarray(pixels), pixels.shape[1], pixels.shape[0]


def _color(array: NDArray[Any], file: Dataset) -> Pixels:
    bits = 8 * array.dtype.itemsize if file.PhotometricInterpretation == "PALETTE COLOR" else int(file.BitsStored)
    return _bytes(array[:, :, :3] / (2**bits - 1))


def _gray(array: NDArray[Any], file: Dataset) -> NDArray[np.uint8]:
    from pydicom.pixels.processing import apply_modality_lut, apply_voi

    inside = _not_padding(array, file)
    values = apply_modality_lut(array, _part(file, "PixelValueTransformationSequence"))
    view = _part(file, "FrameVOILUTSequence")
    if view.get("VOILUTSequence"):
        shares = apply_voi(values, view) / (2 ** int(view.VOILUTSequence[0].LUTDescriptor[2]) - 1)
    elif view.get("WindowCenter") is not None and view.get("WindowWidth") is not None:
        shares = _window(values, _first(view.WindowCenter), _first(view.WindowWidth), view.get("VOILUTFunction"))
    elif array.dtype.itemsize == 1 and "ModalityLUTSequence" not in file and "RescaleSlope" not in file:
        shares = values / (2 ** int(file.BitsStored) - 1)
    else:
        shares = _spread(values, inside)
    shares = np.clip(shares, 0, 1)
    if file.PhotometricInterpretation == "MONOCHROME1":
        shares = 1 - shares
    return _bytes(np.where(inside, shares, 0))


def _part(file: Dataset, sequence: str) -> Dataset:
    """Return what holds these attributes for the first frame: in files of many frames, a functional group."""
    for groups in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        for group in list(file.get(groups) or ())[:1]:
            if group.get(sequence):
                part: Dataset = group[sequence][0]
                return part
    return file


def _first(value: Any) -> float:
    return float(value if isinstance(value, int | float) else value[0])


def _not_padding(array: NDArray[Any], file: Dataset) -> NDArray[np.bool_]:
    """Where values are of the picture, not of what fills the frame around it (PS3.3 C.7.5.1.1.2)."""
    padding = file.get("PixelPaddingValue")
    if padding is None:
        return np.ones(array.shape, np.bool_)
    limit = file.get("PixelPaddingRangeLimit", padding)
    low, high = sorted((int(padding), int(limit)))
    inside = (array < low) | (array > high)
    return inside if inside.any() else np.ones(array.shape, np.bool_)


def _window(values: NDArray[Any], center: float, width: float, function: str | None) -> Values:
    """Return [0, 1] within a window; function: LINEAR, LINEAR_EXACT or SIGMOID (PS3.3 C.11.2.1.2 and C.11.2.1.3)."""
    values = values.astype(np.float64)
    if function == "SIGMOID" and width > 0:
        return np.asarray(1 / (1 + np.exp(np.clip(-4 * (values - center) / width, -500, 500))))
    if function == "LINEAR_EXACT" and width > 0:
        return (values - center) / width + 0.5
    return (values - (center - 0.5)) / max(width - 1, 1e-6) + 0.5


def _spread(values: NDArray[Any], inside: NDArray[np.bool_]) -> Values:
    values = values.astype(np.float64)
    low, high = values[inside].min(), values[inside].max()
    if not np.isfinite(low) or not np.isfinite(high):
        raise ValueError("values that are no numbers")
    return (values - low) / (high - low) if high > low else np.full(values.shape, 0.5)


def _bytes(shares: Values) -> NDArray[np.uint8]:
    return np.rint(np.clip(np.nan_to_num(shares), 0, 1) * 255).astype(np.uint8)
