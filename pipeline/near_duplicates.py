"""Pairs and groups of nearly equal images among many, by their perceptual hashes.

The search is multi-index hashing (Norouzi, Punjani and Fleet, "Fast Exact Search in Hamming Space with
Multi-Index Hashing", 2014). The 128 bits are cut into six bands. Two hashes that differ in at most 11 bits
differ in at most one bit of some band; so it is enough to look up each band as it is and with each of its
bits flipped, and to compare what is found there.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from pipeline.perceptual_hash import INVERSES, TRANSFORMS, Words, variants

__all__ = ["CERTAIN_DISTANCE", "MAX_DISTANCE", "Counted", "Pair", "find_pairs", "groups", "uncounted"]

Integers = npt.NDArray[np.int64]
Counted = Callable[[int, int], object]  # takes how many images of how many have been compared

# Each band: which word, its lowest bit, its number of bits. The lowest frequencies, which change least when a
# picture is altered, share a band: so most pairs beyond the certain distance are found as well. No band parts
# a frequency from its transposed one, so it does not matter which of two images is looked up.
_BANDS = ((0, 0, 21), (0, 21, 21), (0, 42, 22), (1, 0, 21), (1, 21, 22), (1, 43, 21))
CERTAIN_DISTANCE = 2 * len(_BANDS) - 1
MAX_DISTANCE = 20
_CHUNK = 1 << 14  # images that are looked up together
_BUCKET = 64  # images that share a band's value and are compared; 37 was the most in a million like photos
_EACH = 16  # pairs that are kept of an image with older ones

# uint64 constants that count the bits of a word by halves
_PAIRS, _NIBBLES, _BYTES = (
    np.uint64(mask) for mask in (0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F)
)
_SUM = np.uint64(0x0101010101010101)
_1, _2, _4, _56 = (np.uint64(bits) for bits in (1, 2, 4, 56))


@dataclass(frozen=True)
class Pair:
    """Two images that are nearly equal, by their places in the search; `left` is less than `right`."""

    left: int
    right: int
    distance: int  # bits in which the hashes differ, after the transform
    transform: str  # what makes the left image look like the right one, one of TRANSFORMS


@dataclass(frozen=True)
class _Found:
    """Pairs as parallel arrays; the transform makes the newer image look like the older one."""

    older: Integers
    newer: Integers
    distance: Integers
    transform: Integers


def uncounted(done: int, total: int) -> None:
    """Tell nobody."""


def find_pairs(
    words: Words, max_distance: int = MAX_DISTANCE, first_new: int = 0, progress: Counted = uncounted
) -> list[Pair]:
    """Return the pairs of hashes (N, 2) that differ in at most `max_distance` bits, sorted by (left, right).

    Hashes are compared under all eight symmetries. Within the bounds below, all pairs up to CERTAIN_DISTANCE
    are found, and most of those beyond it. With `first_new`, only pairs with one of the hashes from there on
    are looked for.

    Three bounds keep the work in hand where many pictures are alike, as the frames of a video are: of equal
    hashes each is paired with the first of them, and only the first with other hashes; an image is paired
    with the 16 nearest of the images before it; and of images that share the value of a band only the first
    64 are compared with others. So take `groups` to see who belongs together, for a pair may be left out.

    `progress` is called again and again while the search lasts; what it raises ends it.
    """
    firsts, equal = _set_equal_aside(words)
    distinct = words[firsts]
    new = int(np.searchsorted(firsts, first_new))
    total = len(distinct) - new

    def tell(number: int, done: int) -> None:
        progress((number * total + done) // len(_BANDS), total)

    parts = [
        _search_band(distinct, band, max_distance, new, partial(tell, number))
        for number, band in enumerate(_BANDS)
    ]
    found = _nearest(_joined(parts))
    near = zip(firsts[found.older], firsts[found.newer], found.distance, found.transform, strict=True)
    pairs = [Pair(int(a), int(b), int(d), TRANSFORMS[INVERSES[t]]) for a, b, d, t in near]
    pairs += [Pair(a, b, 0, TRANSFORMS[0]) for a, b in equal if b >= first_new]
    return sorted(pairs, key=lambda pair: (pair.left, pair.right))


def groups(pairs: Iterable[Pair], count: int) -> list[list[int]]:
    """Return the groups of images 0..count-1 that pairs join, directly or by a chain; no group of one."""
    parent = list(range(count))

    def root(image: int) -> int:
        while parent[image] != image:
            parent[image] = image = parent[parent[image]]
        return image

    for pair in pairs:
        low, high = sorted((root(pair.left), root(pair.right)))
        parent[high] = low
    members: dict[int, list[int]] = {}
    for image in range(count):
        if (first := root(image)) != image:
            members.setdefault(first, [first]).append(image)
    return [members[first] for first in sorted(members)]


def _set_equal_aside(words: Words) -> tuple[Integers, list[tuple[int, int]]]:
    """Return the first place of each distinct hash, ascending, and for all other places (first, place)."""
    order = np.lexsort((words[:, 1], words[:, 0]))  # stable: equal hashes stay in order
    ordered = words[order]
    is_first = np.ones(len(words), bool)
    is_first[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    first_of = order[np.flatnonzero(is_first)[np.cumsum(is_first) - 1]]
    equal = zip(first_of[~is_first].tolist(), order[~is_first].tolist(), strict=True)
    return np.sort(order[is_first]), list(equal)


def _search_band(
    words: Words,
    band: tuple[int, int, int],
    max_distance: int,
    first_new: int,
    looked_up: Callable[[int], object],
) -> _Found:
    """Find the pairs that agree in one band, or differ there in one bit; say how many were looked up."""
    width = band[2]
    keys = _keys(words, band)
    order = np.argsort(keys, kind="stable")
    starts = np.zeros((1 << width) + 1, np.int32)
    np.cumsum(np.bincount(keys, minlength=1 << width), out=starts[1:])
    flips = [0, *(1 << bit for bit in range(width))] if max_distance >= len(_BANDS) else [0]
    parts = [_nothing()]
    for newer, transform, asked in _questions(words, first_new):
        looked_up(newer - first_new)
        asked_keys = _keys(asked, band)
        hits = [_look_up(order, starts, asked_keys ^ flip) for flip in flips]
        near = [_compare(words, asked, hit, newer, transform, max_distance) for hit in hits]
        parts.append(_nearest(_joined(near)))
    return _nearest(_joined(parts))


def _questions(words: Words, first_new: int) -> Iterator[tuple[int, int, Words]]:
    """Yield (place of the first, transform, transformed hashes) for all images to look up, in chunks."""
    for start in range(first_new, len(words), _CHUNK):
        for transform, asked in enumerate(variants(words[start : start + _CHUNK])):
            yield start, transform, asked


def _keys(words: Words, band: tuple[int, int, int]) -> Integers:
    word, low, width = band
    return ((words[:, word] >> np.uint64(low)) & np.uint64((1 << width) - 1)).astype(np.int64)


def _look_up(order: Integers, starts: npt.NDArray[np.int32], keys: Integers) -> tuple[Integers, Integers]:
    """Return (places in `keys`, images that have that key), the first ones where there are too many."""
    begins = starts[keys]
    counts = np.minimum(starts[keys + 1] - begins, _BUCKET)
    hits = np.flatnonzero(counts)
    begins, counts = begins[hits], counts[hits]
    ends = np.cumsum(counts)
    within = np.arange(ends[-1] if len(ends) else 0) + np.repeat(begins - ends + counts, counts)
    return np.repeat(hits, counts), order[within]


def _compare(
    words: Words, asked: Words, hits: tuple[Integers, Integers], start: int, transform: int, max_distance: int
) -> _Found:
    """Keep those hits that are older than what was asked for, and near enough."""
    places, older = hits
    is_older = older < places + start
    places, older = places[is_older], older[is_older]
    distance = _count_bits(asked[places, 0] ^ words[older, 0])
    distance += _count_bits(asked[places, 1] ^ words[older, 1])
    near = distance <= max_distance
    return _Found(
        older[near], places[near] + start, distance[near], np.full(np.count_nonzero(near), transform)
    )


def _count_bits(words: Words) -> Integers:
    words = words - ((words >> _1) & _PAIRS)
    words = (words & _NIBBLES) + ((words >> _2) & _NIBBLES)
    words = (words + (words >> _4)) & _BYTES
    return ((words * _SUM) >> _56).astype(np.int64)


def _nothing() -> _Found:
    return _Found(*np.zeros((4, 0), np.int64))


def _joined(parts: list[_Found]) -> _Found:
    return _Found(
        np.concatenate([part.older for part in parts]),
        np.concatenate([part.newer for part in parts]),
        np.concatenate([part.distance for part in parts]),
        np.concatenate([part.transform for part in parts]),
    )


def _nearest(found: _Found) -> _Found:
    """Return each pair once, with its least distance, and of each image its nearest older ones only."""
    order = np.lexsort((found.transform, found.distance, found.older, found.newer))
    once = _chosen(found, order[_rank(found.newer[order], found.older[order]) == 0])
    order = np.lexsort((once.older, once.distance, once.newer))
    return _chosen(once, order[_rank(once.newer[order]) < _EACH])


def _chosen(found: _Found, places: Integers) -> _Found:
    return _Found(found.older[places], found.newer[places], found.distance[places], found.transform[places])


def _rank(*columns: Integers) -> Integers:
    """Return the place of each row in its run of equal rows, from 0."""
    changed = np.zeros(len(columns[0]), bool)
    for column in columns:
        changed[1:] |= column[1:] != column[:-1]
    begins: Integers = np.maximum.accumulate(np.where(changed, np.arange(len(changed)), 0))
    return np.arange(len(changed)) - begins
