"""Evaluations: what a network said of each test image of a snapshot."""

from collections.abc import Collection
from math import isfinite

from sqlalchemy import ColumnElement, and_, delete, exists, insert, select
from sqlalchemy.orm import Session

from db.batches import batches
from db.snapshots import store_images
from db.tables import CycleRow, EvaluationRow, ImageRow, PredictionRow, SnapshotRow
from pipeline.errors import NoSuchRecord
from pipeline.records import Evaluation, Prediction


def add_evaluation(session: Session, run_id: int, snapshot_id: int, evaluation: Evaluation) -> None:
    """Store a network's evaluation on a snapshot, once for the two; again where its answers were removed."""
    removed = select(EvaluationRow).where(
        EvaluationRow.run_id == run_id, EvaluationRow.snapshot_id == snapshot_id, ~_has_answers()
    )
    if (earlier := session.scalar(removed)) is not None:
        session.delete(earlier)
        session.flush()
    labels = {name: index for index, name in enumerate(_classes(session, snapshot_id))}
    row = EvaluationRow(
        run_id=run_id, snapshot_id=snapshot_id, accuracy=evaluation.accuracy, log_loss=evaluation.log_loss
    )
    session.add(row)
    session.flush()
    for batch in batches(enumerate(evaluation.predictions)):
        ids = store_images(session, [prediction.sha256 for _, prediction in batch])
        rows = [
            {
                "evaluation_id": row.id,
                "position": position,
                "image_id": ids[prediction.sha256],
                "label": labels[prediction.label],
                "path": prediction.path,
                "probabilities": prediction.probabilities,
            }
            for position, prediction in batch
        ]
        session.execute(insert(PredictionRow), rows)


def evaluation_on(session: Session, run_id: int, snapshot_id: int) -> Evaluation | None:
    """Return a run's evaluation on a snapshot, with its predictions in their order.

    None if there is none, or its answers were removed: then only the scores of the run are known.
    """
    row = session.scalar(
        select(EvaluationRow).where(EvaluationRow.run_id == run_id, EvaluationRow.snapshot_id == snapshot_id)
    )
    if row is None:
        return None
    classes = _classes(session, snapshot_id)
    predictions = session.execute(
        select(ImageRow.sha256, PredictionRow.path, PredictionRow.label, PredictionRow.probabilities)
        .join(ImageRow, ImageRow.id == PredictionRow.image_id)
        .where(PredictionRow.evaluation_id == row.id)
        .order_by(PredictionRow.position)
    )
    answers = tuple(
        Prediction(sha256, path, classes[label], probabilities)
        for sha256, path, label, probabilities in predictions
    )
    if not answers and isfinite(row.accuracy):
        return None
    return Evaluation(row.accuracy, row.log_loss, answers)


def known_answers(session: Session, run_id: int) -> dict[str, tuple[float, ...]]:
    """Return the probabilities that a run gave to each image it was ever tested on, by content hash."""
    rows = session.execute(
        select(ImageRow.sha256, PredictionRow.probabilities)
        .join(ImageRow, ImageRow.id == PredictionRow.image_id)
        .join(EvaluationRow, EvaluationRow.id == PredictionRow.evaluation_id)
        .where(EvaluationRow.run_id == run_id)
        .order_by(EvaluationRow.id)
    )
    return dict(rows.tuples().all())


def scores(session: Session, run_ids: Collection[int] | None = None) -> dict[tuple[int, int], Evaluation]:
    """Return the evaluations of some runs, or all, without their predictions, by (run id, snapshot id)."""
    rows = session.execute(
        select(
            EvaluationRow.run_id, EvaluationRow.snapshot_id, EvaluationRow.accuracy, EvaluationRow.log_loss
        ).where(*([] if run_ids is None else [EvaluationRow.run_id.in_(run_ids)]))
    )
    return {(run, snapshot): Evaluation(accuracy, log_loss, ()) for run, snapshot, accuracy, log_loss in rows}


def evaluations_with_answers(session: Session) -> list[tuple[int, int, int]]:
    """Return id, run and test images of each evaluation that still has its answers, newest first."""
    rows = session.execute(
        select(EvaluationRow.id, EvaluationRow.run_id, SnapshotRow.counts)
        .join(SnapshotRow, SnapshotRow.id == EvaluationRow.snapshot_id)
        .where(_has_answers())
        .order_by(EvaluationRow.id.desc())
    )
    return [(number, run_id, sum(counts["test"].values())) for number, run_id, counts in rows]


def remove_answers(session: Session, evaluation_id: int) -> None:
    """Remove what was said of single images; accuracy and log loss of the whole stay."""
    session.execute(
        delete(PredictionRow).where(PredictionRow.evaluation_id == evaluation_id),
        execution_options={"synchronize_session": False},
    )


def cycles_without_answers(session: Session) -> set[int]:
    """Return the cycles whose pages cannot be rendered whole: the answers of their fine-tune are gone."""
    rows = session.scalars(
        select(CycleRow.id)
        .join(
            EvaluationRow,
            and_(
                EvaluationRow.run_id == CycleRow.finetune_run_id,
                EvaluationRow.snapshot_id == CycleRow.snapshot_id,
            ),
        )
        .where(~_has_answers())
    )
    return set(rows)


def _has_answers() -> ColumnElement[bool]:
    return exists().where(PredictionRow.evaluation_id == EvaluationRow.id)


def _classes(session: Session, snapshot_id: int) -> list[str]:
    classes = session.scalar(select(SnapshotRow.classes).where(SnapshotRow.id == snapshot_id))
    if classes is None:
        raise NoSuchRecord(f"there is no snapshot {snapshot_id}; a cycle stores it before its runs begin")
    return classes
