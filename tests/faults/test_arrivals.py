"""Images that grow, vanish or change while a cycle looks at them. The process is stopped there, by itself."""

import io
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import psutil
import pytest

from pipeline.drawings import draw_animal
from tests.faults.conftest import Injected
from tests.faults.outcome import rows
from tests.faults.subject import TIMEOUT_SECONDS, Done, Subject
from tests.faults.whole import Facts, facts_of, rows_of, tree
from tests.jobs.kinds import BAD, write_kinds


def while_stopped(subject: Subject, name: str, change: Callable[[], None]) -> Done:
    """Run a cycle, and change something while it stands still at a failpoint."""
    process = subject.start("run-now", failpoint=f"{name}:stop")
    end = time.monotonic() + TIMEOUT_SECONDS
    while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, f"{name} was not reached"
        time.sleep(0.02)
    change()
    process.send_signal(signal.SIGCONT)
    out, err = process.communicate(timeout=TIMEOUT_SECONDS)
    return Done(process.args, process.returncode, out, err)


def drawn(seed: int) -> bytes:
    buffer = io.BytesIO()
    draw_animal("cat", Random(seed)).save(buffer, "JPEG")
    return buffer.getvalue()


def vanish(file: Path) -> None:
    file.unlink()


def become_another(file: Path) -> None:
    file.write_bytes(drawn(99))


def be_cut_off(file: Path) -> None:
    os.truncate(file, 300)


@pytest.mark.parametrize(
    "change", [vanish, *(pytest.param(c, marks=pytest.mark.long) for c in (become_another, be_cut_off))]
)
def test_what_changes_between_the_look_and_the_training_is_left_out(
    change: Callable[[Path], None], subject: Subject, injected: Injected
) -> None:
    file = sorted((subject.images / "train" / "cat").iterdir())[0]
    done = while_stopped(subject, "after_scan", lambda: change(file))
    assert done.returncode == 0, done.stderr
    assert file.name in done.stderr, "it is said which file was left out"
    before = Facts(tree(subject.images), rows_of(subject.home / "whisker.db"))
    injected("file changed after the look", "left out, with a note", subject, before)


@pytest.mark.long
def test_the_images_vanish_as_from_a_disk_that_is_not_mounted(settled: Subject, injected: Injected) -> None:
    away = settled.images.with_name("away")
    before = facts_of(settled)
    settled.images.rename(away)
    for _ in range(3):
        assert settled.cycle().returncode == 1
    settled.images.mkdir()
    assert settled.cycle().returncode in (1, 3)
    settled.images.rmdir()
    away.rename(settled.images)
    done = settled.cycle()
    assert done.returncode == 0, done.stderr
    assert "nothing" in done.stderr, "nothing had been forgotten, so nothing is new"
    injected("image folder missing or empty", "no cycle; nothing forgotten", settled, before, times=4)


def test_a_folder_of_rubbish_ends_no_cycle(subject: Subject, injected: Injected) -> None:
    write_kinds(subject.images / "train" / "dog")
    before = facts_of(subject)
    done = subject.cycle()
    assert done.returncode == 0, done.stderr
    quarantined = {bytes(row[0]) for row in rows(subject, "SELECT path FROM cycle_quarantine")}
    assert {os.fsencode(f"train/dog/{name}") for name in BAD} <= quarantined
    injected(
        "unusable files among the images", "in quarantine, with a reason", subject, before, times=len(BAD)
    )


@pytest.mark.long
def test_half_a_file_is_waited_for_and_then_used(subject: Subject, injected: Injected) -> None:
    text = (subject.home / "whisker.toml").read_text()
    (subject.home / "whisker.toml").write_text(text.replace("settle_seconds = 0", "settle_seconds = 2"))
    time.sleep(2.2)
    whole, file = drawn(7), subject.images / "train" / "cat" / "copied-slowly.jpg"
    file.write_bytes(whole[: len(whole) // 2])
    done = subject.cycle()
    assert done.returncode == 0, done.stderr
    file.write_bytes(whole)
    shutil.copystat(file, file)
    time.sleep(2.2)
    before = facts_of(subject)
    assert subject.cycle().returncode == 0
    newest = "SELECT path FROM snapshot_span WHERE until_id IS NULL"
    used = {bytes(row[0]) for row in rows(subject, newest)}
    assert b"train/cat/copied-slowly.jpg" in used
    injected("a file that is still being copied", "waited for, then used", subject, before)
