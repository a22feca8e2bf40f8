"""Files that cannot be used are called by their name."""

import io
import struct
from collections.abc import Callable

import pytest
from PIL import Image, ImageDraw, TiffImagePlugin

from pipeline.decode import read_image
from pipeline.errors import BadImage


def encode(file_format: str, **options: object) -> bytes:
    image = Image.new("RGB", (64, 48), "white")
    ImageDraw.Draw(image).ellipse((8, 8, 40, 40), fill="red")
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def media(major: bytes, *compatible: bytes) -> bytes:
    """An ISO base media file that has no more than its first box."""
    brands = b"".join(compatible)
    return struct.pack(">I", 16 + len(brands)) + b"ftyp" + major + bytes(4) + brands + bytes(200)


def tiff(tag: int, value: int | str | bytes) -> bytes:
    """A small uncompressed TIFF with one more tag."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[tag] = value
    return encode("TIFF", tiffinfo=tags)


def unsupported(name: str, package: str) -> str:
    return (
        f"{name} is not supported; convert it to JPEG or PNG, for instance with the Python package {package}"
    )


HEIC = unsupported("HEIC", "pillow-heif")
RAW = unsupported("a raw photo of a camera", "rawpy")
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
KINDS: dict[str, tuple[Callable[[], bytes], str]] = {
    "HEIC of a phone": (lambda: media(b"heic", b"mif1", b"heic", b"miaf"), HEIC),
    "HEIC that calls itself an image": (lambda: media(b"mif1", b"mif1", b"heic"), HEIC),
    "burst of HEIC": (lambda: media(b"msf1", b"hevc"), HEIC),
    "JPEG XL": (lambda: b"\xff\x0a\x7f\x06\0\x13", unsupported("JPEG XL", "pillow-jxl-plugin")),
    "JPEG XL in a box": (
        lambda: b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl ",
        unsupported("JPEG XL", "pillow-jxl-plugin"),
    ),
    "JPEG 2000": (lambda: encode("JPEG2000"), unsupported("JPEG 2000", "pillow")),
    "JPEG 2000 without a box": (
        lambda: encode("JPEG2000", no_jp2=True),
        unsupported("JPEG 2000", "pillow"),
    ),
    "CR2": (lambda: b"II*\0\x10\0\0\0CR\x02\0" + tiff(0x010F, "Canon")[12:], RAW),
    "CR3": (lambda: media(b"crx ", b"crx ", b"isom"), RAW),
    "NEF, whose first picture is a preview": (lambda: tiff(0x00FE, 1), RAW),
    "DNG": (lambda: tiff(0xC612, b"\1\4\0\0"), RAW),
    "ORF": (lambda: b"IIRO\x08\0\0\0" + bytes(100), RAW),
    "RAF": (lambda: b"FUJIFILMCCD-RAW 0201" + bytes(100), RAW),
    "PSD": (lambda: b"8BPS\0\1" + bytes(100), unsupported("PSD", "psd-tools")),
    "EPS": (lambda: encode("EPS"), unsupported("EPS", "pillow")),
    "icon": (lambda: encode("ICO"), unsupported("an icon", "pillow")),
    "SVG": (lambda: SVG, unsupported("SVG", "cairosvg")),
    "SVG after a declaration": (
        lambda: b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- drawn -->\n' + SVG,
        unsupported("SVG", "cairosvg"),
    ),
    "PDF": (lambda: encode("PDF"), "not an image but a PDF document"),
    "MP4": (lambda: media(b"isom", b"isom", b"mp41"), "not an image but a video"),
    "MOV": (lambda: media(b"qt  "), "not an image but a video"),
    "old QuickTime": (lambda: b"\0\0\0\x08wide\0\0\1\0mdat", "not an image but a video"),
    "AVI": (lambda: b"RIFF\0\1\0\0AVI LIST", "not an image but a video"),
    "WebM": (lambda: b"\x1aE\xdf\xa3" + bytes(50), "not an image but a video"),
    "ZIP": (lambda: b"PK\3\4\x14\0" + bytes(50), "not an image but a ZIP archive"),
    "web page": (
        lambda: b"\n <!DOCTYPE html>\n<title>404</title><svg></svg>",
        "not an image but a web page (HTML)",
    ),
    "web page without a declaration": (
        lambda: b"<html lang='en'><body>Forbidden",
        "not an image but a web page (HTML)",
    ),
    "text with the name of a box": (lambda: b"the mdat is no video", "not an image"),
    "text in angle brackets": (lambda: b"<cat>", "not an image"),
    "text of four bytes": (lambda: b"ftyp", "not an image"),
    "first box cut off": (lambda: b"\0\0\0\x20ftyp", "not an image but a video"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_reason_names_what_the_file_is(kind: str) -> None:
    make, reason = KINDS[kind]
    with pytest.raises(BadImage) as refusal:
        read_image(make())
    assert str(refusal.value) == reason


def test_a_tiff_that_is_no_raw_photo_is_read() -> None:
    assert read_image(tiff(0x00FE, 0)).size == (64, 48)


def test_an_avif_that_names_itself_only_among_its_compatible_brands_is_read() -> None:
    assert read_image(encode("AVIF").replace(b"ftypavif", b"ftypmif1", 1)).size == (64, 48)
