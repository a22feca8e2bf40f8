"""Random parts of images to train on, so that an object is not always as large and where it was."""

from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
import numpy.typing as npt
from PIL import Image

from pipeline.arrays import Array
from pipeline.decode import INTERPOLATIONS
from pipeline.records import Preprocessing

MOST_STRETCHED = 4 / 3  # of the part: width / height between this and its inverse


@dataclass(frozen=True)
class Crop:
    """Which part of an image is taken, whatever its size; each number is 0..1."""

    share: float  # of the image's area
    stretch: float  # 0: tall, 1: wide
    left: float  # 0: at the left edge, 1: at the right one
    top: float

    @classmethod
    def drawn(cls, least: float, numbers: Array) -> "Crop":
        """Return the crop that four uniform numbers of 0..1 stand for, at least the share `least` large."""
        share, stretch, left, top = numbers.tolist()
        return cls(least + (1 - least) * share, stretch, left, top)

    def box(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Return left, top, right and bottom in an image of some size, in fractions of pixels.

        A part that would be wider or higher than the image is cut to it. Source: Szegedy et al. (2015),
        "Going Deeper with Convolutions", section 6.
        """
        ratio = exp((2 * self.stretch - 1) * log(MOST_STRETCHED))
        area = self.share * width * height
        own_width, own_height = min(sqrt(area * ratio), width), min(sqrt(area / ratio), height)
        left, top = self.left * (width - own_width), self.top * (height - own_height)
        return left, top, min(left + own_width, width), min(top + own_height, height)

    def pixels(self, image: Image.Image, preprocessing: Preprocessing) -> npt.NDArray[np.uint8]:
        """Return the part of an RGB image, scaled to (size, size, 3) uint8."""
        size = (preprocessing.size, preprocessing.size)
        interpolation = INTERPOLATIONS[preprocessing.interpolation]
        return np.asarray(image.resize(size, interpolation, box=self.box(*image.size)))
