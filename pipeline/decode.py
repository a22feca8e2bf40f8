"""From the bytes of a file to an RGB image, and from there to the input of a network.

The files are not trusted. Only a few formats are decoded, chosen by content; the size is checked before the
pixels are decoded; and an image is always decoded whole, because Pillow's `verify()` passes truncated files.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import AvifImagePlugin, Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from pipeline.errors import BadImage
from pipeline.foreign_formats import why_not_decoded
from pipeline.image_file import read_file
from pipeline.image_header import check_tiff, exif_orientation, image_format, is_animated_png
from pipeline.records import Preprocessing

__all__ = [
    "INTERPOLATIONS",
    "BadImage",
    "normalise",
    "read_file",
    "read_image",
    "thumbnail_jpeg",
    "to_pixels",
]

MAX_PIXELS = 64_000_000
MIN_SIDE = 16  # pixels
MAX_ASPECT = 20  # long side / short side
THUMBNAIL_QUALITY = 80

# An image of 64 megapixels takes up to 0.75 GB while it is decoded, so large ones take turns.
LARGE_PIXELS = 16_000_000
_large_images_take_turns = threading.Lock()

_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
INTERPOLATIONS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


class _Jpeg(JpegImageFile):
    """A JPEG whose EXIF block is left alone: Pillow reads it on opening, and warns if it is damaged."""

    def getexif(self) -> Image.Exif:
        return Image.Exif()


class _Tiff(TiffImageFile):
    """A TIFF, which Pillow turns upright itself: told its orientation, and nothing that may be damaged."""

    def getexif(self) -> Image.Exif:
        exif = Image.Exif()
        exif[_ORIENTATION] = self.tag_v2.get(_ORIENTATION, 1)
        return exif


# The plugins themselves and not Image.open(): that would take a phone's JPEG with a second picture inside
# (MPO) for an animation, and warn, not refuse, up to twice its limit of pixels.
_DECODERS: dict[str, Callable[[BytesIO], ImageFile.ImageFile]] = {
    "JPEG": _Jpeg,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
    "GIF": GifImageFile,
    "BMP": BmpImageFile,
    "TIFF": _Tiff,
}
if AvifImagePlugin.SUPPORTED:  # some builds of Pillow come without it
    _DECODERS["AVIF"] = AvifImagePlugin.AvifImageFile


def read_image(data: bytes) -> Image.Image:
    """Return the upright RGB image in `data`, without metadata; transparency is laid over white.

    Raises:
        BadImage: it cannot be used; the reason is a short phrase.
    """
    with _every_failure_is_a_bad_image():
        image = _open(data)
        width, height = image.size
        _check_size(width, height)
        if getattr(image, "is_animated", False):
            raise BadImage("animated")
        with _large_images_take_turns if _may_be_large(image) else contextlib.nullcontext():
            image.load()
            upright = _turn(_to_rgb(image), exif_orientation(image.info.get("exif", b"")))
    upright.info = {}  # a comment would find its way into a thumbnail
    if _is_flat(upright):
        raise BadImage("one flat colour")
    return upright


def to_pixels(image: Image.Image, preprocessing: Preprocessing) -> npt.NDArray[np.uint8]:
    """Return an RGB image as (size, size, 3) uint8, squashed or cropped as `preprocessing` says."""
    size = preprocessing.size
    interpolation = INTERPOLATIONS[preprocessing.interpolation]
    if preprocessing.resize == "squash":
        return np.asarray(image.resize((size, size), interpolation))
    scale = preprocessing.short_side / min(image.size)
    scaled = image.resize((round(image.width * scale), round(image.height * scale)), interpolation)
    left, top = (scaled.width - size) // 2, (scaled.height - size) // 2
    return np.asarray(scaled.crop((left, top, left + size, top + size)))


def normalise(pixels: npt.NDArray[np.uint8], preprocessing: Preprocessing) -> npt.NDArray[np.float32]:
    """Return (pixel / 255 - mean) / std per channel: (N, S, S, 3) becomes contiguous float32 (N, 3, S, S)."""
    mean, std = np.array(preprocessing.mean), np.array(preprocessing.std)
    scale = (1 / (255 * std)).astype(np.float32)[:, None, None]
    shift = (-mean / std).astype(np.float32)[:, None, None]
    count, height, width, channels = pixels.shape
    normalised = np.empty((count, channels, height, width), np.float32)
    for planes, image in zip(normalised, pixels, strict=True):  # one image at a time stays in the cache
        planes[...] = image.transpose(2, 0, 1)
        planes *= scale
        planes += shift
    return normalised


def thumbnail_jpeg(image: Image.Image, side: int = 160) -> bytes:
    """Return a small JPEG of an RGB image, at most `side` pixels wide and high, without metadata."""
    small = image.copy()
    small.info = {}
    small.thumbnail((side, side))
    buffer = BytesIO()
    small.save(buffer, "JPEG", quality=THUMBNAIL_QUALITY)
    return buffer.getvalue()


@contextlib.contextmanager
def _every_failure_is_a_bad_image() -> Iterator[None]:
    try:
        yield
    except (BadImage, MemoryError):  # for want of memory no image is to blame
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadImage(_too_large()) from error
    except Exception as error:  # each plugin raises what it likes: ValueError, SyntaxError, struct.error, ...
        raise BadImage("truncated" if "truncated" in str(error).lower() else "damaged") from error


def _open(data: bytes) -> ImageFile.ImageFile:
    """Read the header only."""
    name = image_format(data)
    if name == "PNG" and is_animated_png(data):
        raise BadImage("animated")
    if name == "TIFF":
        check_tiff(data)
    if name not in _DECODERS:
        raise BadImage(why_not_decoded(data))
    return _DECODERS[name](BytesIO(data))


def _too_large() -> str:
    return f"larger than {MAX_PIXELS // 1_000_000} megapixels"


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise BadImage(_too_large())
    if min(width, height) < MIN_SIDE:
        raise BadImage(f"too small: {width} x {height} pixels")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise BadImage(f"too narrow: {width} x {height} pixels")


def _may_be_large(image: ImageFile.ImageFile) -> bool:
    """Return whether decoding may need much memory; of an AVIF, whose stream may be larger, nobody knows.

    Its decoder has a limit of its own, 268 megapixels, and scales what it has decoded to the stated size.
    """
    return image.width * image.height > LARGE_PIXELS or image.format == "AVIF"


def _is_flat(image: Image.Image) -> bool:
    """Return whether all pixels are equal; a look at the corners spares most images the whole search."""
    right, bottom = image.width - 1, image.height - 1
    if len({image.getpixel(corner) for corner in ((0, 0), (right, 0), (0, bottom), (right, bottom))}) > 1:
        return False
    extrema: Iterable[tuple[float, float]] = image.getextrema()  # type: ignore[assignment]
    return all(low == high for low, high in extrema)


def _turn(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def _to_rgb(image: Image.Image) -> Image.Image:
    """Convert a decoded image of any pixel type; a plain `convert` would show hidden and clipped pixels."""
    if image.mode.startswith("I;16"):
        grey = (np.asarray(image).astype(np.uint32) + 128) // 257  # 65535 becomes 255
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F"):
        raise BadImage("more than 16 bits per channel")
    if image.has_transparency_data:
        opaque = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", opaque.size, "white"), opaque).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")
