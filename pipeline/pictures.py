"""Pictures inside the page: data URIs, maps to lay over a thumbnail, the filters of a first convolution."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any

import numpy as np
from PIL import Image

from pipeline.records import Preprocessing

MAP_COLOUR = (230, 0, 126)  # magenta: no photo of an animal has it
MAP_OPACITY = 0.78  # of the most evidence: the picture still shows through
MAP_ENLARGED = 8  # times, smoothly: as tiles of a seventh of the picture a map shows edges that are not there


@dataclass(frozen=True)
class Thumbnail:
    """A small picture as a data: URI, with its size in pixels."""

    uri: str
    width: int
    height: int


@dataclass(frozen=True)
class Placed:
    """A picture as a data: URI, and where in a thumbnail it belongs: pixels, also parts of one."""

    uri: str
    x: float
    y: float
    width: float
    height: float


def data_uri(content: bytes, media_type: str) -> str:
    """Return `content` as a data: URI, which a page can show without a request."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def thumbnail_uri(thumbnails: Mapping[str, bytes], sha256: str) -> str | None:
    """Return the JPEG of an image as a data: URI; None if there is none."""
    picture = thumbnails.get(sha256)
    return data_uri(picture, "image/jpeg") if picture else None


def thumbnail_of(thumbnails: Mapping[str, bytes], sha256: str) -> Thumbnail | None:
    """Return the JPEG of an image with its size; None if there is none, or it cannot be read."""
    picture = thumbnails.get(sha256)
    if not picture:
        return None
    try:
        with Image.open(io.BytesIO(picture)) as opened:  # reads the header only
            return Thumbnail(data_uri(picture, "image/jpeg"), *opened.size)
    except OSError:
        return None


def map_png(values: bytes, width: int) -> bytes | None:
    """Return evidence (row by row, 0..255) as a PNG that is the more opaque, the more there is.

    None if the values do not fill rows of `width`.
    """
    if width < 1 or not values or len(values) % width:
        return None
    small = Image.frombytes("L", (width, len(values) // width), values)
    evidence = small.resize(
        (small.width * MAP_ENLARGED, small.height * MAP_ENLARGED), Image.Resampling.BICUBIC
    )
    sheet = Image.new("RGB", evidence.size, MAP_COLOUR)
    sheet.putalpha(evidence.point(lambda value: round(value * MAP_OPACITY)))
    return _png(sheet)


def placed_map(png: bytes, thumbnail: Thumbnail, preprocessing: Preprocessing) -> Placed:
    """Place a map over that part of a thumbnail which the network saw: all of it, or the central square."""
    width, height = float(thumbnail.width), float(thumbnail.height)
    if preprocessing.resize == "crop":
        width = height = min(width, height) * preprocessing.size / preprocessing.short_side
    x, y = (thumbnail.width - width) / 2, (thumbnail.height - height) / 2
    return Placed(data_uri(png, "image/png"), x, y, width, height)


def filters_png(filters: Sequence[Any]) -> bytes | None:
    """Draw filters (filters, height, width, 3), each 0..1, as a square of tiles; None if there are none.

    One pixel a weight, one transparent pixel between the tiles: the page enlarges it without smoothing.
    """
    tiles = np.asarray(filters, dtype=np.float64)
    if tiles.ndim != 4 or tiles.shape[-1] != 3 or tiles.size == 0:
        return None
    number, height, width, _ = tiles.shape
    columns = ceil(sqrt(number))
    rows = ceil(number / columns)
    sheet = np.zeros((rows * (height + 1) - 1, columns * (width + 1) - 1, 4), dtype=np.uint8)
    pixels = np.rint(np.clip(np.nan_to_num(tiles), 0, 1) * 255).astype(np.uint8)
    for index, tile in enumerate(pixels):
        top, left = (index // columns) * (height + 1), (index % columns) * (width + 1)
        sheet[top : top + height, left : left + width, :3] = tile
        sheet[top : top + height, left : left + width, 3] = 255
    return _png(Image.fromarray(sheet, "RGBA"))


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
