"""A full disk, a limit on files, folders that must not be written to."""

import resource
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.faults.conftest import Injected
from tests.faults.subject import Done, Subject
from tests.faults.whole import facts_of
from tests.small_disk import fill, mounted

KIB = 1024
SIZES = (100 * KIB, 300 * KIB, 600 * KIB, 1200 * KIB)  # too little for the records, for a model, for a page


def one_sentence(done: Done) -> str:
    """Return what the program said of its failure; it is one line, and no traceback.

    Another line may say that the file of the log cannot be written either.
    """
    assert "Traceback" not in done.stderr, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("whisker: ")]
    lines = [line for line in lines if not line.startswith("whisker: the log ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.mark.parametrize("size", [pytest.param(s, marks=pytest.mark.long) for s in SIZES])
def test_a_full_disk_ends_the_cycle_with_a_sentence_and_room_mends_it(
    size: int, settled: Subject, tmp_path: Path, injected: Injected
) -> None:
    beside = tmp_path / "beside"
    settled.home.rename(beside)
    settled.home.mkdir()
    used = sum(path.stat().st_size for path in beside.rglob("*") if path.is_file() and not path.is_symlink())
    with mounted(settled.home, "-t", "tmpfs", "-o", f"size={used + size}", "tmpfs"):
        shutil.copytree(beside, settled.home, symlinks=True, dirs_exist_ok=True)
        before = facts_of(settled)
        filler = fill(settled.home, leave=size // 2)
        done = settled.run("run-now")
        assert done.returncode in (0, 1), done.stderr
        if done.returncode:
            assert "space" in one_sentence(done), done.stderr
        assert settled.run("status").returncode == 0, "reading goes on"
        filler.unlink()
        subprocess.run(["mount", "-o", "remount,size=100m", settled.home], check=True)
        again = settled.run("run-now")
        assert again.returncode == 0, again.stderr
        injected("full disk (tmpfs)", "one sentence; works again with room", settled, before)


@pytest.mark.parametrize(
    "limit",
    [20 * KIB, *(pytest.param(n * KIB, marks=pytest.mark.long) for n in (1, 5, 60, 100, 150, 200, 300))],
)
def test_a_limit_on_the_size_of_files_ends_it_with_a_sentence(
    limit: int, settled: Subject, injected: Injected
) -> None:
    before = facts_of(settled)

    def low() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = settled.run("run-now", preexec_fn=low)
    assert done.returncode in (0, 1), done.stderr
    if done.returncode:
        one_sentence(done)
    assert settled.run("run-now").returncode == 0
    injected("files may not grow (RLIMIT_FSIZE)", "one sentence; works again without", settled, before)


@pytest.mark.long
def test_images_on_a_read_only_disk_are_all_that_is_needed(subject: Subject, injected: Injected) -> None:
    with mounted(subject.images, "--bind", str(subject.images)):
        subprocess.run(["mount", "-o", "remount,ro,bind", subject.images], check=True)
        before = facts_of(subject)
        done = subject.cycle()
        assert done.returncode == 0, done.stderr
        injected("images on a read-only mount", "a cycle as usual", subject, before)


@pytest.mark.long
def test_a_home_on_a_read_only_disk_is_refused_with_a_sentence(settled: Subject, injected: Injected) -> None:
    before = facts_of(settled)
    with mounted(settled.home, "--bind", str(settled.home)):
        subprocess.run(["mount", "-o", "remount,ro,bind", settled.home], check=True)
        done = settled.run("run-now")
        assert done.returncode == 1, done.stderr
        one_sentence(done)
        assert settled.run("runs").returncode == 0, "reading goes on"
        assert settled.run("status").returncode == 0
    assert settled.run("run-now").returncode == 0
    injected("home on a read-only mount", "one sentence; reading goes on", settled, before)
