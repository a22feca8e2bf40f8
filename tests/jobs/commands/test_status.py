"""The command `status` beside a daemon."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.conftest import REPOSITORY


def command(home: Path, *words: str) -> list[str]:
    return [sys.executable, str(REPOSITORY / "cli.py"), "--home", str(home), *words]


def whisker(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command(home, *words), capture_output=True, text=True, check=False)


def once_it_has_failed(home: Path) -> Any:
    for _ in range(100):
        found = json.loads(whisker(home, "--json", "status").stdout)
        if found["daemon"] and found["daemon"]["failures_in_a_row"]:
            return found
        time.sleep(0.1)
    raise AssertionError(found)


def test_it_tells_of_a_daemon_that_lives_and_of_one_that_was_killed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert whisker(home, "status").returncode == 2
    home.mkdir(mode=0o700)
    (home / "whisker.toml").write_text('images = "nowhere"\n[daemon]\nevery = "1s"\n')
    assert whisker(home, "status").returncode == 0
    assert whisker(home, "status", "--check").returncode == 1
    daemon = subprocess.Popen(command(home, "--quiet", "daemon"), stderr=subprocess.PIPE, text=True)
    try:
        found = once_it_has_failed(home)
        assert (found["daemon"]["state"], found["daemon"]["pid"]) == ("alive", daemon.pid)
        assert "nowhere" in found["last_failure"]["reason"]
        assert whisker(home, "status", "--check").returncode == 0
    finally:
        daemon.send_signal(signal.SIGKILL)
        _, messages = daemon.communicate()
    assert messages.count("nowhere") == 1
    checked = whisker(home, "status", "--check")
    assert checked.returncode == 1
    assert "daemon     does not run" in checked.stdout
    (home / "whisker.toml").write_text("evry = 1")
    assert whisker(home, "status").returncode == 0
