"""Freeze the list of images that a cycle trains and tests on."""

import hashlib
import itertools
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.compared import Compared, likeness_among
from pipeline.conflicts import Conflict, exact_conflicts, near_conflicts
from pipeline.errors import EmptyClass
from pipeline.layout import SPLITS, Layout
from pipeline.leaks import Likeness, draw_splits, fingerprints_of, leaks, likeness
from pipeline.near_duplicates import Counted, uncounted
from pipeline.records import (
    FileState,
    LabelDecision,
    Leak,
    Quarantined,
    Snapshot,
    SnapshotImage,
    Split,
)


@dataclass(frozen=True)
class Memory:
    """What was decided about images before, by content hash."""

    drawn: Mapping[str, Split] = field(default_factory=dict)  # splits, which never change
    decisions: Mapping[str, LabelDecision] = field(default_factory=dict)  # labels that a person has given


NOTHING_REMEMBERED = Memory()


def take_snapshot(
    layout: Layout,
    files: Iterable[FileState],
    *,
    test_fraction: float = 0.2,
    memory: Memory = NOTHING_REMEMBERED,
    progress: Counted = uncounted,
) -> Snapshot:
    """Return the images of all usable files, each content once, with its label and split.

    The split comes from the folders `train` and `test`. Without them it is drawn from the content and the
    group of near duplicates, and stays once it is remembered, whatever is added, removed or renamed (see
    `_give_each_split_one` for the one exception, in tiny classes).

    What shows the same picture as a test image is not trained on, and listed in `leaks`. What lies in two
    classes is left out of both, and listed in `quarantined`, until a person has decided.

    Args:
        layout: what `find_layout` says of the folder.
        files: the settled files; those outside of the class folders are not looked at.
        test_fraction: how much of a drawn split is for testing.
        memory: splits drawn and labels decided before.
        progress: of comparing the images, see `find_pairs`.

    Raises:
        EmptyClass: a class has no image to train on, or none to test on.
    """
    found = _sift(layout, tuple(files), memory.decisions, progress=progress)
    images, like = found.images, found.like
    if not layout.split_folders:
        images = draw_splits(images, like, memory.drawn, lambda sha256: _draw(sha256, test_fraction))
        images = [image for label in layout.classes for image in _give_each_split_one(images, label)]
    near = leaks(images, like)
    leaked = {leak.train.sha256 for leak in near}
    images = sorted(
        (image for image in images if image.sha256 not in leaked),
        key=lambda image: (image.split, image.label, image.sha256),
    )
    quarantined = sorted(found.quarantined, key=lambda file: file.path)
    _check_no_class_is_empty(layout, images, quarantined)
    return Snapshot(
        digest=_digest(images),
        classes=layout.classes,
        images=tuple(images),
        quarantined=tuple(quarantined),
        leaks=tuple(sorted(found.leaks + near, key=lambda leak: leak.train.path)),
        mended=_mended(layout, images, memory.decisions),
    )


def find_conflicts(
    layout: Layout,
    files: Sequence[FileState],
    decisions: Mapping[str, LabelDecision],
    compared: Compared | None = None,
) -> tuple[Conflict, ...]:
    """Return what a snapshot of these files leaves out since the same picture is under two classes.

    With `compared`, which `compare_all` makes of these files, no picture is compared again.
    """
    return tuple(_sift(layout, files, decisions, compared).conflicts)


def evenly(images: tuple[SnapshotImage, ...], count: int) -> tuple[SnapshotImage, ...]:
    """Return `count` of the images, as many of each class as can be, chosen by content hash; all if 0."""
    if not 0 < count < len(images):
        return images
    by_class: dict[str, list[SnapshotImage]] = {}
    for image in sorted(images, key=lambda image: image.sha256):
        by_class.setdefault(image.label, []).append(image)
    turns = itertools.zip_longest(*by_class.values())
    return tuple(image for turn in turns for image in turn if image is not None)[:count]


@dataclass(frozen=True)
class _Sifted:
    """The usable images, each content once, and what is not among them."""

    images: list[SnapshotImage]
    like: Likeness  # also of the images in conflict
    conflicts: list[Conflict]
    leaks: list[Leak]  # training copies of test images
    quarantined: list[Quarantined]


def _sift(
    layout: Layout,
    files: Sequence[FileState],
    decisions: Mapping[str, LabelDecision],
    compared: Compared | None = None,
    progress: Counted = uncounted,
) -> _Sifted:
    """Tell apart what can be used and what not, before anything is split."""
    copies, quarantined = _by_content(layout, files, decisions)
    conflicts = exact_conflicts(copies)
    images, exact = _one_of_each(copies, conflicts)
    if compared:
        like = likeness_among(images, compared)
    else:
        like = likeness(images, fingerprints_of(files), progress)
    # A decision for a class that is gone says nothing; the label is then that of the folder.
    decided = (sha256 for sha256, decision in decisions.items() if decision.label in layout.classes)
    conflicts += near_conflicts(like, decided)
    out = {conflict.image.sha256 for conflict in conflicts}
    images = [image for image in images if image.sha256 not in out]
    quarantined += [problem for conflict in conflicts for problem in conflict.quarantined()]
    return _Sifted(images, like, conflicts, exact, quarantined)


