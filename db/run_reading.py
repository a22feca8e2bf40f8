"""Runs: reading them back as records."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Float, Select, and_, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from db.evaluations import evaluation_on
from db.findings import load_heat_maps, read_findings
from db.runs import get_cycle, get_run
from db.tables import ArtifactRow, CycleRow, EpochRow, EvaluationRow, RunRow, SnapshotRow
from pipeline.records import Artifact, EpochMetrics, Layer, NetworkStructure, Run, RunDetails

PARTS = "gradient_parts"  # the setting that a cycle changes by itself when memory runs out

_FloatColumn = InstrumentedAttribute[float]
_ScoredRun = tuple[RunRow, float | None, float | None]


def list_runs(session: Session) -> list[Run]:
    """Return all runs, newest first, without their epochs."""
    rows = session.execute(_scored_runs().order_by(RunRow.id.desc()))
    return [_run(row, accuracy, log_loss, ()) for row, accuracy, log_loss in rows]


def runs_with_epochs(session: Session, ids: Collection[int] | None = None) -> dict[int, Run]:
    """Return some runs, or all, with their epochs, by id."""
    epochs = _epochs(session, *([] if ids is None else [EpochRow.run_id.in_(ids)]))
    rows = session.execute(_scored_runs().where(*([] if ids is None else [RunRow.id.in_(ids)])))
    return {row.id: _run(row, accuracy, log_loss, epochs[row.id]) for row, accuracy, log_loss in rows}


def load_run(session: Session, run_id: int) -> RunDetails:
    """Return a run with its evaluation on the snapshot of its own cycle; NoSuchRecord if there is no run."""
    cycle = get_cycle(session, get_run(session, run_id).cycle_id)
    return load_run_on(session, run_id, cycle.snapshot_id)


def tested_on(session: Session, run_id: int) -> tuple[int, tuple[str, ...]]:
    """Return the id of the snapshot of a run's own cycle, and its classes; NoSuchRecord for no run."""
    get_run(session, run_id)
    snapshot_id, classes = session.execute(
        select(SnapshotRow.id, SnapshotRow.classes)
        .join(CycleRow, CycleRow.snapshot_id == SnapshotRow.id)
        .join(RunRow, RunRow.cycle_id == CycleRow.id)
        .where(RunRow.id == run_id)
    ).one()
    return snapshot_id, tuple(classes)


def load_run_on(session: Session, run_id: int, snapshot_id: int | None) -> RunDetails:
    """Return a run with its evaluation on the snapshot, if it has one; NoSuchRecord if there is no run."""
    get_run(session, run_id)
    row, accuracy, log_loss = session.execute(_scored_runs().where(RunRow.id == run_id)).one()
    epochs = _epochs(session, EpochRow.run_id == run_id)
    artifacts = session.scalars(select(ArtifactRow).where(ArtifactRow.run_id == run_id))
    return RunDetails(
        run=_run(row, accuracy, log_loss, epochs[run_id]),
        evaluation=None if snapshot_id is None else evaluation_on(session, run_id, snapshot_id),
        structure=_structure(row.structure),
        artifacts=_artifacts(artifacts),
        findings=read_findings(row.findings),
        heat_maps=load_heat_maps(session, run_id),
    )


def _artifacts(rows: Iterable[ArtifactRow]) -> tuple[Artifact, ...]:
    """Return artifacts by name; a server may have another order of letters."""
    files = (Artifact(row.name, row.sha256, row.size) for row in rows)
    return tuple(sorted(files, key=lambda file: file.name))


