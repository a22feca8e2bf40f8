from collections import Counter
from dataclasses import replace

from pipeline.differences import count_by_kind_and_label
from pipeline.records import Cycle
from pipeline.report.changes import MOST_PICTURES, changes_of
from pipeline.report.render import render_cycle
from tests.pipeline.example_cycles import NOTHING_FOUND, failed_cycle, finished_cycle
from tests.pipeline.example_data import example_change, example_changes
from tests.pipeline.example_runs import digest_of, thumbnail
from tests.pipeline.page_text import text_of


def cycle(**changes: object) -> Cycle:
    return finished_cycle(**changes)


def test_the_table_counts_all_changes_and_not_only_those_that_were_kept() -> None:
    found = changes_of(cycle())

    assert found.labels == ("cat", "dog")
    assert [(row.name, row.counts, row.total) for row in found.rows] == [
        ("Added", (1180, 2), 1182),
        ("Other class", (0, 1), 1),
        ("Same file, other picture", (1, 0), 1),
        ("Removed", (2, 0), 2),
        ("From training to test or back", (1, 0), 1),
        ("Moved or renamed", (0, 3), 3),
    ]
    assert (found.total.counts, found.total.total) == ((1184, 6), 1190)


def test_without_stored_counts_the_changes_themselves_are_counted() -> None:
    found = changes_of(cycle(change_counts={}))

    assert found.total.total == len(example_changes())


def test_a_class_that_is_gone_still_has_its_column() -> None:
    assert changes_of(cycle(change_counts={"removed": {"bird": 4}})).labels == ("bird",)


def test_a_kind_of_change_that_is_not_known_keeps_its_name_and_comes_last() -> None:
    found = changes_of(cycle(change_counts={"blurred": {"cat": 1}, "moved": {"cat": 1}}))

    assert [row.name for row in found.rows] == ["Moved or renamed", "blurred"]


def test_what_tells_most_is_shown_first_and_a_move_is_not_shown() -> None:
    kinds = Counter(shown.change.kind for shown in changes_of(cycle()).shown)

    assert list(kinds.items()) == [("relabelled", 1), ("replaced", 1), ("added", 5), ("removed", 1)]


def test_a_removed_image_is_shown_only_if_there_is_a_thumbnail() -> None:
    removed = tuple(example_change("removed", "cat", n) for n in range(2))
    thumbnails = {digest_of("removed cat 1"): thumbnail(1)}
    found = changes_of(cycle(changes=removed, thumbnails=thumbnails))

    assert [shown.change for shown in found.shown] == [removed[1]]
    assert changes_of(cycle(changes=removed, thumbnails={})).shown == ()


def test_a_thousand_new_cats_hide_neither_a_relabelled_dog_nor_the_new_dogs() -> None:
    changes = (*(example_change("added", "cat", n) for n in range(1000)), *example_changes(0))
    found = changes_of(cycle(changes=changes, change_counts=count_by_kind_and_label(changes)))
    seen = Counter((shown.change.kind, shown.change.label) for shown in found.shown)

    assert len(found.shown) == MOST_PICTURES
    assert (seen["relabelled", "dog"], seen["added", "dog"], seen["replaced", "cat"]) == (1, 2, 1)


def test_among_many_alike_those_with_a_thumbnail_are_shown_first() -> None:
    changes = tuple(example_change("added", "cat", n) for n in range(100))
    found = changes_of(cycle(changes=changes, thumbnails={changes[99].sha256: thumbnail(0)}))

    assert [shown.change for shown in found.shown[:2]] == [changes[99], changes[0]]
    assert [shown.picture is None for shown in found.shown] == [False] + [True] * 23


def test_a_relabelled_image_says_from_what_to_what() -> None:
    text = text_of(render_cycle(cycle()))

    assert "cat → dog\ntraining image\ntrain/dog/relabelled-dog-0.jpg" in text
    assert "8 images of 1,190 are shown." in text


def test_nothing_new_is_a_quiet_sentence() -> None:
    text = text_of(render_cycle(cycle(**NOTHING_FOUND)))

    assert "Nothing: the images are those of the last finished cycle, or there was none before this" in text


def test_a_cycle_that_saw_no_images_says_nothing_of_changes() -> None:
    assert "What changed" not in render_cycle(replace(failed_cycle(), error="no images"))
