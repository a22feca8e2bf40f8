"""What is settled about single images, whatever a cycle does: the drawn split, and somebody's decision."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from db.base import SPLITS
from db.batches import batches, one_of
from db.data_tables import LabelDecisionRow
from db.snapshots import store_images
from db.tables import ImageRow
from pipeline.records import LabelDecision, Split

_UNSEEN_BY_SESSION = {"synchronize_session": False}  # these rows are never loaded as objects


def drawn_splits(session: Session, hashes: Iterable[str]) -> dict[str, Split]:
    """Return the split that was drawn for each of the images, without those for which none was."""
    drawn: dict[str, Split] = {}
    for batch in batches(hashes):
        rows = session.execute(
            select(ImageRow.sha256, ImageRow.split).where(
                one_of(session, ImageRow.sha256, batch), ImageRow.split.is_not(None)
            )
        )
        drawn |= {sha256: SPLITS[split] for sha256, split in rows if split is not None}
    return drawn


def save_drawn_splits(session: Session, splits: Mapping[str, Split]) -> None:
    """Store the split that was drawn for each image, once for ever: an earlier one stays."""
    for batch in batches(splits.items()):
        ids = store_images(session, [sha256 for sha256, _ in batch])
        for number, split in enumerate(SPLITS):
            drawn = [ids[sha256] for sha256, other in batch if other == split]
            session.execute(
                update(ImageRow)
                .where(one_of(session, ImageRow.id, drawn), ImageRow.split.is_(None))
                .values(split=number),
                execution_options=_UNSEEN_BY_SESSION,
            )


def label_decisions(session: Session) -> dict[str, LabelDecision]:
    """Return all decisions about labels, by the hash of the image."""
    rows = session.execute(
        select(ImageRow.sha256, LabelDecisionRow.label).join(
            ImageRow, ImageRow.id == LabelDecisionRow.image_id
        )
    )
    return {sha256: LabelDecision(sha256, label) for sha256, label in rows}


def save_label_decisions(session: Session, decisions: Iterable[LabelDecision], decided_at: datetime) -> None:
    """Store decisions, in place of earlier ones about the same images; of several about one, the last."""
    latest = {decision.sha256: decision.label for decision in decisions}
    forget_label_decisions(session, latest)
    for batch in batches(latest.items()):
        ids = store_images(session, [sha256 for sha256, _ in batch])
        rows = [
            {"image_id": ids[sha256], "label": label, "decided_at": decided_at} for sha256, label in batch
        ]
        session.execute(insert(LabelDecisionRow), rows)


def forget_label_decisions(session: Session, hashes: Iterable[str]) -> None:
    """Remove the decisions about these images; images without one do not matter."""
    for batch in batches(hashes):
        images = select(ImageRow.id).where(one_of(session, ImageRow.sha256, batch))
        session.execute(
            delete(LabelDecisionRow).where(LabelDecisionRow.image_id.in_(images)),
            execution_options=_UNSEEN_BY_SESSION,
        )