def _by_content(
    layout: Layout, files: Iterable[FileState], decisions: Mapping[str, LabelDecision]
) -> tuple[dict[str, list[SnapshotImage]], list[Quarantined]]:
    """Group the usable files by content; return the others as they are in quarantine."""
    copies: dict[str, list[SnapshotImage]] = defaultdict(list)
    quarantined = []
    for file in files:
        place = _class_folder(layout, file.path)
        if place is None:
            continue
        if file.problem is not None or file.sha256 is None:
            quarantined.append(Quarantined(file.path, file.problem or "not read yet"))
            continue
        split, label = place
        decision = decisions.get(file.sha256)
        if decision is not None and decision.label is None:
            quarantined.append(Quarantined(file.path, "left out, as somebody has decided"))
            continue
        if decision is not None and decision.label in layout.classes:
            label = decision.label
        copies[file.sha256].append(SnapshotImage(file.sha256, label, split, file.path))
    return copies, quarantined


def _class_folder(layout: Layout, path: bytes) -> tuple[Split, str] | None:
    """Return split and class of a file by its folders; None outside of the class folders."""
    parts = [os.fsdecode(part) for part in path.split(b"/", 2)]
    split: Split = "train"  # where no folder decides, until it is drawn
    if layout.split_folders:
        if parts[0] not in SPLITS:
            return None
        split = "test" if parts.pop(0) == "test" else "train"
    return (split, parts[0]) if parts[0] in layout.classes else None


def _one_of_each(
    copies: Mapping[str, list[SnapshotImage]], conflicts: Iterable[Conflict]
) -> tuple[list[SnapshotImage], list[Leak]]:
    """Return one image for each content without a conflict, and as leaks the training copies of test images.

    Of several copies the test copy counts, so that no test image is trained on, and of these the one with
    the smallest path.
    """
    images, found = [], []
    out = {conflict.image.sha256 for conflict in conflicts}
    for same in (same for sha256, same in copies.items() if sha256 not in out):
        best = min(same, key=lambda image: (image.split != "test", image.path))
        images.append(best)
        found += [Leak(copy, best, 0, "none") for copy in same if copy.split != best.split]
    return images, found


def _mended(layout: Layout, images: Iterable[SnapshotImage], decisions: Mapping[str, LabelDecision]) -> int:
    """Count the images whose label is not that of their folder."""
    decided = (image for image in images if image.sha256 in decisions)
    places = ((image, _class_folder(layout, image.path)) for image in decided)
    return sum(place is not None and place[1] != image.label for image, place in places)


def _draw(sha256: str, test_fraction: float) -> Split:
    """Draw the split of a content by its hash, which is evenly spread."""
    return "test" if int(sha256[:16], 16) / 2**64 < test_fraction else "train"


def _give_each_split_one(images: Iterable[SnapshotImage], label: str) -> Iterator[SnapshotImage]:
    """Yield the images of one class; if all of two or more were drawn to one side, move one over.

    The one that was nearest to the border moves: the smallest hash to `test`, the largest to `train`. The
    choice hangs on nothing but the contents, and ends as soon as one is drawn to the empty side. That
    is likely only in a class of a few images: with 20 images and a fifth for testing, 1 time in 87.
    """
    own = sorted((image for image in images if image.label == label), key=lambda image: image.sha256)
    splits = {image.split for image in own}
    if len(own) > 1 and splits == {"train"}:
        own[0] = replace(own[0], split="test")
    elif len(own) > 1 and splits == {"test"}:
        own[-1] = replace(own[-1], split="train")
    yield from own


def _check_no_class_is_empty(
    layout: Layout, images: Iterable[SnapshotImage], quarantined: Iterable[Quarantined]
) -> None:
    present = {(image.split, image.label) for image in images}
    for split, label in itertools.product(SPLITS, layout.classes):
        if (split, label) in present:
            continue
        place = _place(layout, f"{split}/{label}" if layout.split_folders else label, quarantined)
        if not layout.split_folders and any(label == other for _, other in present):
            raise EmptyClass(
                f"class {label!r} has only one readable image in {place}, but needs one to train on and one "
                "to test on; add images or remove the folder"
            )
        raise EmptyClass(f"class {label!r} has no readable image in {place}; add images or remove the folder")


def _place(layout: Layout, class_folder: str, quarantined: Iterable[Quarantined]) -> str:
    """Name a class folder, and how many of its files cannot be used."""
    inside = os.fsencode(class_folder) + b"/"
    unusable = sum(file.path.startswith(inside) for file in quarantined)
    aside = f" ({unusable} {'file is' if unusable == 1 else 'files are'} in quarantine)" if unusable else ""
    return f"{layout.folder / class_folder}{aside}"


def _digest(images: Iterable[SnapshotImage]) -> str:
    lines = sorted(f"{image.sha256} {image.label} {image.split}\n" for image in images)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
