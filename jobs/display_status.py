"""What `status` shows to people, and to programs."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from jobs.durations import in_words
from jobs.home import Home
from jobs.status import Champion, DaemonNow, Status, Work
from pipeline.disk import in_words as size_in_words
from pipeline.records import Worker
from pipeline.shown import shown


def status_document(home: Home, status: Status) -> dict[str, Any]:
    """Return what `status --json` prints; fields may be added, never renamed."""
    daemon, look, failure = status.daemon, status.last_look, status.last_failure
    return {
        "home": shown(str(home.folder)),
        "at": status.at.isoformat(),
        "healthy": not status.wrong,
        "wrong": list(status.wrong),
        "unknown": list(status.unknown),
        "daemon": _daemon_document(daemon) if daemon else None,
        "stand_by": [
            {"pid": one.pid, "host": one.host, "since": one.since.isoformat()} for one in status.stand_by
        ],
        "work": _work_document(status.work) if status.work else None,
        "last_look": _plain(asdict(look)) if look else None,
        "last_failure": _plain(asdict(failure)) if failure else None,
        "champion": _plain(asdict(status.champion)) if status.champion else None,
        "workers": [_worker_document(worker) for worker in status.workers],
        "shared": [{"kind": job.kind, "done": job.done, "total": job.total} for job in status.shared],
        "free_bytes": status.free_bytes,
    }


def _daemon_document(daemon: DaemonNow) -> dict[str, Any]:
    known = daemon.known
    return _plain({
        "state": daemon.life, "pid": known.pid, "host": known.host, "started_at": known.started_at,
        "beat_at": daemon.beat_at, "schedule": known.schedule, "next_look": known.next_look,
        "next_attempt": known.attempt, "paused": known.paused,
        "failures_in_a_row": known.trouble.failures if known.trouble else 0,
        "reason": known.trouble.reason if known.trouble else None,
    })  # fmt: skip


def _worker_document(worker: Worker) -> dict[str, Any]:
    return _plain({
        "alive": worker.is_alive, "pid": worker.pid, "host": worker.host, "started_at": worker.started_at,
        "chunks_done": worker.chunks_done, "doing": worker.doing, "said": worker.said,
    })  # fmt: skip


def _work_document(work: Work) -> dict[str, Any]:
    activity = asdict(work.activity)
    del activity["process_start"]
    return _plain({
        "state": work.life, **activity, "cycle": activity.pop("cycle_id"), "run": activity.pop("run_id"),
        "per_second": work.per_second, "seconds_left": work.seconds_left,
    })  # fmt: skip


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in document.items()
    }


def show_status(console: Console, status: Status) -> None:
    """Print a line for each thing that a person wants to know."""
    for name, sentence in _lines(status):
        console.print(Text(f"{name:10} {shown(sentence)}"))


def _lines(status: Status) -> Iterator[tuple[str, str]]:
    yield "daemon", _daemon(status.daemon, status.at) if status.daemon else "none has run in this home yet"
    for one in status.stand_by:
        yield "stand-by", f"process {one.pid} on {one.host} since {one.since:%Y-%m-%d %H:%M} UTC"
    yield "at work", _work(status.work, status.at) if status.work else "nobody"
    for job in status.shared:
        yield "shared", f"{job.kind}: {job.done:,} of {job.total:,} files done"
    for worker in status.workers:
        yield "worker", _worker(worker, status.at)
    if look := status.last_look:
        yield "last look", f"{_ago(look.ended_at, status.at)}, {look.outcome}: {look.reason}"
    if failure := status.last_failure:
        yield "failure", f"{_ago(failure.at, status.at)}: {failure.reason}"
    if status.champion:
        yield "champion", _champion(status.champion)
    if status.free_bytes is not None:
        yield "disk", f"{size_in_words(status.free_bytes)} free"
    for sentence in status.unknown:
        yield "unknown", sentence
    for sentence in status.wrong:
        yield "wrong", sentence


def _daemon(daemon: DaemonNow, now: datetime) -> str:
    known = daemon.known
    if daemon.life == "dead":
        return f"does not run; process {known.pid} was last seen {_ago(daemon.beat_at, now)}"
    since = f"process {known.pid} on {known.host} since {known.started_at:%Y-%m-%d %H:%M} UTC"
    if daemon.life == "silent":
        return f"does not answer, {since}, last seen {_ago(daemon.beat_at, now)}"
    planned = f"; next look at {known.next_look:%Y-%m-%d %H:%M} UTC" if known.next_look else ""
    failures = f"; failed looks in a row: {known.trouble.failures}" if known.trouble else ""
    return f"alive, {since}, looks {known.schedule}{planned}{failures}"


def _work(work: Work, now: datetime) -> str:
    activity = work.activity
    who = [f"process {activity.pid} on {activity.host}"]
    who += [f"cycle {activity.cycle_id}"] if activity.cycle_id is not None else []
    who += [f"run {activity.run_id}"] if activity.run_id is not None else []
    return f"{_progress(work)} ({', '.join(who)}; last sign of life {_ago(activity.beat_at, now)})"


def _worker(worker: Worker, now: datetime) -> str:
    who = f"process {worker.pid} on {worker.host}, started {_ago(worker.started_at, now)}"
    state = f"at {worker.doing}" if worker.doing else "waits for work"
    said = f"; takes no part in a job: {worker.said}" if worker.said else ""
    state = state if worker.is_alive else "gives no sign of life"
    return f"{state} ({who}; chunks done: {worker.chunks_done:,}){said}"


def _progress(work: Work) -> str:
    activity = work.activity
    if not activity.total:
        return activity.stage
    counted = f"{activity.stage}, {activity.done:,} of {activity.total:,}"
    speed = f", {work.per_second:.3g} a second" if work.per_second is not None else ""
    left = f", {in_words(work.seconds_left)} left" if work.seconds_left is not None else ""
    return f"{counted}{speed}{left}"


def _champion(champion: Champion) -> str:
    accuracy = f", test accuracy {champion.test_accuracy:.2%}" if champion.test_accuracy is not None else ""
    return f"run {champion.run} since {champion.since:%Y-%m-%d %H:%M} UTC{accuracy}"


def _ago(moment: datetime, now: datetime) -> str:
    return f"{in_words(max(0.0, (now - moment).total_seconds()))} ago"
