"""When a cycle starts by itself, and what only a person can decide."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.config import Config
from jobs.look import NOTHING_ACCEPTED, Accepted, Look, judge
from jobs.memory import Past
from jobs.schedule import is_quiet, parse_quiet_hours
from pipeline.errors import BadSettings, ClassesChanged, EmptyClass, ImagesVanished
from pipeline.layout import Layout
from pipeline.records import FileState, Snapshot
from pipeline.scan_result import ScanResult
from pipeline.snapshot import Memory, take_snapshot

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
LAYOUT = Layout(split_folders=True, classes=("cat", "dog"), folder=Path("/photos"))


def files(count: int, start: int = 0, age_seconds: float = 60.0) -> list[FileState]:
    """Return usable files, cats and dogs in turn, one of four to test on."""
    changed = int((NOW.timestamp() - age_seconds) * 1e9)
    return [
        FileState(
            f"{'test' if i % 8 < 2 else 'train'}/{'cat' if i % 2 else 'dog'}/{i}.jpg".encode(),
            100, changed, changed, i, f"{i:064x}", 300, 200, None,
        )
        for i in range(start, start + count)
    ]  # fmt: skip


def scanned(settling: tuple[bytes, ...] = (), layout: Layout = LAYOUT) -> ScanResult:
    return ScanResult(layout, 0, (), (), settling, (), {}, None)


def last(found: list[FileState]) -> Snapshot:
    return take_snapshot(LAYOUT, found)


def look(
    found: list[FileState],
    before: Snapshot | None,
    accepted: Accepted = NOTHING_ACCEPTED,
    *,
    settling: tuple[bytes, ...] = (),
    layout: Layout = LAYOUT,
    given_up: tuple[str, str] | None = None,
    **settings: Any,
) -> Look:
    config = replace(Config(), **settings)
    past = Past(before, Memory(), given_up)
    return judge(scanned(settling, layout), found, config, past, accepted=accepted, now=NOW, seconds=0.1)


def test_the_first_look_at_a_folder_is_a_reason() -> None:
    found = look(files(20), None)
    assert found.would_run
    assert found.reason == "no cycle has finished on this folder yet; it holds 20 images"


def test_nothing_new_is_none() -> None:
    found = look(files(20), last(files(20)))
    assert not found.would_run
    assert found.reason.startswith(
        "nothing new since the last finished cycle (0 new, 0 relabelled and 0 gone"
    )


def test_images_that_are_gone_are_no_reason_by_themselves() -> None:
    assert not look(files(16), last(files(20))).would_run


def test_enough_new_images_are_one_and_too_few_wait() -> None:
    before = last(files(20))
    assert look(files(23), before, min_new_images=3).would_run
    few = look(files(23), before, min_new_images=4)
    assert not few.would_run
    assert "fewer than min_new_images = 4" in few.reason


def test_too_few_that_have_waited_long_enough_are_one_too() -> None:
    old = files(20) + files(2, start=20, age_seconds=7200)
    found = look(old, last(files(20)), min_new_images=50, max_wait="1h")
    assert found.would_run
    assert "waited for longer than max_wait = 1h" in found.reason
    assert not look(old, last(files(20)), min_new_images=50, max_wait="3h").would_run


def test_files_being_written_hold_the_batch_back_but_not_for_ever() -> None:
    writing = (b"train/cat/new.jpg",)
    waiting = look(files(25), last(files(20)), settling=writing)
    assert not waiting.would_run
    assert "1 files are still being written" in waiting.reason
    late = files(20) + files(5, start=20, age_seconds=7200)
    assert look(late, last(files(20)), settling=writing, max_wait="1h").would_run


def test_nothing_starts_in_quiet_hours() -> None:
    here = NOW.astimezone()
    around = f"{(here - timedelta(hours=1)):%H:%M}-{(here + timedelta(hours=1)):%H:%M}"
    later = f"{(here + timedelta(hours=1)):%H:%M}-{(here + timedelta(hours=2)):%H:%M}"
    assert not look(files(20), None, quiet_hours=around).would_run
    assert look(files(20), None, quiet_hours=later).would_run


@pytest.mark.parametrize(
    ("text", "clock", "quiet"),
    [
        ("22:00-06:00", "23:30", True), ("22:00-06:00", "05:59", True), ("22:00-06:00", "06:00", False),
        ("22:00-06:00", "12:00", False), ("09:00-17:00", "09:00", True), ("09:00-17:00", "17:00", False),
    ],
)  # fmt: skip
def test_quiet_hours_may_pass_midnight(text: str, clock: str, quiet: bool) -> None:
    hour, minute = map(int, clock.split(":"))
    assert is_quiet(text, datetime(2026, 3, 4, hour, minute).astimezone()) is quiet


@pytest.mark.parametrize("text", ["22:00", "25:00-06:00", "night", "22:00-06:00-07:00"])
def test_other_forms_of_quiet_hours_are_refused(text: str) -> None:
    with pytest.raises(BadSettings, match="quiet_hours"):
        parse_quiet_hours(text)


def test_every_rule_has_its_sentence() -> None:
    names = [rule.name for rule in look(files(20), None).rules]
    assert names == ["new images", "settled", "quiet hours", "not given up"]


def test_a_cycle_that_was_given_up_is_not_tried_again_on_the_same_images() -> None:
    taken = last(files(20))
    assert taken is not None
    given_up = (taken.digest, "cycle 1: given up: its process died 4 times")
    found = look(files(20), None, given_up=given_up)
    assert not found.would_run
    assert found.reason == given_up[1]
    assert look(files(21), None, given_up=given_up).would_run, "other images may work"


def test_a_large_loss_is_a_question_and_a_small_one_is_not() -> None:
    before = last(files(40))
    assert not look(files(30), before).would_run
    with pytest.raises(
        ImagesVanished, match=r"24 of the 40 images .* gone from /photos.*--accept-loss"
    ) as asked:
        look(files(16), before)
    assert asked.value.exit_status == 3
    assert look(files(16), before, Accepted(loss=True)).summary.total("train", "test") == 16


def test_files_being_written_again_are_not_lost() -> None:
    before = files(40)
    rewritten = tuple(file.path for file in before[16:])
    assert not look(before[:16], last(before), settling=rewritten).would_run


def test_other_class_folders_are_a_question() -> None:
    renamed = Layout(split_folders=True, classes=("cat", "hound"), folder=Path("/photos"))
    moved = [replace(file, path=file.path.replace(b"/dog/", b"/hound/")) for file in files(20)]
    with pytest.raises(ClassesChanged, match=r"in /photos have changed \(-dog, \+hound\)") as asked:
        look(moved, last(files(20)), layout=renamed)
    assert asked.value.exit_status == 3
    accepted = look(moved, last(files(20)), Accepted(classes=True), layout=renamed)
    assert accepted.summary.classes == ("cat", "hound")


def test_a_class_without_images_is_an_error_unless_they_are_on_their_way() -> None:
    cats = [file for file in files(20) if b"/cat/" in file.path]
    with pytest.raises(EmptyClass, match="class 'dog'"):
        look(cats, None)
    assert not look(cats, None, settling=(b"train/dog/1.jpg",)).would_run
