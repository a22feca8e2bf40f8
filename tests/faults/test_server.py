"""Records on a server: it goes away in mid-epoch, its connections are cut, and of two hosts one dies."""

import json
import signal
import subprocess
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psutil
import pytest
from sqlalchemy import make_url

from db import store
from db.server_lock import STAND_BY
from db.session import open_read_only
from tests.faults.outcome import epochs_of
from tests.faults.subject import Subject
from tests.faults.test_daemon import child_of, ended, until
from tests.postgres import Server
from tests.tcp_proxy import Proxy, proxied

BATCHES = 2  # of an epoch, so that a process halted before the third has one epoch behind it


@pytest.fixture
def there(subject: Subject, postgres_url: str) -> Subject:
    """Return a home whose records lie on a server."""
    return on_server(subject, postgres_url)


def on_server(subject: Subject, url: str, **environment: str) -> Subject:
    return replace(
        subject, extra={"WHISKER_DATABASE_URL": url, "WHISKER_TAKE_OVER_AFTER": "3s", **environment}
    )


def epochs_there(url: str) -> list[tuple[Any, ...]]:
    """Return what `epochs_of` does, of the one cycle that there is."""
    with open_read_only(url)() as session:
        (number,) = store.cycle_ids(session)
        cycle = store.load_cycle(session, number)
        assert cycle.status == "finished"
        runs = [details.run for details in (cycle.finetune, cycle.scratch) if details]
    return [
        (run.kind, e.epoch, e.phase, e.train_loss, e.train_accuracy, e.test_loss, e.test_accuracy)
        for run in runs
        for e in run.epochs
    ]


def halted(process: "subprocess.Popen[str]", pid: int | None = None) -> psutil.Process:
    """Wait until a process has come to its failpoint."""
    worker = psutil.Process(pid or process.pid)
    until(lambda: worker.status() == psutil.STATUS_STOPPED or process.poll() is not None, "it has halted")
    assert process.poll() is None, process.communicate()
    return worker


def has_epoch(subject: Subject, number: int) -> bool:
    records = list(subject.home.glob("checkpoints/*/checkpoint.json"))
    return any(len(json.loads(record.read_text())["epochs"]) >= number for record in records)


def trained_away(there: Subject, proxy: Proxy) -> "subprocess.Popen[str]":
    """Start a cycle whose server goes in mid-epoch, and wait until all its epochs are trained."""
    process = there.start("run-now", failpoint="in_epoch:stop")
    worker = halted(process)
    proxy.cut()
    worker.resume()
    until(lambda: has_epoch(there, 2), "all epochs are trained")
    return process


def restart(postgres: Server, _url: str) -> None:
    postgres.stop()
    postgres.start()


def terminate(postgres: Server, url: str) -> None:
    name = make_url(url).database
    postgres.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")


@pytest.mark.parametrize("outage", [restart, pytest.param(terminate, marks=pytest.mark.long)])
def test_a_server_that_starts_again_in_mid_epoch_costs_no_epoch(
    outage: Callable[[Server, str], None],
    there: Subject,
    postgres: Server,
    postgres_url: str,
    undisturbed: Subject,
) -> None:
    process = there.start("run-now", failpoint=f"in_epoch@{BATCHES + 1}:stop")
    worker = halted(process)
    outage(postgres, postgres_url)
    worker.resume()
    status, err = ended(process)
    assert status == 0, err
    assert epochs_there(postgres_url) == epochs_of(undisturbed)


@pytest.mark.long
def test_a_training_goes_on_while_its_server_is_away_and_its_epochs_are_stored_later(
    subject: Subject, postgres_url: str, undisturbed: Subject
) -> None:
    with proxied(postgres_url) as (proxy, through):
        there = on_server(subject, through)
        process = trained_away(there, proxy)
        with open_read_only(postgres_url)() as session:
            (run,) = store.list_runs(session)
            assert store.load_run(session, run.id).run.epochs == ()
        proxy.mend()
        status, err = ended(process)
    assert status == 0, err
    assert "the training goes on, and what it yields is stored later" in err
    assert epochs_there(postgres_url) == epochs_of(undisturbed)


def test_a_run_that_ends_while_its_server_is_away_is_taken_up_by_the_next_cycle(
    subject: Subject, postgres_url: str, undisturbed: Subject
) -> None:
    with proxied(postgres_url) as (proxy, through):
        there = on_server(subject, through)
        process = trained_away(there, proxy)
        process.send_signal(signal.SIGTERM)
        assert ended(process)[0] == 143
    there = on_server(subject, postgres_url)
    done = there.cycle()
    assert done.returncode == 0, done.stderr
    assert epochs_there(postgres_url) == epochs_of(undisturbed)


class Pair:
    """Two daemons of one home on two hosts, which mount it at different places; the first one leads."""

    def __init__(self, subject: Subject, url: str, through: str) -> None:
        mount = subject.home.with_name("mounted-elsewhere")
        mount.symlink_to(subject.home)
        self.url = url
        self.first = on_server(subject, through, WHISKER_HOST_NAME="first")
        self.second = replace(on_server(subject, url, WHISKER_HOST_NAME="second"), home=mount)
        self.leads = self.first.start("daemon", failpoint=f"in_epoch@{BATCHES + 1}:stop")
        until(lambda: self.leads.poll() is not None or has_epoch(self.first, 1), "the first one is at work")
        self.child = halted(self.leads, child_of(self.leads))
        self.waits = self.second.start("daemon")
        until(self.stands_by, "the second one stands by")

    def stands_by(self) -> bool:
        assert self.waits.poll() is None, self.waits.communicate()
        return self.holders(STAND_BY) == [("second", self.waits.pid)]

    def holders(self, lock: str) -> list[tuple[str, int]]:
        with open_read_only(self.url)() as session:
            return [(one.host, one.pid) for one in store.lock_holders(session, lock) or ()]

    def has_finished(self) -> bool:
        with open_read_only(self.url)() as session:
            return [cycle.status for cycle in store.list_cycles(session)] == ["finished"]


def stop(process: "subprocess.Popen[str]") -> str:
    process.send_signal(signal.SIGTERM)
    status, err = ended(process)
    assert status == 143, err
    return err


def test_a_daemon_that_stands_by_takes_up_the_cycle_of_one_that_was_killed(
    subject: Subject, postgres_url: str, undisturbed: Subject
) -> None:
    pair = Pair(subject, postgres_url, postgres_url)
    assert pair.holders("daemon") == [("first", pair.leads.pid)]
    pair.leads.kill()
    pair.leads.communicate()
    until(pair.has_finished, "the second one has finished the cycle")
    assert pair.holders("daemon") == [("second", pair.waits.pid)]
    assert "this daemon stands by" in stop(pair.waits)
    assert epochs_there(postgres_url) == epochs_of(undisturbed)


@pytest.mark.long
def test_of_a_host_that_is_cut_off_nothing_is_written_once_another_one_leads(
    subject: Subject, postgres_url: str, undisturbed: Subject
) -> None:
    with proxied(postgres_url) as (proxy, through):
        pair = Pair(subject, postgres_url, through)
        proxy.swallow()
        until(pair.has_finished, "the second one has finished the cycle")
        proxy.mend()
        until(lambda: pair.holders(STAND_BY) == [("first", pair.leads.pid)], "the first one waits")
        assert "taken over" in stop(pair.leads)
        stop(pair.waits)
    assert epochs_there(postgres_url) == epochs_of(undisturbed)
    with open_read_only(postgres_url)() as session:
        assert [cycle.status for cycle in store.list_cycles(session)] == ["finished"]
