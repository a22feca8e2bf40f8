"""The daemon as a process of its own, with small programs in the place of cycles."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from db import store
from db.session import open_database, open_read_only
from tests.conftest import REPOSITORY
from tests.jobs.receivers import receiving

DAEMON = """
import json, logging, sys
from pathlib import Path
from jobs.daemon import run_daemon
from jobs.home import Home
from jobs.settings.load import load_config
from jobs.stop import stop_on_signals
from pipeline.errors import WhiskerError

logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stderr)
home = Home(Path(sys.argv[1]))
try:
    with stop_on_signals(reloads=True) as flag:
        run_daemon(home, lambda: load_config(home.settings_file), [sys.executable, "-c", *sys.argv[2:]], flag)
except WhiskerError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_status)
"""
# Each program says when it starts, with its arguments; {home} is filled in.
START = """
import json, os, signal, sys, time
from pathlib import Path
from jobs.watching.process_tree import die_with_the_daemon
home = Path(sys.argv[1])
with (home / "looks").open("a") as file:
    print(os.getpid(), *sys.argv[2:], file=file)
"""
WORKS = START + "print(json.dumps({'status': 'nothing-new', 'held_back': '--new-data-only' in sys.argv}))"
CRASHES = (
    START
    + """
if "--new-data-only" in sys.argv: print(json.dumps({"status": "nothing-new", "held_back": True}))
else: os.kill(os.getpid(), signal.SIGSEGV)
"""
)
ASKS = (
    START
    + """
print(json.dumps({"error": "the classes have changed", "exit_status": 3, "passes": False}))
sys.exit(3)
"""
)
LASTS = START + "die_with_the_daemon(); time.sleep(600)"
BEATS_AND_HANGS = (
    START
    + """
from datetime import UTC, datetime
from db import store
from db.session import open_again
from jobs.watching.heartbeat import beating
from jobs.lock import hold
database = home / "whisker.db"
with hold(home / "whisker.lock", "a cycle"):
    with open_again(database, 5).begin() as session:
        store.start_cycle(session, "/photos", datetime.now(UTC))
    with beating(database, lambda *step: None, lambda: None) as heartbeat:
        time.sleep(1.1)
        heartbeat.progress("epoch 1/3", 32, 96)
        os.kill(os.getpid(), signal.SIGSTOP)
