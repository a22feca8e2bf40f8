"""A worker: a process that takes chunks of a cycle's work until it is asked to stop."""

import json
import logging
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.session import open_again, open_read_only
from jobs.config import Config
from jobs.home import Home
from jobs.program import program
from jobs.sharing.owner import BEATS
from jobs.sharing.task import Task, Unfit
from jobs.sharing.tasks import task_for
from jobs.sharing.worker_record import Unreachable, WorkerRecord, reached, registered, sentence_of
from jobs.stop import StopFlag
from pipeline.errors import Interrupted, UnfitWorker
from pipeline.evaluate import Progress
from pipeline.failpoint import failpoint
from pipeline.records import Claim, SharedJob

log = logging.getLogger("whisker")

POLL_SECONDS = 0.5  # between two looks for work
AGAIN_SECONDS = 5.0  # after the database could not be asked
BUSY_SECONDS = 10.0  # how long it waits for others who write
MOST_ERRORS = 3  # in one job; then others may try it


@dataclass(frozen=True)
class Worked:
    """What a worker has done."""

    chunks: int
    refused: tuple[str, ...]  # a sentence for each reason why it took no part in some job


def work(
    home: Home, config: Config, flag: StopFlag, progress: Progress, *, once: bool, until_idle: bool
) -> Worked:
    """Take chunks and do them: until a signal comes, or one (`once`), or while there are any (`until_idle`).

    A chunk that a signal cuts off is given back at once.

    Raises:
        UnfitWorker: this process can take no part in what the present cycle shares.
        DatabaseError: there is no database, or an older or newer one.
    """
    home.require()
    config.images_folder()
    reader = open_read_only(home.records)
    with registered(open_again(home.records, BUSY_SECONDS)) as record:
        worker = _Worker(home, config, record, reader, flag, progress)
        worker.run(once=once, until_idle=until_idle)
    return Worked(record.chunks, tuple(dict.fromkeys(worker.refused.values())))


class _Worker:
    """The loop of a worker, and what it has to remember."""

    def __init__(
        self,
        home: Home,
        config: Config,
        record: WorkerRecord,
        reader: sessionmaker[Session],
        flag: StopFlag,
        progress: Progress,
    ) -> None:
        self.refused: dict[int, str] = {}  # by job
        self._home, self._config, self._flag, self._progress = home, config, flag, progress
        self._record, self._writer, self._reader = record, record.sessions, reader
        self._tasks: dict[str, Task] = {}  # by what the job asks for
        self._errors: Counter[int] = Counter()  # by job
        program()  # as it is now, since its files may be replaced while this process runs

    def run(self, *, once: bool, until_idle: bool) -> None:
        """Take chunks until it is time to end."""
        while self._flag.signal_number is None:
            try:
                ready = {job.id: job for job in self._open_jobs() if self._is_ready(job)}
                claim = self._claim(ready)
            except Unreachable as error:
                log.warning("%s; the worker tries again", error)
                self._flag.nap(AGAIN_SECONDS)
                continue
            if claim is not None:
                self._do(claim, ready[claim.job_id])
            if (once and claim is not None) or ((once or until_idle) and not ready):
                return
            if claim is None:
                self._progress("waiting for work", 0, 0)
                self._flag.nap(POLL_SECONDS)

    def _open_jobs(self) -> list[SharedJob]:
        if self._record.is_due():
            with reached(self._writer) as session:
                self._record.save(session, None)
        with reached(self._reader) as session:
            return store.open_jobs(session)

    def _is_ready(self, job: SharedJob) -> bool:
        """Return whether this process can take part in a job, and get ready for it."""
        if job.id in self.refused:
            return False
        wanted = _wanted(job)
        if wanted not in self._tasks:
            self._record.get_ready()
            try:
                task = task_for(job, self._home, self._config)
            except UnfitWorker:
                raise
            except Exception as error:  # of weights, device, engine: others may do the job
                self._refuse(job, error)
                return False
            last = dict(list(self._tasks.items())[-1:])
            self._tasks = {**last, wanted: task}  # one of each kind of job
        return True

    def _claim(self, jobs: Mapping[int, SharedJob]) -> Claim | None:
        if not jobs:
            return None
        with reached(self._writer) as session:
            claim = store.claim_chunk(session, list(jobs))
            if claim is not None:
                self._record.save(session, jobs[claim.job_id].kind)
            return claim

    def _do(self, claim: Claim, job: SharedJob) -> None:
        """Do a chunk; whatever comes in between, somebody else can do it, at the latest after its lease."""
        try:
            result = self._tasks[_wanted(job)].do(claim.content, lambda: self._beat(claim, job))
        except Interrupted:
            self._give_back(claim, None)
        except _LeaseLost:
            log.info("a chunk is somebody else's by now, or its job has ended")
        except Unfit as error:
            self._give_back(claim, None)
            self._refuse(job, error)
        except Exception as error:  # of a file, a disk, an engine; the owner of the job does what all fail on
            self._give_back(claim, sentence_of(error))
            self._errors[job.id] += 1
            if self._errors[job.id] >= MOST_ERRORS:
                self._refuse(job, error)
        else:
            self._store(claim, result, job)

    def _beat(self, claim: Claim, job: SharedJob) -> None:
        """Prolong the lease, now and then; raise what the chunk is to end with, if anything."""
        failpoint("in_chunk")
        self._flag.check()
        if not self._record.is_due(job.lease_seconds / BEATS):
            return
        is_ours = True  # where the database cannot be asked, the end of the work will tell
        with suppress(Unreachable), reached(self._writer) as session:
            self._record.save(session, job.kind)
            is_ours = store.prolong(session, claim)
        if not is_ours:
            raise _LeaseLost

    def _store(self, claim: Claim, result: bytes, job: SharedJob) -> None:
        try:
            with reached(self._writer) as session:
                counts = store.store_result(session, claim, result)
                self._record.save(session, job.kind, more_chunks=counts)
        except Unreachable as error:
            log.warning("%s; what came of a chunk is lost, and the chunk is done again", error)
            return
        self._record.chunks += counts
        if not counts:
            log.warning("a chunk was done too late: somebody else has it, or its job has ended")
        self._progress(f"chunks ({job.kind})", self._record.chunks, 0)

    def _give_back(self, claim: Claim, error: str | None) -> None:
        if error:
            log.warning("a chunk could not be done: %s", error)
        with suppress(Unreachable), reached(self._writer) as session:  # else its lease runs out
            store.give_back(session, claim, error)

    def _refuse(self, job: SharedJob, error: Exception) -> None:
        sentence = sentence_of(error)
        if sentence not in self.refused.values():
            log.warning("takes no part in a job (%s): %s", job.kind, sentence)
        self.refused[job.id] = self._record.said = sentence
        self._tasks.pop(_wanted(job), None)


class _LeaseLost(Exception):
    """Somebody else works on the chunk by now, or its job is over."""


def _wanted(job: SharedJob) -> str:
    return json.dumps([job.kind, job.parameters], sort_keys=True)
