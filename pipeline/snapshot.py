"""Freeze the list of images that a cycle trains and tests on."""

import hashlib
import itertools
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from pipeline.errors import EmptyClass
from pipeline.layout import SPLITS, Layout
from pipeline.records import FileState, Quarantined, Snapshot, SnapshotImage, Split


def take_snapshot(layout: Layout, files: Iterable[FileState], *, test_fraction: float = 0.2) -> Snapshot:
    """Return the images of all usable files, each content once, with its label and split.

    The split comes from the folders `train` and `test`. Without them it is drawn from the content alone, so
    an image stays on its side whatever is added, removed or renamed (see `_give_each_split_one` for the one
    exception, in tiny classes).

    Of several copies in one class the test copy counts, so that no test image is trained on, and of these
    the one with the smallest path. What lies in two classes is left out of both, and listed in `quarantined`.

    Args:
        layout: what `find_layout` says of the folder.
        files: the settled files; those outside of the class folders are not looked at.
        test_fraction: how much of a drawn split is for testing.

    Raises:
        EmptyClass: a class has no image to train on, or none to test on.
    """
    copies, quarantined = _by_content(layout, files, test_fraction)
    images = []
    for same in copies.values():
        labels = sorted({image.label for image in same})
        if len(labels) == 1:
            images.append(min(same, key=lambda image: (image.split != "test", image.path)))
        else:
            quarantined += [Quarantined(image.path, _also_under(image, labels)) for image in same]
    if not layout.split_folders:
        images = [image for label in layout.classes for image in _give_each_split_one(images, label)]
    images.sort(key=lambda image: (image.split, image.label, image.sha256))
    quarantined.sort(key=lambda file: file.path)
    _check_no_class_is_empty(layout, images, quarantined)
    return Snapshot(_digest(images), layout.classes, tuple(images), tuple(quarantined))


def evenly(images: tuple[SnapshotImage, ...], count: int) -> tuple[SnapshotImage, ...]:
    """Return `count` of the images, as many of each class as can be, chosen by content hash; all if 0."""
    if not 0 < count < len(images):
        return images
    by_class: dict[str, list[SnapshotImage]] = {}
    for image in sorted(images, key=lambda image: image.sha256):
        by_class.setdefault(image.label, []).append(image)
    turns = itertools.zip_longest(*by_class.values())
    return tuple(image for turn in turns for image in turn if image is not None)[:count]


def _by_content(
    layout: Layout, files: Iterable[FileState], test_fraction: float
) -> tuple[dict[str, list[SnapshotImage]], list[Quarantined]]:
    """Group the usable files by content; return the others as they are in quarantine."""
    places = {os.fsencode(folder): folder for folder in layout.class_folders}
    depth = 2 if layout.split_folders else 1
    copies: dict[str, list[SnapshotImage]] = defaultdict(list)
    quarantined = []
    for file in files:
        place = places.get(b"/".join(file.path.split(b"/")[:depth]))
        if place is None:
            continue
        if file.problem is not None or file.sha256 is None:
            quarantined.append(Quarantined(file.path, file.problem or "not read yet"))
            continue
        split, label = _split_and_label(layout, place, file.sha256, test_fraction)
        copies[file.sha256].append(SnapshotImage(file.sha256, label, split, file.path))
    return copies, quarantined


def _split_and_label(layout: Layout, place: str, sha256: str, test_fraction: float) -> tuple[Split, str]:
    if not layout.split_folders:
        return ("test" if _fraction(sha256) < test_fraction else "train"), place
    split, label = place.split("/", 1)
    return ("test" if split == "test" else "train"), label


def _fraction(sha256: str) -> float:
    """Return where a hash stands between 0 and 1; evenly spread, since the hash is."""
    return int(sha256[:16], 16) / 2**64


def _also_under(image: SnapshotImage, labels: list[str]) -> str:
    return "also under class " + " and ".join(repr(label) for label in labels if label != image.label)


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