"""
)


class Running:
    """A daemon and what it has said so far."""

    def __init__(self, home: Path, child: str, environment: dict[str, str]) -> None:
        self.home = home
        self._messages = (home / "messages").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-c", DAEMON, str(home), child, str(home)],
            stderr=self._messages, cwd=REPOSITORY, env=os.environ | environment,
        )  # fmt: skip

    @property
    def messages(self) -> str:
        return (self.home / "messages").read_text()

    def looks(self) -> list[list[str]]:
        """Return the arguments of all looks so far."""
        return [line.split()[1:] for line in self._look_lines()]

    def child(self) -> int:
        """Return the process number of the newest look."""
        return int(self._look_lines()[-1].split()[0])

    def _look_lines(self) -> list[str]:
        file = self.home / "looks"
        return file.read_text().splitlines() if file.exists() else []

    def state(self) -> Any:
        return json.loads((self.home / "daemon.json").read_text())

    def wait_for(self, condition: Callable[[], bool]) -> None:
        for _ in range(1500):
            if condition():
                return
            assert self.process.poll() is None, self.messages
            time.sleep(0.02)
        raise AssertionError(self.messages)

    def wait_for_looks(self, count: int) -> None:
        self.wait_for(lambda: len(self.looks()) >= count)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(30)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._messages.close()


Start = Callable[..., Running]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    daemons = []

    def begin(child: str, settings: str = "", **environment: str) -> Running:
        write(home, settings)
        daemons.append(Running(home, child, environment))
        return daemons[-1]

    yield begin
    for daemon in daemons:
        daemon.close()


def write(home: Path, settings: str) -> None:
    (home / "whisker.toml").write_text(f'images = "photos"\n[daemon]\nevery = "1s"\n{settings}\n')


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_it_looks_on_schedule_and_says_what_it_plans(start: Start) -> None:
    daemon = start(WORKS)
    daemon.wait_for_looks(2)
    state = daemon.state()
    assert (state["pid"], state["schedule"], state["trouble"]) == (daemon.process.pid, "every 1s", None)
    assert (state["attempt"], state["paused"]) == ("look", False)
    assert daemon.stop() == 143
    assert (
        daemon.messages
        == "the daemon looks every 1s\nstopping\nstopped by a signal; all finished epochs are kept\n"
    )


def test_what_crashes_each_time_is_tried_a_few_times_and_then_not_on_the_same_images(start: Start) -> None:
    daemon = start(CRASHES, "pause_after_failures = 2")
    daemon.wait_for_looks(4)
    assert daemon.looks()[:4] == [[], [], *[["--new-data-only"]] * 2]
    assert daemon.messages.count("died of signal 11 (SIGSEGV") == 1
    assert daemon.messages.count("2 looks in a row have failed, so no training starts by itself") == 1
    daemon.wait_for(lambda: daemon.state()["paused"])
    assert daemon.state()["trouble"]["failures"] == 2


def test_a_failure_outlives_the_daemon_and_other_settings_end_it(home: Path, start: Start) -> None:
    daemon = start(CRASHES, "pause_after_failures = 1")
    daemon.wait_for_looks(2)
    daemon.stop()
    again = start(CRASHES, "pause_after_failures = 1")
    again.wait_for_looks(3)
    assert again.looks()[:3] == [[], *[["--new-data-only"]] * 2]
    before = len(again.looks())
    write(home, "pause_after_failures = 1\nstuck_after = '1h'")
    again.wait_for(lambda: [] in again.looks()[before:])


def test_a_question_for_a_person_is_said_once_and_asked_again_only_by_looking(start: Start) -> None:
    daemon = start(ASKS)
    daemon.wait_for_looks(3)
    assert daemon.looks()[:3] == [[], *[["--new-data-only"]] * 2]
    assert daemon.messages.count("the look failed: the classes have changed") == 1
    assert daemon.state()["trouble"]["passes"] is False


def test_a_child_that_freezes_is_ended_and_its_cycle_recorded_with_the_reason(
    home: Path, start: Start
) -> None:
    sessions = open_database(home / "whisker.db")
    with receiving() as receiver:
        daemon = start(BEATS_AND_HANGS, f"stuck_after = '1s'\n[notify]\nwebhook = '{receiver.address}'")
        daemon.wait_for(lambda: len(receiver.received) == 1)
    assert json.loads(receiver.received[0].body)["event"] == "stuck"
    with sessions() as session:
        newest = store.newest_cycle(session)
        (look,) = store.latest_looks(session, 5)
        assert store.load_activity(session) is None
    assert newest is not None
    assert newest.status == "interrupted"
    assert newest.crashed
    assert newest.error is not None
    assert newest.error.startswith("the process ended without finishing: no progress for")
    assert newest.error.endswith('in the stage "epoch 1/3", so it was ended')
    assert (look.outcome, look.cycle_id) == ("failed", newest.id)
    assert look.reason in newest.error
    assert is_gone(daemon.child())


def test_a_killed_child_is_told_of_and_the_next_look_comes(start: Start) -> None:
    with receiving() as receiver:
        daemon = start(LASTS, f'[notify]\nwebhook = "{receiver.address}"')
        daemon.wait_for_looks(1)
        os.kill(daemon.child(), signal.SIGKILL)
        daemon.wait_for_looks(2)
        assert "was killed (SIGKILL), maybe since memory ran out" in daemon.messages
        daemon.wait_for(lambda: len(receiver.received) == 1)
    notice = json.loads(receiver.received[0].body)
    assert notice["event"] == "failed"
    assert notice["reason"] in daemon.messages


def test_a_killed_daemon_takes_its_child_with_it_and_the_next_one_goes_on(start: Start) -> None:
    daemon = start(LASTS)
    daemon.wait_for_looks(1)
    child = daemon.child()
    time.sleep(0.5)  # until it has asked the kernel
    daemon.process.kill()
    daemon.process.wait()
    again = start(WORKS)
    again.wait_for_looks(2)
    assert is_gone(child)


def test_a_hundred_requests_to_stop_are_one(start: Start) -> None:
    daemon = start(LASTS)
    daemon.wait_for_looks(1)
    for _ in range(100):
        daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(30) == 143
    assert is_gone(daemon.child())
    assert daemon.messages.count("stopping") == 1


def test_a_second_daemon_leaves_with_75_and_the_first_is_undisturbed(start: Start) -> None:
    first = start(WORKS)
    first.wait_for_looks(1)
    second = start(WORKS)
    assert second.process.wait(30) == 75
    assert f"in use by a daemon, process {first.process.pid}" in second.messages
    before = len(first.looks())
    first.wait_for_looks(before + 1)


def test_sighup_reads_the_settings_again_and_refuses_wrong_ones(home: Path, start: Start) -> None:
    daemon = start(WORKS, "stuck_after = '1h'")
    daemon.wait_for_looks(1)
    write(home, "evry = 5")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for(lambda: "the new settings are refused, the former ones stay in force" in daemon.messages)
    assert "unknown setting 'evry' in [daemon]" in daemon.messages
    (home / "whisker.toml").write_text('images = "photos"\ndatabase_url = "sqlite:///other.db"\n')
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for(lambda: "database_url has changed: start the daemon anew" in daemon.messages)
    (home / "whisker.toml").write_text('images = "photos"\n[daemon]\ncron = "0 3 * * *"\n')
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for(lambda: "it looks by cron, 0 3 * * * UTC" in daemon.messages)
    daemon.wait_for(lambda: "T03:00:00" in str(daemon.state()["next_look"]))
    assert daemon.stop() == 143


def test_sighup_is_heard_while_a_look_is_going_on(start: Start) -> None:
    daemon = start(LASTS)
    daemon.wait_for_looks(1)
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for(lambda: "the settings were read again" in daemon.messages)
    assert daemon.process.poll() is None


@pytest.mark.parametrize("lost", ["home", "lock"])
def test_a_daemon_whose_home_is_lost_ends_and_says_so(
    home: Path, tmp_path: Path, start: Start, lost: str
) -> None:
    daemon = start(WORKS)
    daemon.wait_for_looks(1)
    if lost == "home":
        shutil.move(home, tmp_path / "elsewhere")
    else:
        (home / "daemon.lock").unlink()
        (home / "daemon.lock").touch()
    assert daemon.process.wait(30) == 1
    daemon.home = tmp_path / "elsewhere" if lost == "home" else home
    assert ("is gone" if lost == "home" else "somebody has replaced") in daemon.messages


def test_the_service_manager_hears_of_start_life_and_end(tmp_path: Path, start: Start) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        receiver.settimeout(30)
        daemon = start(WORKS, NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="1000000")
        first = receiver.recv(4096)
        daemon.wait_for_looks(2)
        assert daemon.stop() == 143
        receiver.setblocking(False)
        messages = [first]
        while True:
            try:
                messages.append(receiver.recv(4096))
            except BlockingIOError:
                break
    assert messages[0] == b"READY=1"
    assert messages[-1] == b"STOPPING=1"
    assert messages.count(b"WATCHDOG=1") >= 2
    assert b"STATUS=looks every 1s" in messages


def test_a_database_that_is_locked_throughout_stops_no_looks(home: Path, start: Start) -> None:
    from db.sqlite_engine import connect_to_file

    open_database(home / "whisker.db")
    connection = connect_to_file(home / "whisker.db", "rw")
    connection.isolation_level = None
    connection.execute("BEGIN EXCLUSIVE")
    try:
        daemon = start(CRASHES, "pause_after_failures = 1")
        daemon.wait_for_looks(2)
        assert "why the look ended could not be recorded" in daemon.messages
    finally:
        connection.close()
    daemon.wait_for_looks(len(daemon.looks()) + 1)
    with open_read_only(home / "whisker.db")() as session:
        assert store.latest_looks(session, 1) == []
