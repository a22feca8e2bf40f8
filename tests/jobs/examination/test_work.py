"""Signs of life, as the doctor tells of them; what they rest on is tested with `status`."""

from dataclasses import replace
from pathlib import Path

from db.session import open_database
from jobs.config import Config
from jobs.examination.work import examine_work
from jobs.home import Home
from tests.jobs.test_status import DAEMON, NOW, beat


def test_a_daemon_that_lives_is_told_from_one_that_hangs_and_one_that_is_gone(tmp_path: Path) -> None:
    home = Home(tmp_path)
    open_database(home.database)
    assert [check.status for check in examine_work(home, Config(), NOW)] == ["ok"], "there was none yet"
    beat(home, DAEMON)
    (alive,) = examine_work(home, Config(), NOW)
    assert alive.status == "ok" and f"process {DAEMON.pid}" in alive.message
    beat(home, DAEMON, seconds_ago=90)
    (hangs,) = examine_work(home, Config(), NOW)
    assert hangs.status == "warning" and "does not answer" in hangs.message
    beat(home, replace(DAEMON, process_start="an earlier boot"))
    (gone,) = examine_work(home, Config(), NOW)
    assert gone.status == "warning" and "`cli.py daemon`" in gone.message


def test_a_home_that_is_not_there_has_no_daemon_to_look_for(tmp_path: Path) -> None:
    assert examine_work(Home(tmp_path / "none"), Config(), NOW) == []
