"""What all tables share: the names of constraints, the column type of each Python type, and options."""

from datetime import datetime
from typing import Any, get_args

from sqlalchemy import Enum, LargeBinary, MetaData
from sqlalchemy.orm import DeclarativeBase

from db.columns import Instant
from pipeline.records import ChangeKind, Decision, LookOutcome, PromotionSource, RunKind, Split, Status

SPLITS: tuple[Split, ...] = ("test", "train")  # sorted

# A constraint without a name could never be changed by a migration.
NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}
# The rows of these tables are found by their key only: the key is the table, without a second index.
WITHOUT_ROWID = {"sqlite_with_rowid": False}
# The number of a deleted run must never come back: a folder of models is named by it.
NUMBERS_USED_ONCE = {"sqlite_autoincrement": True}


def _choice(values: Any) -> Enum:
    """Return the type of a column that holds one of the words of a Literal."""
    return Enum(*get_args(values), native_enum=False, length=16, create_constraint=False)


class Base(DeclarativeBase):
    """What the tables share: the column type of each Python type."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy declares it so
        datetime: Instant,
        bytes: LargeBinary,
        Status: _choice(Status),
        RunKind: _choice(RunKind),
        Decision: _choice(Decision),
        ChangeKind: _choice(ChangeKind),
        PromotionSource: _choice(PromotionSource),
        LookOutcome: _choice(LookOutcome),
    }
