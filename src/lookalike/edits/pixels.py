"""Edits that leave every part of the picture where it is: compression, resolution, blur, noise, light, color."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from lookalike.edits.base import Dice, Edit, levels_moved, resized
from lookalike.images.image import Pixels

__all__ = ["PIXEL_EDITS"]

_RAMP = np.arange(256, dtype=np.float64)
_SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]], np.float32)


def jpeg(picture: Pixels, value: float, dice: Dice) -> Pixels:
    return _recoded(picture, ".jpg", cv2.IMWRITE_JPEG_QUALITY, value)


def webp(picture: Pixels, value: float, dice: Dice) -> Pixels:
    return _recoded(picture, ".webp", cv2.IMWRITE_WEBP_QUALITY, value)


def scale_down(picture: Pixels, value: float, dice: Dice) -> Pixels:
    return resized(picture, picture.shape[1] * value, picture.shape[0] * value)


def scale_up(picture: Pixels, value: float, dice: Dice) -> Pixels:
    return resized(picture, picture.shape[1] * value, picture.shape[0] * value)


def pixelate(picture: Pixels, value: float, dice: Dice) -> Pixels:
    height, width = picture.shape[:2]
    blocks = resized(picture, width * value, height * value)
    return np.asarray(cv2.resize(blocks, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def palette(picture: Pixels, value: float, dice: Dice) -> Pixels:
    few = Image.fromarray(picture).quantize(int(value), Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    return np.asarray(few.convert("RGB"), np.uint8)


def posterize(picture: Pixels, value: float, dice: Dice) -> Pixels:
    step = 256 / value
    return levels_moved(picture, np.floor(_RAMP / step) * step + step / 2)


def blur(picture: Pixels, value: float, dice: Dice) -> Pixels:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), max(0.1, value * min(picture.shape[:2]))), np.uint8)


def motion_blur(picture: Pixels, value: float, dice: Dice) -> Pixels:
    length = max(3, round(value * min(picture.shape[:2])) | 1)
    kernel = np.zeros((length, length), np.float32)
    angle = dice.rng.uniform(0, np.pi)
    middle, reach = (length - 1) / 2, (length - 1) / 2 * np.array([np.cos(angle), np.sin(angle)])
    ends = [tuple(round(middle + way * part) for part in reach) for way in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1)
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.uint8)


def noise(picture: Pixels, value: float, dice: Dice) -> Pixels:
    grain = dice.rng.standard_normal(picture.shape, np.float32) * np.float32(value)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def specks(picture: Pixels, value: float, dice: Dice) -> Pixels:
    spoiled = picture.copy()
    chance = dice.rng.random(picture.shape[:2], np.float32)
    spoiled[chance < value / 2] = 0
    spoiled[chance > 1 - value / 2] = 255
    return spoiled


def sharpen(picture: Pixels, value: float, dice: Dice) -> Pixels:
    soft = cv2.GaussianBlur(picture, (0, 0), max(1.0, 0.006 * min(picture.shape[:2])))
    return np.asarray(cv2.addWeighted(picture, 1 + value, soft, -value, 0), np.uint8)


def brighter(picture: Pixels, value: float, dice: Dice) -> Pixels:
    return levels_moved(picture, _RAMP + value)


def darker(picture: Pixels, value: float, dice: Dice) -> Pixels:
    return levels_moved(picture, _RAMP - value)


def contrast(picture: Pixels, value: float, dice: Dice) -> Pixels:
    return levels_moved(picture, 127.5 + (_RAMP - 127.5) * value)


def flatten(picture: Pixels, value: float, dice: Dice) -> Pixels:
    return levels_moved(picture, 127.5 + (_RAMP - 127.5) * value)


def gamma(picture: Pixels, value: float, dice: Dice) -> Pixels:
    return levels_moved(picture, 255 * (_RAMP / 255) ** (value ** dice.sign()))


def hue(picture: Pixels, value: float, dice: Dice) -> Pixels:
    planes = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
    planes[..., 0] = (planes[..., 0].astype(np.int16) + dice.sign() * round(value / 2)) % 180  # OpenCV halves degrees
    return np.asarray(cv2.cvtColor(planes, cv2.COLOR_HSV2RGB), np.uint8)


def saturate(picture: Pixels, value: float, dice: Dice) -> Pixels:
    return np.asarray(cv2.addWeighted(picture, value, _gray(picture), 1 - value, 0), np.uint8)


def gray(picture: Pixels, value: float, dice: Dice) -> Pixels:
    return np.asarray(cv2.addWeighted(picture, 1 - value, _gray(picture), value, 0), np.uint8)


def sepia(picture: Pixels, value: float, dice: Dice) -> Pixels:
    brown = np.asarray(cv2.transform(picture, _SEPIA), np.uint8)
    return np.asarray(cv2.addWeighted(picture, 1 - value, brown, value, 0), np.uint8)


def cast(picture: Pixels, value: float, dice: Dice) -> Pixels:
    up, down, same = dice.rng.permutation(3).tolist()
    gains = np.ones(3, np.float32)
    gains[up], gains[down], gains[same] = 1 + value, 1 - value, 1.0
    colored: Pixels = np.clip(picture * gains, 0, 255).astype(np.uint8)
    return colored


def vignette(picture: Pixels, value: float, dice: Dice) -> Pixels:
    down, across = (np.linspace(-1, 1, side, dtype=np.float32) for side in picture.shape[:2])
    far = np.minimum(1.0, (down[:, None] ** 2 + across**2) / 2)
    light = (1 - np.float32(value) * far)[..., None]
    darkened: Pixels = (picture * light).astype(np.uint8)
    return darkened


def _recoded(picture: Pixels, ending: str, option: int, quality: float) -> Pixels:
    # channel order does not matter to a round trip, but the weights of the channels do: OpenCV wants BGR
    coded = cv2.imencode(ending, np.ascontiguousarray(picture[..., ::-1]), [option, int(quality)])[1]
    return np.ascontiguousarray(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])


def _gray(picture: Pixels) -> Pixels:
    return np.asarray(cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8)


PIXEL_EDITS = (
    Edit("jpeg", "recompress as JPEG", "quality", (60, 30, 10), jpeg),
    Edit("webp", "recompress as WebP", "quality", (50, 20, 5), webp),
    Edit("scale-down", "make it smaller", "share of the side", (0.5, 0.25, 0.12), scale_down),
    Edit("scale-up", "make it larger", "times the side", (1.5, 2.0, 3.0), scale_up),
    Edit("pixelate", "show it in blocks", "blocks per pixel of the side", (0.5, 0.25, 0.12), pixelate),
    Edit("palette", "reduce it to a palette, as GIF does", "colors", (64, 16, 6), palette),
    Edit("posterize", "round every channel", "levels a channel", (16, 8, 4), posterize),
    Edit("blur", "Gaussian blur", "deviation / shorter side", (0.007, 0.015, 0.035), blur),
    Edit("motion-blur", "blur along a line of any direction", "length / shorter side", (0.02, 0.04, 0.09), motion_blur),
    Edit("noise", "add Gaussian noise", "deviation in gray levels", (10, 25, 50), noise),
    Edit("specks", "salt and pepper", "share of the pixels", (0.01, 0.04, 0.12), specks),
    Edit("sharpen", "unsharp masking", "amount", (1.0, 2.0, 4.0), sharpen),
    Edit("brighter", "add to every channel", "gray levels", (25, 50, 90), brighter),
    Edit("darker", "take from every channel", "gray levels", (25, 50, 90), darker),
    Edit("contrast", "more contrast around mid-gray", "factor", (1.3, 1.7, 2.4), contrast),
    Edit("flatten", "less contrast around mid-gray", "factor", (0.7, 0.5, 0.3), flatten),
    Edit("gamma", "bend the tone curve, up or down", "power", (1.3, 1.7, 2.4), gamma),
    Edit("hue", "turn the hue, either way", "degrees", (10, 30, 90), hue),
    Edit("saturate", "more saturation", "factor", (1.5, 2.2, 4.0), saturate),
    Edit("gray", "take the color away", "share taken", (0.6, 0.85, 1.0), gray),
    Edit("sepia", "tint like an old print", "share of the tint", (0.5, 0.75, 1.0), sepia),
    Edit("cast", "one channel up, another down", "share", (0.1, 0.25, 0.45), cast),
    Edit("vignette", "darken towards the corners", "share lost in the corners", (0.3, 0.6, 0.9), vignette),
)
