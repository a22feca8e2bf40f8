"""How far an exported model is from the one that was trained, on the same images."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from PIL import Image

from pipeline.arrays import Array
from pipeline.decode import normalise, to_pixels
from pipeline.evaluate import Forward, softmax
from pipeline.records import Preprocessing

BATCH = 16
MOST_APART = 1e-4  # of a probability; of a logit, as a share of the largest one
MOST_PIXELS_APART = 0.1  # on average, of the values of pixels, 0..255
MOST_WHOLE_APART = 0.01  # of a probability, from the image on


@dataclass(frozen=True)
class Parity:
    """Largest differences from what MXNet says of the same images."""

    images: int
    probability_difference: float
    logit_difference: float
    largest_logit: float  # of MXNet's, for comparison
    same_class: int  # images whose most probable class is the same

    @property
    def is_close(self) -> bool:
        """Whether the difference is one of rounding."""
        most = MOST_APART * self.largest_logit
        return self.probability_difference <= MOST_APART and self.logit_difference <= most


@dataclass(frozen=True)
class PixelParity:
    """How far resized pixels are from Pillow's; a value is a channel of a pixel, 0..255."""

    images: int
    largest: int
    mean: float
    differing: float  # share of the values, 0..1


@dataclass(frozen=True)
class Measured:
    """All that was measured of an exported model."""

    network: Parity  # on the very pixels that MXNet saw
    whole: Parity | None = None  # from the image on, where the preprocessing is inside
    pixels: PixelParity | None = None


Outputs = Callable[[Array], tuple[Array, ...]]  # images -> probabilities (N, classes) and logits


@dataclass(frozen=True)
class Exported:
    """The graphs to be measured, each ready to run."""

    network: Outputs  # of normalised images, float32 (N, 3, S, S)
    whole: Outputs | None = None  # of images, uint8 (1, H, W, 3)
    resizing: Forward | None = None  # of images, uint8 (1, H, W, 3), to float32 (1, 3, S, S)


@dataclass
class _Rows:
    """What each of them said, image by image."""

    mxnet: list[Array] = field(default_factory=list)  # logits (n, classes)
    network: list[tuple[Array, ...]] = field(default_factory=list)
    whole: list[tuple[Array, ...]] = field(default_factory=list)
    pixels: list[Array] = field(default_factory=list)  # int64 (3,) per image: largest, sum, how many differ


def measure(
    pictures: Iterable[Image.Image],
    mxnet: Forward,
    exported: Exported,
    how: Preprocessing,
    temperature: float,
) -> Measured | None:
    """Run upright RGB images, at least one, through both and compare; None if there is no image.

    Args:
        pictures: read lazily, and held no longer than it takes.
        mxnet: normalised images, float32 (N, 3, S, S) -> logits (N, classes).
        exported: the model that is to be given away.
        how: what the network expects of an image.
        temperature: divides the logits.
    """
    rows = _Rows()
    every = _pixels(pictures, exported, how, rows)
    while some := list(islice(every, BATCH)):
        images = normalise(np.stack(some), how)
        rows.mxnet.append(mxnet(images))
        rows.network.append(exported.network(images))
    if not rows.mxnet:
        return None
    logits = np.concatenate(rows.mxnet)
    return Measured(
        _parity(logits, rows.network, temperature),
        _parity(logits, rows.whole, temperature) if exported.whole else None,
        _pixel_parity(np.stack(rows.pixels), 3 * how.size**2) if exported.resizing else None,
    )


def _pixels(
    pictures: Iterable[Image.Image], exported: Exported, how: Preprocessing, rows: _Rows
) -> Iterator[Array]:
    """Yield Pillow's pixels of each picture, after running the graphs that begin with the whole picture."""
    for picture in pictures:
        pixels = to_pixels(picture, how)
        image = np.asarray(picture)[np.newaxis]
        if exported.whole:
            rows.whole.append(exported.whole(image))
        if exported.resizing:
            apart = np.abs(exported.resizing(image)[0].transpose(1, 2, 0).astype(np.int64) - pixels)
            rows.pixels.append(np.array([apart.max(), apart.sum(), np.count_nonzero(apart)]))
        yield pixels


def _parity(expected: Array, said: list[tuple[Array, ...]], temperature: float) -> Parity:
    probabilities, logits = (np.concatenate(column) for column in zip(*said, strict=True))
    likely = softmax(expected / temperature)
    return Parity(
        images=len(expected),
        probability_difference=_apart(probabilities, likely),
        logit_difference=_apart(logits, expected),
        largest_logit=float(np.abs(expected).max()),
        same_class=int((probabilities.argmax(axis=1) == expected.argmax(axis=1)).sum()),
    )


def _apart(one: Array, other: Array) -> float:
    """Return the largest difference; infinite where one of them is not a number."""
    largest = float(np.abs(one - other).max())
    return largest if np.isfinite(largest) else float("inf")


def _pixel_parity(apart: Array, values: int) -> PixelParity:
    return PixelParity(
        images=len(apart),
        largest=int(apart[:, 0].max()),
        mean=float(apart[:, 1].sum() / (values * len(apart))),
        differing=float(apart[:, 2].sum() / (values * len(apart))),
    )
