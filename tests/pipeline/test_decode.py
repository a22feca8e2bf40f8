"""Reading images: every kind that is right, every kind that is wrong, and how much memory a bomb may take."""

import io
import os
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pipeline.decode import BadImage, normalise, read_file, read_image, thumbnail_jpeg, to_pixels
from pipeline.image_header import exif_orientation
from pipeline.records import Preprocessing

REPOSITORY = Path(__file__).resolve().parent.parent.parent
SQUASH = Preprocessing(
    size=224,
    resize="squash",
    short_side=256,
    interpolation="bilinear",
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
)
CROP = Preprocessing(
    size=24, resize="crop", short_side=32, interpolation="bicubic", mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)
)


def picture(mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> Image.Image:
    """A red and a blue half on grey, so that each corner of an upright picture can be told."""
    image = Image.new("RGB", size, (128, 128, 128))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, size[0] // 4, size[1] // 4), fill=(220, 20, 20))
    draw.rectangle((size[0] // 2, size[1] // 2, size[0], size[1]), fill=(20, 20, 220))
    return image.convert(mode)


def encode(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def pixels_of(image: Image.Image) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
    return np.asarray(image).astype(np.int64)


def png(width: int, height: int, *, extra: bytes = b"", crc: int = 0) -> bytes:
    """A white PNG of one bit per pixel, as small as it gets."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body) ^ crc)

    row = b"\0" + b"\xff" * ((width + 7) // 8)
    packer = zlib.compressobj(9)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(extra)) if extra else b""
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", header) + text + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def jpeg_claiming(width: int, height: int) -> bytes:
    data = bytearray(encode(picture(), "JPEG"))
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def gif_with_frame(width: int, height: int) -> bytes:
    """A GIF whose only frame is larger than its screen."""
    data = bytearray(encode(picture("L"), "GIF"))
    place = data.index(b"\x2c\0\0\0\0") + 5
    data[place : place + 4] = struct.pack("<HH", width, height)
    return bytes(data)


def webp_claiming(width: int, height: int) -> bytes:
    """The header of a lossless WebP, and nothing that it promises."""
    size = (width - 1) | (height - 1) << 14
    body = b"WEBPVP8L" + struct.pack("<I", 1000) + b"\x2f" + struct.pack("<I", size) + bytes(995)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def frames(file_format: str) -> bytes:
    return encode(picture(), file_format, save_all=True, append_images=[picture().rotate(180)], duration=100)


JPEG = encode(picture(), "JPEG", quality=95)
BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "zero bytes": (lambda: b"", "no bytes"),
    "text": (lambda: b"this is a cat, I promise", "not an image"),
    "text beginning with BM": (lambda: b"BMW and other cars, but no cat", "not an image"),
    "zeros": (lambda: bytes(5000), "not an image"),
    "JPEG, first half": (lambda: JPEG[: len(JPEG) // 2], "truncated"),
    "JPEG without its last 20 bytes": (lambda: JPEG[:-20], "truncated"),
    "JPEG header": (lambda: JPEG[:200], "truncated"),
    "JPEG, three bytes": (lambda: JPEG[:3], "damaged"),
    "PNG, first half": (lambda: encode(picture(), "PNG")[:100], "truncated"),
    "GIF, first half": (lambda: encode(picture(), "GIF")[:-60], "truncated"),
    "BMP, first half": (lambda: encode(picture(), "BMP")[:2000], "truncated"),
    "WebP, first half": (lambda: encode(picture(), "WEBP")[:100], "truncated"),
    "TIFF, first half": (lambda: encode(picture(), "TIFF")[:2000], "truncated"),
    "AVIF, first half": (lambda: encode(picture(), "AVIF")[:-100], "truncated"),
    "PNG with wrong checksums": (lambda: png(64, 64, crc=1), "damaged"),
    "PNG with 80 MB of text": (lambda: png(64, 64, extra=bytes(80_000_000)), "damaged"),
    "PNG bomb, 12k": (lambda: png(12_000, 12_000), "larger than 64 megapixels"),
    "PNG just over the limit": (lambda: png(8_001, 8_000), "larger than 64 megapixels"),
    "JPEG bomb": (lambda: jpeg_claiming(60_000, 60_000), "larger than 64 megapixels"),
    "GIF bomb in a small screen": (lambda: gif_with_frame(60_000, 60_000), "larger than 64 megapixels"),
    "animated GIF": (lambda: frames("GIF"), "animated"),
    "animated WebP": (lambda: frames("WEBP"), "animated"),
    "animated AVIF": (lambda: frames("AVIF"), "animated"),
    "animated PNG": (lambda: frames("PNG"), "animated"),
    "TIFF of two pages": (lambda: frames("TIFF"), "several pages"),
    "compressed TIFF": (
        lambda: encode(picture(), "TIFF", compression="tiff_lzw"),
        "compressed TIFF is not supported; convert it to JPEG or PNG",
    ),
    "floating point TIFF": (
        lambda: encode(Image.fromarray(np.eye(32, dtype=np.float32)), "TIFF"),
        "more than 16 bits per channel",
    ),
    "1 x 1": (lambda: encode(picture(size=(1, 1)), "PNG"), "too small: 1 x 1 pixels"),
    "1 x 5000": (lambda: encode(picture(size=(1, 5000)), "PNG"), "too small: 1 x 5000 pixels"),
    "too long": (lambda: encode(picture(size=(16, 400)), "PNG"), "too narrow: 16 x 400 pixels"),
    "white": (lambda: encode(Image.new("RGB", (64, 64), "white"), "JPEG"), "one flat colour"),
    "invisible": (lambda: encode(Image.new("RGBA", (64, 64), (1, 2, 3, 0)), "PNG"), "one flat colour"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_usable_image_is_refused_with_its_reason(kind: str) -> None:
    make, reason = BAD[kind]
    with pytest.raises(BadImage) as refusal:
        read_image(make())
    assert str(refusal.value) == reason


GOOD: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: JPEG,
    "progressive JPEG": lambda: encode(picture(), "JPEG", quality=95, progressive=True),
    "JPEG of a phone, with a second picture inside": lambda: encode(
        picture(), "MPO", save_all=True, append_images=[picture().rotate(180)], quality=95
    ),
    "JPEG with an ICC profile": lambda: encode(picture(), "JPEG", quality=95, icc_profile=b"no profile"),
    "JPEG with broken EXIF": lambda: encode(
        picture(), "JPEG", quality=95, exif=b"Exif\0\0II*\0\x08\0\0\0\x09\0\x0f\x01\x02\0\xff\xff\0\0"
    ),
    "PNG": lambda: encode(picture(), "PNG"),
    "palette PNG": lambda: encode(picture().quantize(16), "PNG"),
    "WebP": lambda: encode(picture(), "WEBP", quality=95),
    "GIF": lambda: encode(picture(), "GIF"),
    "BMP": lambda: encode(picture(), "BMP"),
    "TIFF": lambda: encode(picture(), "TIFF"),
    "AVIF": lambda: encode(picture(), "AVIF", quality=95),
    "opaque RGBA": lambda: encode(picture("RGBA"), "PNG"),
    "CMYK JPEG": lambda: encode(picture("CMYK"), "JPEG", quality=95),
    "CMYK TIFF": lambda: encode(picture("CMYK"), "TIFF"),
}


@pytest.mark.parametrize("kind", GOOD)
def test_every_supported_kind_gives_the_same_rgb_picture(kind: str) -> None:
    image = read_image(GOOD[kind]())
    assert (image.mode, image.size) == ("RGB", (64, 48))
    assert np.abs(pixels_of(image) - pixels_of(picture())).mean() < 4
    assert image.info == {}


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF"])
def test_a_grey_picture_becomes_rgb(file_format: str) -> None:
    image = read_image(encode(picture("L"), file_format))
    assert image.mode == "RGB"
    assert abs(pixels_of(image).mean() - pixels_of(picture("L")).mean()) < 1


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_and_not_clipped(file_format: str) -> None:
    grey = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    pixels = pixels_of(read_image(encode(Image.fromarray(grey), file_format)))
    assert (pixels.min(), pixels.max()) == (0, 255)
    assert abs(pixels.mean() - 127.5) < 1


def ycck() -> bytes:
    """A four-channel JPEG whose Adobe marker says YCCK, with the colours at rest (grey)."""
    data = bytearray(encode(Image.merge("CMYK", [Image.linear_gradient("L")] * 4), "JPEG", quality=95))
    marker = data.index(b"Adobe")
    data[marker + 11] = 2
    return bytes(data)


def test_a_ycck_jpeg_is_read() -> None:
    assert read_image(ycck()).mode == "RGB"


TRANSPARENT: dict[str, Callable[[], bytes]] = {
    "RGBA": lambda: encode(half_transparent(), "PNG"),
    "LA": lambda: encode(half_transparent().convert("LA"), "PNG"),
    "WebP": lambda: encode(half_transparent(), "WEBP", lossless=True, exact=True),
    "palette with transparency": lambda: encode(half_transparent().quantize(8), "PNG"),
    "GIF": lambda: encode(half_transparent(), "GIF"),
    "one transparent colour": lambda: encode(
        Image.fromarray(np.asarray(half_transparent())[..., :3]), "PNG", transparency=(200, 0, 0)
    ),
}


def half_transparent() -> Image.Image:
    """Left: hidden red. Right: opaque blue."""
    image = Image.new("RGBA", (64, 64), (200, 0, 0, 0))
    image.paste((0, 0, 255, 255), (32, 0, 64, 64))
    return image


@pytest.mark.parametrize("kind", TRANSPARENT)
def test_transparent_pixels_are_white_and_not_what_they_hide(kind: str) -> None:
    image = read_image(TRANSPARENT[kind]())
    assert image.getpixel((8, 32)) == (255, 255, 255)
    assert image.getpixel((56, 32)) != (255, 255, 255)


def test_half_transparent_red_over_white_is_pink() -> None:
    image = half_transparent()
    image.paste((255, 0, 0, 128), (0, 0, 32, 64))
    assert read_image(encode(image, "PNG")).getpixel((8, 32)) == (255, 127, 127)


def turned(orientation: int) -> tuple[Image.Image, bytes]:
    """A picture stored so that turning it by `orientation` makes it upright, and its EXIF block."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = picture().transpose(undo[orientation]) if orientation in undo else picture()
    return stored, exif.tobytes()


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF", "JPEG", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_orientations_give_the_same_upright_picture(file_format: str, orientation: int) -> None:
    stored, exif = turned(orientation)
    options = {"lossless": True} if file_format == "WEBP" else {}
    image = read_image(encode(stored, file_format, exif=exif, **options))
    assert image.size == (64, 48)
    assert np.abs(pixels_of(image) - pixels_of(picture())).mean() < (
        4 if file_format in ("JPEG", "AVIF") else 0.01
    )


@pytest.mark.parametrize("exif", [b"", b"Exif\0\0", b"II*\0", b"XX*\0\0\0\0\0", b"MM\0*\xff\xff\xff\xff"])
def test_a_damaged_exif_block_means_upright(exif: bytes) -> None:
    assert exif_orientation(exif) == 1


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_damage_at_any_place_gives_an_image_or_a_reason_and_never_another_error(file_format: str) -> None:
    good = encode(picture(), file_format)
    random = np.random.default_rng(0)
    outcomes = set()
    for _ in range(200):
        data = bytearray(good)
        for place in random.integers(0, random.choice([60, len(data)]), random.choice([1, 8])):
            data[place] ^= 1 << int(random.integers(8))
        try:
            outcomes.add(read_image(bytes(data)).mode)
        except BadImage as error:
            outcomes.add(str(error))
    assert outcomes >= {"RGB", "damaged"} or outcomes >= {"damaged", "not an image"}


BOMB = """
import sys
from pathlib import Path
from pipeline.decode import BadImage, read_image

def peak():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])

data = sys.stdin.buffer.read()
before = peak()
try:
    read_image(data)
except BadImage as error:
    print((peak() - before) // 1024, error)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
@pytest.mark.parametrize(
    "make",
    [
        lambda: png(12_000, 12_000),
        lambda: png(30_000, 30_000),
        lambda: jpeg_claiming(60_000, 60_000),
        lambda: gif_with_frame(60_000, 60_000),
        lambda: png(64, 64, extra=bytes(80_000_000)),
        lambda: webp_claiming(16_383, 16_383),
    ],
    ids=["PNG 12k", "PNG 30k", "JPEG 60k", "GIF frame 60k", "PNG text", "WebP 16k"],
)
def test_a_bomb_is_refused_within_100_megabytes(make: Callable[[], bytes]) -> None:
    child = subprocess.run(
        [sys.executable, "-W", "error", "-c", BOMB],
        input=make(),
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        check=True,
    )
    megabytes, reason = child.stdout.decode().strip().split(maxsplit=1)
    assert int(megabytes) < 100
    assert reason in ("larger than 64 megapixels", "damaged")
    assert child.stderr == b""


# ---------------------------------------------------------------- pixels


def test_squash_gives_the_whole_picture_in_the_asked_size() -> None:
    pixels = to_pixels(picture(), SQUASH)
    assert pixels.shape == (224, 224, 3)
    assert pixels.dtype == np.uint8
    assert tuple(pixels[0, 0]) == (220, 20, 20)
    assert tuple(pixels[-1, -1]) == (20, 20, 220)


@pytest.mark.parametrize("size", [(64, 48), (48, 64), (333, 100), (100, 333), (16, 16)])
def test_crop_scales_the_short_side_and_cuts_out_the_middle(size: tuple[int, int]) -> None:
    image = picture(size=size)
    factor = CROP.short_side / min(size)
    whole = image.resize((round(size[0] * factor), round(size[1] * factor)), Image.Resampling.BICUBIC)
    left, top = (whole.width - CROP.size) // 2, (whole.height - CROP.size) // 2
    expected = np.asarray(whole)[top : top + CROP.size, left : left + CROP.size]
    assert np.array_equal(to_pixels(image, CROP), expected)


def test_normalise_is_the_textbook_formula_in_the_order_the_network_wants() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 24, 24, 3), dtype=np.uint8)
    expected = ((pixels / 255 - np.array(SQUASH.mean)) / np.array(SQUASH.std)).transpose(0, 3, 1, 2)
    normalised = normalise(pixels, SQUASH)
    assert normalised.shape == (3, 3, 24, 24)
    assert normalised.dtype == np.float32
    assert normalised.flags.c_contiguous
    assert np.abs(normalised - expected).max() < 1e-6


def test_a_thumbnail_is_small_and_carries_no_metadata() -> None:
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    image = read_image(encode(picture(size=(640, 480)), "JPEG", exif=exif.tobytes(), comment=b"my secret"))
    data = thumbnail_jpeg(image)
    thumbnail = Image.open(io.BytesIO(data))
    assert (thumbnail.format, thumbnail.size) == ("JPEG", (160, 120))
    assert b"where" not in data
    assert b"secret" not in data
    assert image.size == (640, 480)


# ---------------------------------------------------------------- files


@pytest.fixture
def as_nobody() -> Iterator[None]:
    """Give up the rights of root, who may read everything, for one test."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield
    os.seteuid(user)


def test_a_file_and_a_link_to_it_are_read(tmp_path: Path) -> None:
    (tmp_path / "cat.jpg").write_bytes(JPEG)
    (tmp_path / "link.jpg").symlink_to("cat.jpg")
    assert read_file(tmp_path / "cat.jpg") == JPEG
    assert read_file(os.fsencode(tmp_path / "link.jpg")) == JPEG


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "large.jpg"
    with file.open("wb") as large:
        large.truncate(64 * 2**20 + 1)
    with pytest.raises(BadImage, match="larger than 64 MiB"):
        read_file(file)


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "vanished"),
        (lambda path: path.mkdir(), "not a regular file"),
        (make_pipe, "not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
        (lambda path: path.symlink_to(path), "a link to itself"),
        (lambda path: path.symlink_to("nothing"), "vanished"),
    ],
    ids=["missing", "folder", "pipe", "device", "link to itself", "link to nothing"],
)
def test_what_is_no_regular_file_is_refused_at_once(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    make(tmp_path / "cat.jpg")
    with pytest.raises(BadImage, match=f"^{reason}$"):
        read_file(tmp_path / "cat.jpg")


def test_a_file_without_read_permission_says_so(as_nobody: None) -> None:
    with tempfile.TemporaryDirectory() as folder:  # whose parents, unlike those of tmp_path, are open
        file = Path(folder) / "cat.jpg"
        file.write_bytes(JPEG)
        file.chmod(0)
        with pytest.raises(BadImage, match="permission denied"):
            read_file(file)


def test_all_real_photos_are_decoded(catdog: Path) -> None:
    sizes = [read_image(read_file(path)).size for path in sorted(catdog.rglob("*.jpg"))]
    assert len(sizes) == 2800
    assert min(min(size) for size in sizes) >= 16
