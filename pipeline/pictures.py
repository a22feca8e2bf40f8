"""Pictures inside the page: data URIs, and the filters of a first convolution."""

import base64
import io
from collections.abc import Mapping, Sequence
from math import ceil, sqrt
from typing import Any

import numpy as np
from PIL import Image


def data_uri(content: bytes, media_type: str) -> str:
    """Return `content` as a data: URI, which a page can show without a request."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def thumbnail_uri(thumbnails: Mapping[str, bytes], sha256: str) -> str | None:
    """Return the JPEG of an image as a data: URI; None if there is none."""
    picture = thumbnails.get(sha256)
    return data_uri(picture, "image/jpeg") if picture else None


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
    buffer = io.BytesIO()
    Image.fromarray(sheet, "RGBA").save(buffer, format="PNG")
    return buffer.getvalue()
