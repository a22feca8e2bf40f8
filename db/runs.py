"""Runs: writing what a training gives while it goes on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from db.tables import ArtifactRow, CycleRow, EpochRow, RunRow
from pipeline.errors import NoSuchRecord
from pipeline.records import Artifact, EpochMetrics, NetworkStructure, RunKind, Status


def start_run(
    session: Session,
    cycle_id: int,
    *,
    kind: RunKind,
    backbone: str,
    recipe: str,
    settings: Mapping[str, Any],
    environment: Mapping[str, str],
    device: str,
    seed: int,
    train_images: int,
    test_images: int,
    started_at: datetime,
    notes: Sequence[str] = (),
) -> int:
    """Store a run that begins, as the run of its kind of the cycle, and return its id."""
    row = RunRow(
        cycle_id=cycle_id,
        kind=kind,
        status="running",
        backbone=backbone,
        recipe=recipe,
        settings=dict(settings),
        environment=dict(environment),
        device=device,
        seed=seed,
        train_images=train_images,
        test_images=test_images,
        started_at=started_at,
        notes=list(notes),
    )
    session.add(row)
    session.flush()
    setattr(get_cycle(session, cycle_id), f"{kind}_run_id", row.id)
    return row.id


def add_epoch(session: Session, run_id: int, metrics: EpochMetrics) -> None:
    """Store one finished epoch, once: a run that goes on may give it again."""
    get_run(session, run_id)
    if session.get(EpochRow, (run_id, metrics.epoch)) is None:
        session.add(EpochRow(run_id=run_id, **vars(metrics)))


def add_note(session: Session, run_id: int, note: str) -> None:
    """Add a sentence to what the run decided, once: a run that goes on may decide it again."""
    row = get_run(session, run_id)
    if note not in row.notes:
        row.notes = [*row.notes, note]


def set_structure(session: Session, run_id: int, structure: NetworkStructure) -> None:
    """Store what the report shows of the network."""
    get_run(session, run_id).structure = asdict(structure)


def add_artifacts(session: Session, run_id: int, artifacts: Iterable[Artifact]) -> None:
    """Store published files of a run; a file that is published again replaces its earlier row."""
    get_run(session, run_id)
    for artifact in artifacts:
        session.merge(ArtifactRow(run_id=run_id, **vars(artifact)))


def artifact_sha256(session: Session, run_id: int, name: str) -> str | None:
    """Return the hash of a published file of a run; None if it has no such file."""
    row = session.get(ArtifactRow, (run_id, name))
    return None if row is None else row.sha256


def finish_run(
    session: Session,
    run_id: int,
    *,
    status: Status,
    seconds: float | None = None,
    images_per_second: float | None = None,
    error: str | None = None,
) -> None:
    """Store how a run ended."""
    row = get_run(session, run_id)
    row.status = status
    row.seconds = seconds
    row.images_per_second = images_per_second
    row.error = error


def get_run(session: Session, run_id: int) -> RunRow:
    """Return the row of a run; NoSuchRecord if there is none."""
    row = session.get(RunRow, run_id)
    if row is None:
        raise NoSuchRecord(f"there is no run {run_id}; `cli.py runs` lists them")
    return row


def get_cycle(session: Session, cycle_id: int) -> CycleRow:
    """Return the row of a cycle; NoSuchRecord if there is none."""
    row = session.get(CycleRow, cycle_id)
    if row is None:
        raise NoSuchRecord(f"there is no cycle {cycle_id}; `cli.py runs` lists the runs of all cycles")
    return row
