"""All pictures compared once, for who asks again while people change labels and leave images out."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.leaks import Likeness, fingerprints_of
from pipeline.near_duplicates import Pair, find_pairs
from pipeline.perceptual_hash import INVERSES, TRANSFORMS, as_words
from pipeline.records import FileState, SnapshotImage


@dataclass(frozen=True)
class Compared:
    """The contents of some files, and which of them show nearly the same picture, by their places."""

    hashes: tuple[str, ...]  # sorted
    pairs: tuple[Pair, ...]


def compare_all(files: Iterable[FileState]) -> Compared:
    """Compare the pictures of all files."""
    fingerprints = fingerprints_of(files)
    hashes = tuple(sorted(fingerprints))
    pairs = find_pairs(as_words([fingerprints[sha256] for sha256 in hashes])) if hashes else []
    return Compared(hashes, tuple(pairs))


def likeness_among(images: Sequence[SnapshotImage], compared: Compared) -> Likeness:
    """Return what `likeness` says of these images, from what is known of them and of others.

    The search pairs equal pictures only with the first of them, and only that one with others. Where the
    first is not among these images, the next one takes its place.
    """
    here = {image.sha256: image for image in images}
    known = [place for place, sha256 in enumerate(compared.hashes) if sha256 in here]
    new = {place: number for number, place in enumerate(known)}
    first = _firsts(compared.pairs, new)
    pairs = []
    for pair in compared.pairs:
        left = first.get(pair.left, new.get(pair.left))
        right = new.get(pair.right) if _is_equal(pair) else first.get(pair.right, new.get(pair.right))
        if left is not None and right is not None and left != right:
            pairs.append(_pair(left, right, pair))
    pairs.sort(key=lambda pair: (pair.left, pair.right))
    return Likeness(tuple(here[compared.hashes[place]] for place in known), tuple(pairs))


def _firsts(pairs: Iterable[Pair], new: dict[int, int]) -> dict[int, int | None]:
    """Return for the first of equal pictures the new place of the first that is here; None if none is."""
    equal: dict[int, list[int]] = defaultdict(list)
    for pair in pairs:
        if _is_equal(pair):
            equal[pair.left].append(pair.right)
    return {
        left: next((new[place] for place in (left, *sorted(others)) if place in new), None)
        for left, others in equal.items()
    }


def _is_equal(pair: Pair) -> bool:
    return pair.distance == 0 and pair.transform == TRANSFORMS[0]


def _pair(left: int, right: int, pair: Pair) -> Pair:
    if left < right:
        return Pair(left, right, pair.distance, pair.transform)
    back = TRANSFORMS[INVERSES[TRANSFORMS.index(pair.transform)]]
    return Pair(right, left, pair.distance, back)
