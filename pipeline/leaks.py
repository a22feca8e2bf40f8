"""The same picture in two places: under two classes, or to train on and to test on."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from pipeline.near_duplicates import Pair, find_pairs, groups
from pipeline.perceptual_hash import as_words
from pipeline.records import Leak, Quarantined, SnapshotImage, Split
from pipeline.shown import shown


@dataclass(frozen=True)
class Likeness:
    """Which of some images show nearly the same picture; positions are those in `images`."""

    images: tuple[SnapshotImage, ...]
    pairs: tuple[Pair, ...]

    @cached_property
    def groups(self) -> list[list[int]]:
        """The groups of images that pairs join, directly or by a chain."""
        return groups(self.pairs, len(self.images))


def likeness(images: Sequence[SnapshotImage], fingerprints: Mapping[str, bytes]) -> Likeness:
    """Compare all images by their perceptual hashes.

    Args:
        images: each content once.
        fingerprints: the perceptual hash of each content hash; images without one are like no other.
    """
    known = sorted((i for i in images if i.sha256 in fingerprints), key=lambda image: image.sha256)
    pairs = find_pairs(as_words([fingerprints[image.sha256] for image in known])) if known else []
    return Likeness(tuple(known), tuple(pairs))


def under_two_classes(like: Likeness, decided: Iterable[str]) -> list[tuple[SnapshotImage, Quarantined]]:
    """Return the images that show the same picture as one of another class, each with its reason.

    Args:
        like: the images compared.
        decided: content hashes that a person has given a label; these conflict with nothing.
    """
    settled = set(decided)
    found: dict[int, tuple[SnapshotImage, Quarantined]] = {}
    for pair in like.pairs:
        for position, partner in ((pair.left, pair.right), (pair.right, pair.left)):
            image, other = like.images[position], like.images[partner]
            if image.label == other.label or {image.sha256, other.sha256} & settled:
                continue
            reason = f"shows the same picture as {shown(other.path)}, which is under class {other.label!r}"
            found.setdefault(position, (image, Quarantined(image.path, reason)))
    return list(found.values())


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
        tests = [position for position, image in members.items() if image.split == "test"]
        trains = [position for position, image in members.items() if image.split == "train"]
        found += [_leak(members, position, tests, like.pairs) for position in trains if tests]
    return found


def _leak(
    members: Mapping[int, SnapshotImage], train: int, tests: Sequence[int], pairs: Iterable[Pair]
) -> Leak:
    """Name the test image that is nearest; one that only a chain joins counts after those with a pair."""
    own = [pair for pair in pairs if train in (pair.left, pair.right)]
    direct = [pair for pair in own if pair.left in tests or pair.right in tests]
    nearest = min(direct or own, key=lambda pair: pair.distance)
    partner = nearest.right if nearest.left == train else nearest.left
    test = members[partner if partner in tests else tests[0]]
    return Leak(members[train], test, nearest.distance, nearest.transform)
