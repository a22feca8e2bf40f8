"""The same picture in two places: to train on and to test on."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from pipeline.near_duplicates import Counted, Pair, find_pairs, groups, uncounted
from pipeline.perceptual_hash import as_words
from pipeline.records import FileState, Leak, SnapshotImage, Split


@dataclass(frozen=True)
class Likeness:
    """Which of some images show nearly the same picture; positions are those in `images`."""

    images: tuple[SnapshotImage, ...]
    pairs: tuple[Pair, ...]

    @cached_property
    def groups(self) -> list[list[int]]:
        """The groups of images that pairs join, directly or by a chain."""
        return groups(self.pairs, len(self.images))

    @cached_property
    def pairs_of(self) -> Mapping[int, list[Pair]]:
        """The pairs of each image that has any, in the order of `pairs`."""
        found: dict[int, list[Pair]] = defaultdict(list)
        for pair in self.pairs:
            found[pair.left].append(pair)
            found[pair.right].append(pair)
        return dict(found)


def fingerprints_of(files: Iterable[FileState]) -> dict[str, bytes]:
    """Return the perceptual hash of each content hash, where it is known."""
    return {file.sha256: file.fingerprint for file in files if file.sha256 and file.fingerprint}


def likeness(
    images: Sequence[SnapshotImage], fingerprints: Mapping[str, bytes], progress: Counted = uncounted
) -> Likeness:
    """Compare all images by their perceptual hashes.

    Args:
        images: each content once.
        fingerprints: the perceptual hash of each content hash; images without one are like no other.
        progress: see `find_pairs`.
    """
    known = sorted((i for i in images if i.sha256 in fingerprints), key=lambda image: image.sha256)
    words = as_words([fingerprints[image.sha256] for image in known])
    pairs = find_pairs(words, progress=progress) if known else []
    return Likeness(tuple(known), tuple(pairs))


def draw_splits(
    images: Iterable[SnapshotImage], like: Likeness, drawn: Mapping[str, Split], draw: Callable[[str], Split]
) -> list[SnapshotImage]:
    """Return the images, each with its split: the stored one, else that of its group, else drawn.

    What shows the same picture goes to the same side. A group without a stored split is drawn by its
    smallest content hash.

    Args:
        images: each content once.
        like: these images compared.
        drawn: the stored splits by content hash, which never change.
        draw: tells the split of a content hash.
    """
    leader = {}
    for group in like.groups:
        members = sorted(like.images[position].sha256 for position in group)
        first = next((sha256 for sha256 in members if sha256 in drawn), members[0])
        leader.update(dict.fromkeys(members, first))

    def split(sha256: str) -> Split:
        first = leader.get(sha256, sha256)
        return drawn.get(sha256) or drawn.get(first) or draw(first)

    return [replace(image, split=split(image.sha256)) for image in images]


def leaks(images: Iterable[SnapshotImage], like: Likeness) -> list[Leak]:
    """Return the training images that show the same picture as a test image, one leak for each.

    Args:
        images: with their final splits.
        like: these images compared.
    """
    now = {image.sha256: image for image in images}
    found = []
    for group in like.groups:
        members = {p: now[like.images[p].sha256] for p in group if like.images[p].sha256 in now}
        tests = {position: image for position, image in members.items() if image.split == "test"}
        trains = [(position, image) for position, image in members.items() if image.split == "train"]
        found += [
            _leak(image, tests, like.pairs_of[position], position) for position, image in trains if tests
        ]
    return found


def _leak(train: SnapshotImage, tests: Mapping[int, SnapshotImage], own: Sequence[Pair], place: int) -> Leak:
    """Name the test image that is nearest; one that only a chain joins counts after those with a pair.

    Args:
        train: the image that leaks.
        tests: the test images of its group, by position.
        own: the pairs of the image.
        place: its position.
    """
    partners = [(pair, pair.left if pair.right == place else pair.right) for pair in own]
    direct = [(pair, partner) for pair, partner in partners if partner in tests]
    nearest, partner = min(direct or partners, key=lambda found: found[0].distance)
    test = tests.get(partner) or next(iter(tests.values()))
    return Leak(train, test, nearest.distance, nearest.transform)
