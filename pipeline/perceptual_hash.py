"""A perceptual hash: 128 bits that stay nearly the same when a picture is re-encoded, resized or brightened.

Each bit is the sign of one of the 128 lowest frequencies of the picture's discrete cosine transform, the mean
left out (after Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010, with signs
in place of a comparison with the median). Signs have a use that a median has not: mirroring or turning a
picture only swaps frequencies and changes signs, so the hashes of all eight symmetries follow from one.

The index of files stores these hashes: a change here needs a migration that empties it.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["BITS", "INVERSES", "TRANSFORMS", "as_words", "perceptual_hash", "variants"]

Words = npt.NDArray[np.uint64]

BITS = 128
SIDE = 64  # pixels of the square that the picture is squashed to
# What a picture must undergo; in this order `variants` gives the hashes.
TRANSFORMS = (
    "none",
    "mirrored",
    "upside down",
    "half turn",
    "transposed",
    "quarter turn left",
    "quarter turn right",
    "transversed",
)
INVERSES = (0, 1, 2, 3, 4, 6, 5, 7)  # TRANSFORMS[INVERSES[t]] undoes TRANSFORMS[t]
# Frequencies smaller than this are rounding errors of an exact 0, whose sign would be chance.
_ZERO = 1e-6


def _lowest_frequencies() -> npt.NDArray[np.int64]:
    """Return (BITS, 2): (down, across), lowest first; the two of (u, v) and (v, u) are neighbours."""
    side = range(1 + round(BITS**0.5 * 1.1))
    pairs = [(down, across) for down in side for across in side if down or across]
    pairs.sort(key=lambda pair: (pair[0] ** 2 + pair[1] ** 2, min(pair), pair))
    return np.array(pairs[:BITS])


def _mask(bits: npt.NDArray[np.bool_]) -> Words:
    return np.packbits(bits, bitorder="little").view("<u8").astype(np.uint64)


_DOWN, _ACROSS = _lowest_frequencies().T
_COSINES = np.cos(np.pi * np.arange(_DOWN.max() + 1)[:, None] * (np.arange(SIDE) + 0.5) / SIDE)
_ODD_DOWN, _ODD_ACROSS = _mask(_DOWN % 2 == 1), _mask(_ACROSS % 2 == 1)
# A pair of neighbours (u, v), (v, u) never straddles two words, so that shifts can exchange them.
_DIAGONAL, _FIRST, _SECOND = _mask(_DOWN == _ACROSS), _mask(_DOWN < _ACROSS), _mask(_DOWN > _ACROSS)
_ONE = np.uint64(1)


def perceptual_hash(image: Image.Image) -> bytes:
    """Return the 16-byte hash of an upright RGB image; similar pictures differ in few bits."""
    grey = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    spectrum = _COSINES @ np.asarray(grey, dtype=np.float64) @ _COSINES.T
    return np.packbits(spectrum[_DOWN, _ACROSS] > _ZERO, bitorder="little").tobytes()


def as_words(hashes: Sequence[bytes]) -> Words:
    """Return hashes as (N, 2) uint64, as `variants` and the search for near duplicates take them."""
    return np.frombuffer(b"".join(hashes), "<u8").reshape(-1, 2).astype(np.uint64)


def variants(words: Words) -> Words:
    """Return (8, N, 2): what the hashes (N, 2) become when the pictures undergo each of TRANSFORMS.

    Mirroring negates the frequencies that are odd across, turning upside down those that are odd down;
    transposing exchanges across and down. All others are made of these.
    """
    swapped = (words & _DIAGONAL) | ((words & _FIRST) << _ONE) | ((words & _SECOND) >> _ONE)
    negations = (np.zeros(2, np.uint64), _ODD_ACROSS, _ODD_DOWN, _ODD_ACROSS ^ _ODD_DOWN)
    upright = [words ^ mask for mask in negations]
    mirrored, upside_down = swapped ^ _ODD_ACROSS, swapped ^ _ODD_DOWN
    return np.stack([*upright, swapped, upside_down, mirrored, swapped ^ _ODD_ACROSS ^ _ODD_DOWN])
