"""What Whisker is doing in a home, from what is written there; nothing is changed, and no lock is taken."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy.orm import Session

from db import store
from db.server_lock import STAND_BY, Holder
from db.session import DATABASE_FAILS, open_read_only
from jobs.durations import in_words
from jobs.home import Home
from jobs.watching.daemon_state import DaemonState, load_state
from jobs.watching.process_identity import ProcessIdentity
from pipeline.disk import free_bytes
from pipeline.errors import DatabaseBusy, DatabaseMissing
from pipeline.records import Activity, LookRecord, SharedJob, Worker

BUSY_SECONDS = 1.0
SILENT_AFTER = timedelta(seconds=60)  # a daemon that works beats every few seconds

Life = Literal["alive", "silent", "dead"]


@dataclass(frozen=True)
class DaemonNow:
    """The daemon of a home."""

    life: Life
    known: DaemonState
    beat_at: datetime


@dataclass(frozen=True)
class Work:
    """What the process that holds the home is doing."""

    life: Life
    activity: Activity
    per_second: float | None  # of what the stage counts
    seconds_left: float | None  # of the stage


@dataclass(frozen=True)
class Champion:
    """The run that predicts."""

    run: int
    since: datetime
    test_accuracy: float | None  # 0..1


@dataclass(frozen=True)
class Failure:
    """The last thing that went wrong; the sentence says how to mend it."""

    at: datetime
    reason: str


@dataclass(frozen=True)
class Recorded:
    """What the database tells."""

    activity: Activity | None = None
    has_no_lock: bool = False  # its process, as far as a server knows
    last_look: LookRecord | None = None
    last_failure: Failure | None = None
    champion: Champion | None = None
    stand_by: tuple[Holder, ...] = ()
    workers: tuple[Worker, ...] = ()
    shared: tuple[SharedJob, ...] = ()


@dataclass(frozen=True)
class Status:
    """All of it. What cannot be told is None, and said in `unknown`."""

    at: datetime
    daemon: DaemonNow | None  # None: there was none yet
    stand_by: tuple[Holder, ...]  # daemons of other hosts that wait for their turn to lead
    work: Work | None  # None: nobody is at work
    last_look: LookRecord | None
    last_failure: Failure | None
    champion: Champion | None
    workers: tuple[Worker, ...]  # that take part in what cycles share; also those that died lately
    shared: tuple[SharedJob, ...]  # what a cycle shares with them now
    free_bytes: int | None
    unknown: tuple[str, ...]  # a sentence for each thing that could not be read
    wrong: tuple[str, ...]  # why somebody should look after it; empty: all is well


def status_of(home: Home, stuck_after: timedelta, now: datetime) -> Status:
    """Return what is going on in a home; a locked database takes away only what stands in it."""
    daemon = _daemon(home, now)
    recorded, unread, damaged = _recorded(home)
    work = _work(recorded.activity, recorded.has_no_lock, stuck_after, now) if recorded.activity else None
    free = _free(home)
    return Status(
        at=now,
        daemon=daemon,
        stand_by=recorded.stand_by,
        work=work if work and work.life != "dead" else None,
        last_look=recorded.last_look,
        last_failure=_newer(recorded.last_failure, daemon),
        champion=recorded.champion,
        workers=recorded.workers,
        shared=recorded.shared,
        free_bytes=free,
        unknown=(*unread, *(() if free is not None else ("the free space on the disk cannot be read",))),
        wrong=(*_wrong(daemon, work, stuck_after), *damaged),
    )


def _daemon(home: Home, now: datetime) -> DaemonNow | None:
    found = load_state(home.daemon_state_file)
    if found is None:
        return None
    known, beat_at = found
    identity = ProcessIdentity(known.pid, known.process_start, known.host)
    return DaemonNow(_life(identity, now - beat_at, SILENT_AFTER), known, beat_at)


def _life(identity: ProcessIdentity, silence: timedelta, patience: timedelta) -> Life:
    """Return whether a process works; of one on another machine, or in a container, its beats alone tell."""
    if identity.is_alive() is False:
        return "dead"
    return "alive" if silence < patience else "silent"


def _work(activity: Activity, has_no_lock: bool, stuck_after: timedelta, now: datetime) -> Work:
    identity = ProcessIdentity(activity.pid, activity.process_start, activity.host)
    spent = (activity.beat_at - activity.stage_started_at).total_seconds()
    speed = activity.done / spent if activity.done > 0 and spent > 0 else None
    left = (activity.total - activity.done) / speed if speed and activity.total >= activity.done else None
    silence = now - activity.beat_at
    # A process without a lock may be about to take it again, as after a restart of the server.
    is_gone = has_no_lock and silence >= SILENT_AFTER
    return Work("dead" if is_gone else _life(identity, silence, stuck_after), activity, speed, left)


def _recorded(home: Home) -> tuple[Recorded, list[str], list[str]]:
    """Return what the database tells, why it cannot be read now, and what somebody must mend in it."""
    try:
        with open_read_only(home.records, busy_seconds=BUSY_SECONDS)() as session:
            return _read(session), [], []
    except (DatabaseBusy, DatabaseMissing) as error:
        return Recorded(), [str(error)], []
    except DATABASE_FAILS as error:
        return Recorded(), [], [str(error)]


def _read(session: Session) -> Recorded:
    last, failed = store.latest_looks(session, 1), store.last_failed_look(session)
    activity = store.load_activity(session)
    holders = store.lock_holders(session, "cycle")
    return Recorded(
        activity=activity,
        has_no_lock=holders is not None
        and activity is not None
        and all((one.pid, one.host) != (activity.pid, activity.host) for one in holders),
        last_look=last[0] if last else None,
        last_failure=Failure(failed.ended_at, failed.reason) if failed else None,
        champion=_champion(session),
        stand_by=tuple(store.lock_holders(session, STAND_BY) or ()),
        workers=tuple(store.list_workers(session)),
        shared=tuple(store.open_jobs(session)),
    )


def _champion(session: Session) -> Champion | None:
    history = store.promotions(session)
    if not history:
        return None
    run_id = history[0].run_id
    return Champion(run_id, history[0].at, store.runs_with_epochs(session, {run_id})[run_id].test_accuracy)


def _newer(recorded: Failure | None, daemon: DaemonNow | None) -> Failure | None:
    """Return the newest failure: what could not be written to the database, the daemon still knows."""
    trouble = daemon.known.trouble if daemon else None
    if trouble is None or (recorded and recorded.at > trouble.tried_at):
        return recorded
    return Failure(trouble.tried_at, trouble.reason)


def _free(home: Home) -> int | None:
    try:
        return free_bytes(home.folder)
    except OSError:
        return None


def _wrong(daemon: DaemonNow | None, work: Work | None, stuck_after: timedelta) -> list[str]:
    """Return what is wrong, a sentence each; `status --check` is for a daemon that should be there."""
    found = []
    if daemon is None:
        found.append("no daemon has run in this home yet: start one by `cli.py daemon`")
    elif daemon.life == "dead":
        found.append("the daemon does not run: start it by `cli.py daemon`")
    elif daemon.life == "silent":
        found.append("the daemon does not answer: look what holds it, or end it and start it again")
    elif daemon.known.attempt == "look for new data":
        found.append("the daemon trains nothing by itself, since something failed that somebody must mend")
    if work and work.life == "silent":
        silence = in_words(stuck_after.total_seconds())
        found.append(f"the process at work has given no sign of life for {silence}")
    return found
