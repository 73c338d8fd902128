"""Every format and mode comes out as the RGB it stands for."""

import hashlib
import io
import struct
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pillow_heif
import pytest
from PIL import Image as Pil
from PIL import ImageCms, ImageFile

from lookalike.errors import ImageUnreadable, InvalidArgument
from lookalike.images import decode

LOSSLESS = [
    ("PNG", {}),
    ("BMP", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ("WEBP", {"lossless": True}),
    ("PPM", {}),
    ("TGA", {}),
    ("TGA", {"compression": "tga_rle"}),
]
LOSSY = [
    ("JPEG", {"quality": 95}, 38),
    ("JPEG", {"quality": 95, "progressive": True}, 38),
    ("WEBP", {"quality": 95}, 38),
    ("AVIF", {"quality": 90}, 38),
    ("TIFF", {"compression": "jpeg", "quality": 95}, 38),
]


def difference(one, other):
    assert one.shape == other.shape
    return int(np.abs(one.astype(int) - other.astype(int)).max())


def over_white(rgb, alpha):
    share = alpha[..., None] / 255
    return np.rint(rgb * share + 255 * (1 - share)).astype(np.uint8)


@pytest.mark.parametrize(("kind", "options"), LOSSLESS)
def test_lossless_rgb_comes_out_exactly(photo, encode, kind, options):
    picture = decode(encode(photo, kind, **options))
    assert (picture.format, picture.width, picture.height) == (kind, 451, 300)
    assert np.array_equal(picture.pixels, photo)


@pytest.mark.parametrize(("kind", "options", "floor"), LOSSY)
def test_lossy_rgb_comes_out_nearly(photo, encode, psnr, kind, options, floor):
    picture = decode(encode(photo, kind, **options))
    assert picture.format == kind
    assert psnr(picture.pixels, photo) > floor


def test_heic_is_decoded(photo, psnr):
    file = io.BytesIO()
    pillow_heif.from_pillow(Pil.fromarray(photo)).save(file, quality=95)
    picture = decode(file.getvalue())
    assert (picture.format, picture.width, picture.height) == ("HEIF", 451, 300)
    assert psnr(picture.pixels, photo) > 35


def test_heic_with_alpha_is_composited_on_white(photo, psnr):
    alpha = np.zeros(photo.shape[:2], np.uint8)
    alpha[:, 225:] = 255
    file = io.BytesIO()
    pillow_heif.from_pillow(Pil.fromarray(np.dstack([photo, alpha]))).save(file, quality=-1, chroma=444)
    assert psnr(decode(file.getvalue()).pixels, over_white(photo, alpha)) > 35


def test_a_gif_gives_its_first_frame_only(encode):
    frames = [Pil.new("RGB", (20, 10), color) for color in ("red", "lime", "blue")]
    picture = decode(encode(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert picture.format == "GIF"
    assert (picture.pixels == (255, 0, 0)).all()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF", "TIFF"])
def test_an_animation_gives_its_first_frame(encode, kind):
    frames = [Pil.new("RGB", (32, 16), color) for color in ((200, 10, 10), (10, 200, 10))]
    lossless = {"WEBP": {"lossless": True}}.get(kind, {})
    picture = decode(encode(frames[0], kind, save_all=True, append_images=frames[1:], **lossless))
    assert picture.pixels.shape == (16, 32, 3)
    assert difference(picture.pixels, np.asarray(frames[0])) <= 3


def test_an_icon_gives_its_largest_picture(photo, encode):
    square = Pil.fromarray(photo[:256, :256])
    picture = decode(encode(square, "ICO", sizes=[(16, 16), (128, 128)]))
    assert (picture.format, picture.width, picture.height) == ("ICO", 128, 128)


def test_an_mpo_file_is_a_jpeg_with_more_behind_it(photo, encode, psnr):
    second = Pil.fromarray(255 - photo)
    data = encode(photo, "MPO", save_all=True, append_images=[second], quality=95)
    assert b"MPF\0" in data
    picture = decode(data)
    assert picture.format == "JPEG"
    assert psnr(picture.pixels, photo) > 35


MODES = ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I;16B", "I", "F"]


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_of_tiff(photo, encode, mode):
    gray = np.asarray(Pil.fromarray(photo).convert("L"))
    as_gray = np.repeat(gray[..., None], 3, axis=2)
    alpha = np.tile(np.linspace(0, 255, 451).astype(np.uint8), (300, 1))
    rgb = Pil.fromarray(photo)
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    # (the picture to write, the RGB it stands for, the tolerance in levels)
    cases = {
        "1": lambda: (rgb.convert("1"), np.asarray(rgb.convert("1").convert("RGB")), 0),
        "L": lambda: (Pil.fromarray(gray), as_gray, 0),
        "LA": lambda: (Pil.fromarray(np.dstack([gray, alpha])), over_white(as_gray, alpha), 1),
        "P": lambda: (rgb.quantize(64), np.asarray(rgb.quantize(64).convert("RGB")), 0),
        "RGBA": lambda: (Pil.fromarray(np.dstack([photo, alpha])), over_white(photo, alpha), 1),
        "CMYK": lambda: (rgb.convert("CMYK"), photo, 1),
        "YCbCr": lambda: (rgb.convert("YCbCr"), photo, 3),
        "LAB": lambda: (ImageCms.profileToProfile(rgb, srgb, lab, outputMode="LAB"), photo, 12),
        "I;16": lambda: (Pil.fromarray(gray.astype(np.uint16) * 257), as_gray, 0),
        "I;16B": lambda: (Pil.fromarray(gray.astype(">u2") * 257), as_gray, 0),
        "I": lambda: (Pil.fromarray(gray.astype(np.int32) * (2**23 + 2**15)), as_gray // 2, 0),
        "F": lambda: (Pil.fromarray(gray.astype(np.float32) / 255), as_gray, 0),
    }
    picture, expected, tolerance = cases[mode]()
    assert difference(decode(encode(picture, "TIFF")).pixels, expected) <= tolerance


def test_sixteen_bit_gray_png_keeps_its_high_byte(photo, encode):
    deep = photo[:, :, 0].astype(np.uint16) * 256 + 77
    pixels = decode(encode(Pil.fromarray(deep), "PNG")).pixels
    assert np.array_equal(pixels, np.repeat(photo[:, :, :1], 3, axis=2))


def test_thirty_two_bit_gray_that_uses_sixteen_counts_as_sixteen(encode):
    ramp = np.arange(0, 65536, 256, dtype=np.int32).reshape(16, 16)
    assert np.array_equal(decode(encode(Pil.fromarray(ramp), "TIFF")).pixels[..., 0].ravel(), np.arange(256))


def test_floats_outside_both_ranges_are_refused(encode):
    with pytest.raises(ImageUnreadable, match=r"float pixels outside \[0, 255\]"):
        decode(encode(Pil.fromarray(np.full((8, 8), -3.5, np.float32)), "TIFF"))


def test_sixteen_bit_color_png(photo, png):
    deep = (photo.astype(">u2") * 257).reshape(300, -1)
    rows = b"".join(b"\0" + row.tobytes() for row in deep)
    assert np.array_equal(decode(png((451, 300), 2, 16, rows)).pixels, photo)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK"])
def test_other_modes_of_jpeg_and_png(photo, encode, mode, psnr):
    picture = Pil.fromarray(photo).convert(mode)
    expected = np.asarray(picture.convert("RGB"))
    if mode != "CMYK":
        assert np.array_equal(decode(encode(picture, "PNG")).pixels, expected)
    if mode in ("L", "CMYK"):
        assert psnr(decode(encode(picture, "JPEG", quality=95)).pixels, expected) > 38


@pytest.mark.parametrize("marked", [True, False], ids=["adobe", "no adobe segment"])
@pytest.mark.parametrize("wants", [None, 30])
def test_cmyk_jpeg_agrees_with_pillow(photo, encode, psnr, marked, wants):
    data = encode(Pil.fromarray(photo).convert("CMYK"), "JPEG", quality=95)
    if not marked:
        at = data.index(b"\xff\xee")
        data = data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]
    picture = decode(data, wants=wants)
    file = Pil.open(io.BytesIO(data))
    if wants:
        file.draft(None, (451 // 4, 300 // 4))
    expected = np.asarray(file.convert("RGB"))
    assert (picture.width, picture.height) == (451, 300)
    assert difference(picture.pixels, expected) <= 4


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "TGA", "AVIF"])
def test_hidden_colors_never_count(photo, encode, kind, psnr):
    alpha = np.zeros(photo.shape[:2], np.uint8)
    alpha[100:200, 100:300] = 255
    options = {"WEBP": {"lossless": True, "exact": True}, "AVIF": {"quality": 100, "subsampling": "4:4:4"}}
    one = decode(encode(np.dstack([photo, alpha]), kind, **options.get(kind, {}))).pixels
    other = decode(encode(np.dstack([np.roll(photo, 7, axis=0), alpha]), kind, **options.get(kind, {}))).pixels
    hidden = alpha == 0
    assert (one[hidden] == 255).all()
    assert (other[hidden] == 255).all()
    assert psnr(one, over_white(photo, alpha)) > 40


def test_half_transparency_is_blended(encode):
    rgba = np.zeros((1, 256, 4), np.uint8)
    rgba[..., 3] = np.arange(256)
    assert np.array_equal(decode(encode(rgba, "PNG")).pixels[0, :, 0], 255 - np.arange(256))


@pytest.mark.parametrize("transparency", [1, bytes([255, 0, 128])])
def test_palette_transparency(encode, transparency):
    picture = Pil.new("P", (3, 1))
    picture.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    picture.putdata([0, 1, 2])
    pixels = decode(encode(picture, "PNG", transparency=transparency)).pixels
    half = [162, 167, 172] if isinstance(transparency, bytes) else [70, 80, 90]
    assert difference(pixels[0], np.array([[10, 20, 30], [255, 255, 255], half])) <= 1


def test_gif_transparency(encode):
    picture = Pil.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 40, 50, 60])
    picture.putdata([0, 1])
    pixels = decode(encode(picture, "GIF", transparency=1)).pixels
    assert pixels[0].tolist() == [[10, 20, 30], [255, 255, 255]]


@pytest.mark.parametrize(
    ("color_type", "depth", "row", "key", "expected"),
    [
        (0, 2, b"\x1b", b"\0\2", [0, 85, 255, 255]),  # levels 0 1 2 3, of which 2 is transparent
        (0, 4, b"\x07\x7f", b"\0\7", [0, 255, 255, 255]),
        (0, 8, b"\x05\x06\x07\x08", b"\0\6", [5, 255, 7, 8]),
        (0, 16, b"\x05\x00\x06\x00\x06\x01\x08\x00", b"\6\0", [5, 255, 6, 8]),
        (2, 8, bytes(range(1, 13)), bytes([0, 4, 0, 5, 0, 6]), [1, 255, 7, 10]),
        (2, 16, b"".join(bytes([v, 0] * 3) for v in (9, 8, 7, 6)), bytes([8, 0] * 3), [9, 255, 7, 6]),
    ],
)
def test_the_transparent_color_of_a_png_is_white_at_every_depth(png, color_type, depth, row, key, expected):
    data = png((4, 1), color_type, depth, b"\0" + row, (b"tRNS", key))
    assert decode(data).pixels[0, :, 0].tolist() == expected


def test_digests_are_of_the_encoded_bytes(photo, encode):
    data = encode(photo, "PNG")
    picture = decode(data, name="cat.png")
    assert picture.sha1 == hashlib.sha1(data).hexdigest()
    assert picture.sha256 == hashlib.sha256(data).hexdigest()
    assert picture.source == "cat.png"


@pytest.mark.parametrize("kind", ["PNG", "GIF", "JPEG", "TIFF", "WEBP", "AVIF"])
def test_pixels_are_contiguous_writable_bytes(photo, encode, kind):
    pixels = decode(encode(photo, kind)).pixels
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"not a picture at all", "not a picture"),
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "a PostScript document"),
        (b"8BPS\0\1", "a Photoshop document"),
        (b"SIMPLE  =                    T", "a FITS file"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "an HTML page"),
        (b"\0\0\0\x20ftypjp2 \0\0\0\0jp2 ", "a picture, sound or video of a kind"),
    ],
)
def test_what_is_not_let_in_is_named(data, reason):
    with pytest.raises(ImageUnreadable, match=reason) as caught:
        decode(data, name="upload")
    assert caught.value.source == "upload"


