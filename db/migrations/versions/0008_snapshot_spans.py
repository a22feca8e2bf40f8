"""An image is stored once for all snapshots that have it in the same way, and not with each of them."""

from collections.abc import Iterable, Iterator
from itertools import groupby, islice, pairwise
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

AT_ONCE = 5_000  # rows in one statement
NAMES = ("split", "image_id", "since_id", "until_id", "label", "path")


def upgrade() -> None:
    spans = create_spans()
    found = spans_of_all()
    while some := list(islice(found, AT_ONCE)):
        op.bulk_insert(spans, [dict(zip(NAMES, span, strict=True)) for span in some])
    op.drop_table("snapshot_image")


def create_spans() -> sa.Table:
    return op.create_table(
        "snapshot_span",
        sa.Column("split", sa.SmallInteger, primary_key=True, autoincrement=False),
        reference("image_id", "image", primary_key=True),
        reference("since_id", "snapshot", primary_key=True),
        reference("until_id", "snapshot", primary_key=False),
        sa.Column("label", sa.SmallInteger, nullable=False),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )


def spans_of_all() -> Iterator[tuple[Any, ...]]:
    """Yield the spans of each image, as the rows come from the database, image by image."""
    bind = op.get_bind()
    snapshots = bind.execute(sa.text("SELECT id FROM snapshot ORDER BY id")).scalars().all()
    after = dict(pairwise(snapshots))  # the snapshot after each
    rows = bind.execute(
        sa.text(
            "SELECT image_id, snapshot_id, split, label, path FROM snapshot_image"
            " ORDER BY image_id, snapshot_id"
        ).execution_options(yield_per=AT_ONCE)
    )
    for image_id, own in groupby(rows, key=itemgetter(0)):
        for since, until, (split, label, path) in spans_of_one(own, after):
            yield split, image_id, since, until, label, path


def spans_of_one(rows: Iterable[Any], after: dict[int, int]) -> Iterator[tuple[int, int | None, Any]]:
    """Yield the first snapshot of each span, the one after its last, and how the image is in it."""
    begun: tuple[int, Any] | None = None
    until: int | None = None
    for _, snapshot_id, *facts in rows:
        if begun is not None and (facts != begun[1] or until != snapshot_id):
            yield begun[0], until, begun[1]
            begun = None
        begun = begun or (snapshot_id, facts)
        until = after.get(snapshot_id)
    if begun is not None:
        yield begun[0], until, begun[1]


def reference(name: str, target: str, *, primary_key: bool) -> "sa.Column[int]":
    constraint = f"fk_snapshot_span_{name}_{target}"
    key = sa.ForeignKey(f"{target}.id", name=constraint)
    return sa.Column(name, sa.Integer, key, primary_key=primary_key, nullable=not primary_key)
