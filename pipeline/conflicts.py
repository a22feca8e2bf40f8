"""The same picture under two classes: left out of both until somebody has decided."""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pipeline.leaks import Likeness
from pipeline.near_duplicates import groups
from pipeline.records import Quarantined, SnapshotImage
from pipeline.shown import shown


@dataclass(frozen=True)
class Conflict:
    """An image that lies under two classes itself, or looks like one of another class.

    Nobody has decided about the image itself, so its labels are those of its folders.
    """

    copies: tuple[SnapshotImage, ...]  # the image, once for each of its files; several only if it lies twice
    partner: SnapshotImage | None = (
        None  # what it looks like; None if the image itself lies under two classes
    )
    partner_is_decided: bool = False  # the label of the partner is what somebody has decided

    @property
    def image(self) -> SnapshotImage:
        """The image with the smallest of its paths."""
        return min(self.copies, key=lambda copy: copy.path)

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes under which the image itself lies, sorted."""
        return tuple(sorted({copy.label for copy in self.copies}))

    @property
    def suggested(self) -> str | None:
        """The label that an earlier decision about the same picture speaks for."""
        return self.partner.label if self.partner and self.partner_is_decided else None

    @property
    def reason(self) -> str:
        """The conflict in a phrase."""
        if self.partner is None:
            places = ", ".join(sorted(shown(copy.path) for copy in self.copies))
            return f"lies under the classes {' and '.join(map(repr, self.labels))}: {places}"
        which = "which somebody has decided is" if self.partner_is_decided else "which is under class"
        return f"shows the same picture as {shown(self.partner.path)}, {which} {self.partner.label!r}"

    def quarantined(self) -> list[Quarantined]:
        """Return each of its files with the reason for the quarantine."""
        if self.partner is not None:
            return [Quarantined(copy.path, self.reason) for copy in self.copies]
        return [Quarantined(copy.path, _also_under(copy, self.labels)) for copy in self.copies]


def near_conflicts(like: Likeness, decided: Iterable[str]) -> list[Conflict]:
    """Return the images that show nearly the same picture as one of another class.

    What a person has decided stands: an image with a decision is in no conflict, and where one like it has a
    decision, that one alone counts. So an undecided image is used if it agrees with what was decided about
    the same picture, and left out if it does not.

    Args:
        like: the images compared, each with the label that it has by its decision or its folder.
        decided: content hashes that a person has given their label.
    """
    settled = frozenset(decided)
    found = []
    for members, around in _neighbourhoods(like, settled):
        counts = any(is_decided for is_decided, _ in around)
        for image in (like.images[place] for place in members):
            rivals = (p for (d, label), p in around.items() if d == counts and label != image.label)
            partner = None if image.sha256 in settled else next(rivals, None)
            if partner is not None:
                found.append(Conflict((image,), partner, counts))
    return found


def _neighbourhoods(
    like: Likeness, settled: Container[str]
) -> Iterator[tuple[list[int], Mapping[tuple[bool, str], SnapshotImage]]]:
    """Yield images with equal hashes by position, and of what is like them one for each kind of label.

    The search pairs images of equal hashes only with the first of them, so these are put together here. The
    key of a kind is whether somebody has decided, and the label.
    """
    equal = groups((pair for pair in like.pairs if pair.distance == 0), len(like.images))
    first = {place: members[0] for members in equal for place in members}
    near: dict[int, set[int]] = defaultdict(set)
    together: dict[int, set[int]] = defaultdict(set)
    for pair in like.pairs:
        left, right = first.get(pair.left, pair.left), first.get(pair.right, pair.right)
        near[left] |= {left, right}
        near[right] |= {left, right}
        together[left].add(pair.left)
        together[right].add(pair.right)
    kinds = {leader: _kinds(like, sorted(members), settled) for leader, members in together.items()}
    group_of = {place: group[0] for group in like.groups for place in group}
    for leader in sorted(near, key=lambda place: (group_of[place], place)):  # partners stay side by side
        around: dict[tuple[bool, str], SnapshotImage] = {}
        for other in sorted(near[leader]):
            around = kinds[other] | around
        yield sorted(together[leader]), around


def _kinds(
    like: Likeness, members: Iterable[int], settled: Container[str]
) -> dict[tuple[bool, str], SnapshotImage]:
    """Return the first image of each kind of label."""
    images = [like.images[place] for place in members]
    return {(image.sha256 in settled, image.label): image for image in reversed(images)}


def exact_conflicts(copies: Mapping[str, list[SnapshotImage]]) -> list[Conflict]:
    """Return the images of which the same content lies under two classes.

    Args:
        copies: the usable files by content, each with its label.
    """
    return [Conflict(tuple(same)) for same in copies.values() if len({copy.label for copy in same}) > 1]


def _also_under(image: SnapshotImage, labels: Iterable[str]) -> str:
    return "also under class " + " and ".join(repr(label) for label in labels if label != image.label)
