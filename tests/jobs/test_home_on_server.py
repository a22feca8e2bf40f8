"""The program in a home whose records lie on a server: each command, once, after one real cycle."""

import json
import os
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import make_url

from cli import cli
from db import store
from db.session import open_current, open_read_only, utc_now
from jobs.examination.server import examine_server
from jobs.home import Home
from pipeline.records import Activity
from tests.jobs.stored_homes import add_run
from tests.postgres import Server
from tests.processes import started


@dataclass(frozen=True)
class There:
    """A home with a cycle, run 1 and 2, and a run 3 that a person may promote."""

    home: Home
    url: str
    images: Path
    environment: dict[str, str]

    def __call__(self, *arguments: object, status: int = 0) -> Any:
        """Run a command in this process; return its document."""
        words = ["--home", str(self.home.folder), "--json", *map(str, arguments)]
        done = CliRunner(env=self.environment).invoke(cli, words)
        assert done.exit_code == status, done.output
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def there(
    postgres: Server,
    postgres_home: str,
    drawn: Path,
    quickly: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[There]:
    folder = tmp_path_factory.mktemp("on-server") / "home"
    with postgres.database(postgres_home) as url, pytest.MonkeyPatch.context() as patch:
        environment = {**quickly, "WHISKER_DATABASE_URL": url}
        options = ("--images", drawn, "--set", "baseline_epochs=1", "--set", "baseline_images=8")
        with started("--home", folder, "run-now", *options, environment=environment) as process:
            _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        patch.setenv("WHISKER_DATABASE_URL", url)
        home = Home(folder)
        add_run(home, open_current(url))
        yield There(home, url, drawn, {"WHISKER_DATABASE_URL": url, "WHISKER_SETTLE_SECONDS": "0"})


pytestmark = pytest.mark.xdist_group("a home on a server")  # which takes long to make


def test_nothing_of_sqlite_is_made(there: There) -> None:
    assert not there.home.database.exists()
    assert there.home.is_on_server


def test_commands_that_read_find_all_there(there: There) -> None:
    assert [run["id"] for run in there("runs")["runs"]] == [3, 2, 1]
    assert there("show", 1)["status"] == "finished"
    assert there("champion")["champion"] == 1
    assert there("scan", "--images", there.images)["new"] == 0
    assert Path(there("report", "--all")["report"]).is_file()
    assert there("status")["stand_by"] == []
    assert there("status")["unknown"] == []
    image = next(there.images.rglob("*.jpg"))
    assert there("predict", image)["run"] == 1
    assert there("prune", "--dry-run")["removed"] == []


def test_the_champion_moves_and_comes_back(there: There) -> None:
    assert there("promote", 3)["champion"] == 3
    assert there("rollback")["champion"] == 1


def test_a_decision_about_a_label_is_kept(there: There, tmp_path: Path) -> None:
    with open_read_only(there.url)() as session:
        known = store.known_files(session, str(there.images)).values()
    sha256 = next(file.sha256 for file in known)
    (tmp_path / "decided.csv").write_text(f"sha256,decision\n{sha256},dog\n")
    assert there("relabel", tmp_path / "decided.csv", "--images", there.images) == {
        "labelled": 1,
        "excluded": 0,
    }


def test_a_backup_goes_there_and_back_and_who_held_the_lock_before_writes_no_more(there: There) -> None:
    made = there("backup")["backup"]
    there("promote", 3, "--reason", "after the backup")
    there("restore", status=2)
    done = there("restore", made)
    assert (done["lost_runs"], Path(done["kept"]).suffix) == ([], ".dump")
    assert there("champion")["champion"] == 1
    with open_read_only(there.url)() as session:
        terms = [term for term in [store.latest_term(session, "cycle")] if term]
    assert [(term.purpose, term.has_ended) for term in terms] == [("a restoration", True)]
    assert len(there("restore", "--list")["backups"]) == 2


def test_a_home_with_models_refuses_an_empty_database(there: There, postgres: Server) -> None:
    there("backup")
    with postgres.database() as empty:
        there.environment["WHISKER_DATABASE_URL"] = empty
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("WHISKER_DATABASE_URL", empty)
            said = there("run-now", "--images", there.images, status=1)["error"]
        there.environment["WHISKER_DATABASE_URL"] = there.url
    assert "is gone: `cli.py restore` puts the newest backup" in said


def test_another_home_is_refused_and_one_that_lost_its_mark_is_told_it(there: There, tmp_path: Path) -> None:
    other = There(Home(tmp_path / "other"), there.url, there.images, there.environment)
    said = other("run-now", "--images", there.images, status=1)["error"]
    assert "has the records of another home" in said
    mark = there.home.mark_file.read_text().strip()
    assert f"write {mark} into it" in said
    other.home.mark_file.write_text(mark)
    assert other("prune")["removed"] == []


@pytest.mark.parametrize(("silent", "life"), [(timedelta(), "alive"), (timedelta(minutes=2), None)])
def test_a_process_of_another_host_is_at_work_while_it_has_the_lock_or_may_come_back_to_it(
    there: There, silent: timedelta, life: str | None
) -> None:
    at = utc_now() - silent
    activity = Activity(1, "a boot", "elsewhere", "epochs", 1, 2, at, at, at, at)
    with open_current(there.url).begin() as session:
        store.save_activity(session, activity)
    work = there("status")["work"]
    assert (work and work["state"]) == life


def test_the_web_app_starts(there: There) -> None:
    environment = os.environ | there.environment
    options = ("--home", there.home.folder, "--json", "serve", "--port", 0)
    with started(*options, environment=environment) as process:
        assert process.stdout is not None
        document = ""
        while not document.endswith("}\n"):
            document += process.stdout.readline()
        with urllib.request.urlopen(json.loads(document)["address"] + "health") as answer:
            assert json.load(answer) == {"status": "ok"}
        process.terminate()
        process.communicate(timeout=30)


def test_an_examination_says_how_the_server_is(there: There, postgres: Server) -> None:
    found = {check.name: check for check in examine_server(make_url(there.url))}
    assert {name: check.status for name, check in found.items()} == dict.fromkeys(found, "ok")
    assert "PostgreSQL" in found["database"].message
    (away,) = examine_server(make_url(there.url).set(port=1))
    assert (away.status, "cannot be reached" in away.message) == ("problem", True)
    with postgres.database() as empty:
        assert "no tables" in examine_server(make_url(empty))[2].message
        postgres.sql("CREATE TABLE other (id integer)", empty.rpartition("/")[2])
        assert [check.status for check in examine_server(make_url(empty))] == ["problem"]