def without_parts(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's settings without that which changes by itself when memory runs out."""
    return {name: value for name, value in settings.items() if name != PARTS}


def latest_baseline(
    session: Session, *, backbone: str, settings: Mapping[str, Any], images_folder: str
) -> tuple[RunDetails, int] | None:
    """Return the newest finished scratch run of the folder with this backbone and exactly these settings.

    In how many parts it computed a batch does not matter: that follows the memory that there was. Nor does
    the name of the recipe, for the settings say all. With the run comes the number of training images in its
    snapshot; it may have been trained on fewer.
    """
    wanted = _nameless(json.loads(json.dumps(dict(settings))))  # as the database has it: tuples are lists
    rows = session.execute(
        select(RunRow.id, RunRow.settings, SnapshotRow.id, SnapshotRow.counts)
        .join(CycleRow, CycleRow.id == RunRow.cycle_id)
        .join(SnapshotRow, SnapshotRow.id == CycleRow.snapshot_id)
        .where(RunRow.kind == "scratch", RunRow.status == "finished", RunRow.backbone == backbone)
        .where(CycleRow.images_folder == images_folder)
        .order_by(RunRow.id.desc())
    )
    for run_id, stored, snapshot_id, counts in rows:
        if _nameless(stored) == wanted:
            return load_run_on(session, run_id, snapshot_id), sum(counts["train"].values())
    return None


def _nameless(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in without_parts(settings).items() if name != "name"}


def _scored_runs() -> Select[_ScoredRun]:
    """Select runs with accuracy and log loss: on the snapshot of their own cycle, else of the last epoch."""
    any_epoch = aliased(EpochRow)
    last = select(func.max(any_epoch.epoch)).where(any_epoch.run_id == RunRow.id).scalar_subquery()
    return (
        select(
            RunRow,
            _either(EvaluationRow.accuracy, EpochRow.test_accuracy),
            _either(EvaluationRow.log_loss, EpochRow.test_loss),
        )
        .join(CycleRow, CycleRow.id == RunRow.cycle_id)
        .outerjoin(
            EvaluationRow,
            and_(EvaluationRow.run_id == RunRow.id, EvaluationRow.snapshot_id == CycleRow.snapshot_id),
        )
        .outerjoin(EpochRow, and_(EpochRow.run_id == RunRow.id, EpochRow.epoch == last))
    )


def _either(first: _FloatColumn, second: _FloatColumn) -> ColumnElement[float | None]:
    return func.coalesce(first, second, type_=Float)


def _epochs(session: Session, *which: ColumnElement[bool]) -> Mapping[int, list[EpochMetrics]]:
    epochs: dict[int, list[EpochMetrics]] = defaultdict(list)
    for row in session.scalars(select(EpochRow).where(*which).order_by(EpochRow.run_id, EpochRow.epoch)):
        epochs[row.run_id].append(
            EpochMetrics(
                epoch=row.epoch,
                phase=row.phase,
                train_loss=row.train_loss,
                train_accuracy=row.train_accuracy,
                test_loss=row.test_loss,
                test_accuracy=row.test_accuracy,
                seconds=row.seconds,
            )
        )
    return epochs


def _run(row: RunRow, accuracy: float | None, log_loss: float | None, epochs: Iterable[EpochMetrics]) -> Run:
    return Run(
        id=row.id,
        cycle_id=row.cycle_id,
        kind=row.kind,
        status=row.status,
        backbone=row.backbone,
        recipe=row.recipe,
        settings=row.settings,
        environment=row.environment,
        device=row.device,
        seed=row.seed,
        train_images=row.train_images,
        test_images=row.test_images,
        started_at=row.started_at,
        seconds=row.seconds,
        images_per_second=row.images_per_second,
        error=row.error,
        notes=tuple(row.notes),
        epochs=tuple(epochs),
        test_accuracy=accuracy,
        test_log_loss=log_loss,
        model_pruned_at=row.model_pruned_at,
    )


def _structure(stored: Mapping[str, Any] | None) -> NetworkStructure | None:
    if stored is None:
        return None
    layers = (Layer(**{**layer, "output_shape": tuple(layer["output_shape"])}) for layer in stored["layers"])
    return NetworkStructure(tuple(layers), stored["new_last_layer"], tuple(stored["filters"]))
