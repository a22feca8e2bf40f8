"""The same picture under two classes: who is left out, why, and how a decision settles it."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.conflicts import Conflict
from pipeline.layout import Layout
from pipeline.records import FileState, LabelDecision
from pipeline.snapshot import Memory, find_conflicts, take_snapshot

LAYOUT = Layout(split_folders=True, classes=("bird", "cat", "dog"), folder=Path("/photos"))


def file(path: str, content: str, picture: int) -> FileState:
    """A file whose content is named, and whose picture has a number of its own."""
    # Hashes of 16 bytes in which any two different pictures differ by 64 bits, under all symmetries.
    fingerprint = bytes((0x35, 0x53, 0x9C, 0xC9)[picture % 4] for _ in range(8)) + bytes(8)
    return FileState(path.encode(), 1, 0, 0, 0, content * 64, 32, 24, None, fingerprint)


REST = [
    replace(file(f"{split}/{label}/rest.jpg", "0", 0), sha256=f"{number:064x}", fingerprint=None)
    for number, (split, label) in enumerate((s, c) for s in ("train", "test") for c in LAYOUT.classes)
]
CAT, DOG = file("train/cat/a.jpg", "a", 1), file("train/dog/b.jpg", "b", 1)


def outcome(*files: FileState, **decided: str | None) -> tuple[dict[str, str], dict[str, str]]:
    """Return the labels of the used images and the reasons of the others, by path."""
    decisions = decisions_of(decided)
    found = take_snapshot(LAYOUT, [*REST, *files], memory=Memory(decisions=decisions))
    used = {os.fsdecode(i.path): i.label for i in found.images if not i.path.endswith(b"rest.jpg")}
    return used, {os.fsdecode(q.path): q.reason for q in found.quarantined}


def decisions_of(decided: Mapping[str, str | None]) -> dict[str, LabelDecision]:
    return {content * 64: LabelDecision(content * 64, label) for content, label in decided.items()}


def conflicts(*files: FileState, **decided: str | None) -> tuple[Conflict, ...]:
    return find_conflicts(LAYOUT, [*REST, *files], decisions_of(decided))


def test_without_a_decision_both_are_left_out() -> None:
    used, out = outcome(CAT, DOG)
    assert used == {}
    assert out == {
        "train/cat/a.jpg": "shows the same picture as train/dog/b.jpg, which is under class 'dog'",
        "train/dog/b.jpg": "shows the same picture as train/cat/a.jpg, which is under class 'cat'",
    }


def test_a_decision_for_its_own_class_uses_the_image_and_leaves_the_other_out() -> None:
    used, out = outcome(CAT, DOG, a="cat")
    assert used == {"train/cat/a.jpg": "cat"}
    assert out == {
        "train/dog/b.jpg": "shows the same picture as train/cat/a.jpg, which somebody has decided is 'cat'"
    }


@pytest.mark.parametrize(
    ("decided", "labels"),
    [
        ({"a": "dog"}, {"train/cat/a.jpg": "dog", "train/dog/b.jpg": "dog"}),
        ({"b": "cat"}, {"train/cat/a.jpg": "cat", "train/dog/b.jpg": "cat"}),
        ({"a": "cat", "b": "dog"}, {"train/cat/a.jpg": "cat", "train/dog/b.jpg": "dog"}),
        ({"a": None}, {"train/dog/b.jpg": "dog"}),
        ({"a": "cat", "b": None}, {"train/cat/a.jpg": "cat"}),
    ],
    ids=["one gives way", "the other gives way", "both are right", "one left out", "one right, one left out"],
)
def test_a_decision_that_leaves_no_doubt_settles_the_conflict(
    decided: dict[str, str | None], labels: dict[str, str]
) -> None:
    used, out = outcome(CAT, DOG, **decided)
    assert used == labels
    assert set(out.values()) <= {"left out, as somebody has decided"}
    assert conflicts(CAT, DOG, **decided) == ()


def test_a_decision_for_a_class_that_is_gone_settles_nothing() -> None:
    assert len(conflicts(CAT, DOG, a="hamster")) == 2


def test_a_conflict_suggests_a_class_only_where_the_partner_is_decided() -> None:
    assert [conflict.suggested for conflict in conflicts(CAT, DOG)] == [None, None]
    (left,) = conflicts(CAT, DOG, a="cat")
    assert (left.image.path, left.labels, left.suggested) == (b"train/dog/b.jpg", ("dog",), "cat")


def test_of_several_partners_the_decided_one_is_named() -> None:
    bird, decided = file("train/bird/1.jpg", "1", 1), file("train/cat/f.jpg", "f", 1)
    by_path = {c.image.path: c.suggested for c in conflicts(bird, DOG, decided, f="cat")}
    assert by_path == {b"train/bird/1.jpg": "cat", b"train/dog/b.jpg": "cat"}


def test_pictures_with_equal_hashes_conflict_whichever_of_them_comes_first() -> None:
    files = [
        file(f"train/{label}/{name}.jpg", name, 1)
        for label, name in zip(["dog"] * 3 + ["cat"], "abcd", strict=True)
    ]
    for order in (files, files[::-1]):
        assert sorted(outcome(*order)[1]) == sorted(state.path.decode() for state in files)


def test_one_decision_settles_it_for_all_that_agree_with_it() -> None:
    dogs = [file(f"train/dog/{name}.jpg", name, 1) for name in "bcd"]
    used, out = outcome(CAT, *dogs, c="dog")
    assert set(used.values()) == {"dog"}
    assert len(used) == 3
    assert list(out) == ["train/cat/a.jpg"]


def test_opposite_decisions_about_one_picture_leave_the_undecided_ones_out() -> None:
    third = file("train/cat/c.jpg", "c", 1)
    used, out = outcome(CAT, DOG, third, a="cat", b="dog")
    assert used == {"train/cat/a.jpg": "cat", "train/dog/b.jpg": "dog"}
    assert list(out) == ["train/cat/c.jpg"]


def test_what_only_looks_like_an_image_in_conflict_is_none_itself() -> None:
    """The second differs from the first in 16 bits, and the third from the second, but not from the first."""
    far = [file(f"train/{label}/{n}.jpg", n, 1) for label, n in (("cat", "a"), ("dog", "b"), ("dog", "c"))]
    prints = [b"\xff\xff" * n + bytes(far[0].fingerprint or b"")[2 * n :] for n in (0, 2, 4)]
    states = [replace(state, fingerprint=p) for state, p in zip(far, prints, strict=True)]
    assert set(outcome(*states)[1]) == {"train/cat/a.jpg", "train/dog/b.jpg"}


def test_images_that_look_alike_stand_side_by_side_in_the_list() -> None:
    others = [file("train/cat/9.jpg", "9", 2), file("train/dog/f.jpg", "f", 2)]
    found = conflicts(CAT, DOG, *others)
    assert [os.fsdecode(conflict.image.path) for conflict in found] == [
        "train/cat/9.jpg",
        "train/dog/f.jpg",
        "train/cat/a.jpg",
        "train/dog/b.jpg",
    ]


def test_one_content_under_two_classes_is_one_conflict_and_one_decision_settles_it() -> None:
    again = replace(CAT, path=b"test/dog/z.jpg")
    (conflict,) = conflicts(CAT, again)
    assert (conflict.image.path, conflict.labels, conflict.suggested) == (
        b"test/dog/z.jpg",
        ("cat", "dog"),
        None,
    )
    assert conflict.reason == "lies under the classes 'cat' and 'dog': test/dog/z.jpg, train/cat/a.jpg"
    assert outcome(CAT, again)[1] == {
        "test/dog/z.jpg": "also under class 'cat'",
        "train/cat/a.jpg": "also under class 'dog'",
    }
    assert outcome(CAT, again, a="cat") == ({"test/dog/z.jpg": "cat"}, {})


def test_the_same_picture_twice_in_one_class_is_no_conflict() -> None:
    assert conflicts(CAT, replace(DOG, path=b"train/cat/b.jpg")) == ()
    assert conflicts(CAT, file("train/dog/b.jpg", "b", 2)) == ()
