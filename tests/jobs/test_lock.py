"""One writer for each home."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.lock import hold
from pipeline.errors import Locked

HOLDER = """
import sys, time
from pathlib import Path
from jobs.lock import hold
with hold(Path(sys.argv[1]), "a cycle"):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(lock: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(lock)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    process.stdout.close()
    return process


def test_the_second_one_is_told_who_holds_it_and_the_first_is_undisturbed(tmp_path: Path) -> None:
    lock = tmp_path / "whisker.lock"
    first = holder(lock)
    try:
        with (
            pytest.raises(Locked, match=f"in use by a cycle, process {first.pid}, since 20") as refused,
            hold(lock, "x"),
        ):
            pass
        assert refused.value.exit_status == 75
        assert first.poll() is None
    finally:
        first.kill()
        first.wait()


def test_a_dead_owner_frees_it(tmp_path: Path) -> None:
    lock = tmp_path / "whisker.lock"
    first = holder(lock)
    first.send_signal(signal.SIGKILL)
    first.wait()
    with hold(lock, "a test"):
        assert str(os.getpid()) in (tmp_path / "whisker.owner").read_text()
    assert not (tmp_path / "whisker.owner").exists()


def test_it_is_free_again_after_an_error(tmp_path: Path) -> None:
    lock = tmp_path / "new" / "whisker.lock"
    with pytest.raises(ZeroDivisionError), hold(lock, "a test"):
        raise ZeroDivisionError
    with hold(lock, "a test"):
        pass