def test_an_eps_behind_a_picture_name_is_refused(encode):
    eps = encode(Pil.new("RGB", (4, 4)), "EPS")
    with pytest.raises(ImageUnreadable, match="PostScript"):
        decode(eps, name="cat.jpg")


def test_only_a_positive_size_can_be_wanted(photo, encode):
    with pytest.raises(InvalidArgument):
        decode(encode(photo, "PNG"), wants=0)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA", "AVIF"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_picture_cut_short_is_refused(photo, encode, kind, share):
    data = encode(photo, kind)
    with pytest.raises(ImageUnreadable) as caught:
        decode(data[: int(len(data) * share)])
    assert caught.value.reason


def test_a_heic_cut_short_is_refused(photo):
    file = io.BytesIO()
    pillow_heif.from_pillow(Pil.fromarray(photo)).save(file)
    with pytest.raises(ImageUnreadable):
        decode(file.getvalue()[:-2000])


def test_text_that_unpacks_to_gigabytes_is_refused(png):
    bomb = b"Comment\0\0" + zlib.compress(bytes(50_000_000))
    with pytest.raises(ImageUnreadable, match="damaged PNG"):
        decode(png((1, 1), 0, 8, b"\0\0", (b"zTXt", bomb)))


def test_color_profiles_are_ignored(photo, encode):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(decode(encode(photo, "PNG", icc_profile=profile)).pixels, photo)


