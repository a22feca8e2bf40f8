from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.orm import Session

from db.base import SPLITS, Base
from db.migrate import MIGRATIONS
from db.revisions import VERSIONS, known_revisions
from tests.db.samples import ONLY_SQLITE


def test_the_migrations_make_the_tables_of_the_model(session: Session) -> None:
    context = MigrationContext.configure(session.connection())
    assert compare_metadata(context, Base.metadata) == []


@ONLY_SQLITE
def test_the_migrations_and_the_model_agree_on_the_tables_without_rowid(session: Session) -> None:
    made = session.scalars(text("SELECT name FROM sqlite_master WHERE sql LIKE '%WITHOUT ROWID%'"))
    tables = Base.metadata.tables.values()
    assert set(made) == {table.name for table in tables if not table.dialect_options["sqlite"]["with_rowid"]}


def test_the_names_of_the_migration_files_are_their_revisions_in_order() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    chain = [script.revision for script in scripts.walk_revisions()]
    assert known_revisions(VERSIONS) == chain[::-1]


def test_every_constraint_has_a_name_so_that_a_migration_can_change_it() -> None:
    for table in Base.metadata.tables.values():
        assert all(constraint.name for constraint in table.constraints), table.name


def test_the_numbers_of_the_splits_sort_like_their_names() -> None:
    assert list(SPLITS) == sorted(SPLITS)