def test_a_tiff_with_an_absurd_tag_is_still_read_without_a_warning(encode):
    data = bytearray(encode(Pil.new("RGB", (8, 8), "red"), "TIFF"))
    (directory,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, directory)
    tags = [struct.unpack_from("<H", data, directory + 2 + 12 * entry)[0] for entry in range(count)]
    entry = directory + 2 + 12 * tags.index(284)  # planar configuration: let it have two billion values
    struct.pack_into("<HHII", data, entry, 284, 4, 2**31, 8)
    assert (decode(bytes(data)).pixels == (255, 0, 0)).all()


def test_the_globals_of_pillow_are_as_they_were(photo, encode, monkeypatch):
    monkeypatch.setattr(Pil, "MAX_IMAGE_PIXELS", 100)
    assert decode(encode(photo, "PNG")).width == 451
    assert Pil.MAX_IMAGE_PIXELS == 100
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def test_threads_get_the_same_pixels(photo, encode):
    files = [encode(photo, kind) for kind in ("JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP")] * 8
    alone = [decode(data).pixels for data in files[:6]]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda data: decode(data).pixels, files))
    assert all(np.array_equal(pixels, alone[i % 6]) for i, pixels in enumerate(together))


def loaded_after(code: str) -> set[str]:
    watched = "{'cv2', 'PIL', 'simplejpeg', 'pillow_heif', 'PIL.TiffImagePlugin', 'PIL.JpegImagePlugin'}"
    script = f"import sys\n{code}\nprint(*({watched} & set(sys.modules)))"
    return set(
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    )


def test_importing_the_room_loads_no_decoder():
    assert loaded_after("import lookalike.images") == set()


def test_a_jpeg_loads_no_pillow(photo, encode, tmp_path):
    file = tmp_path / "a.jpg"
    file.write_bytes(encode(photo, "JPEG"))
    assert loaded_after(f"from lookalike.images import read_image; read_image({str(file)!r})") == {"simplejpeg"}


def test_a_png_loads_only_its_own_plug_in(photo, encode, tmp_path):
    file = tmp_path / "a.png"
    file.write_bytes(encode(photo, "PNG"))
    assert loaded_after(f"from lookalike.images import read_image; read_image({str(file)!r})") == {"PIL"}
