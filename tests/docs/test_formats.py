"""docs/FORMATS.md against what the program writes and prints."""

import json
import re
import sqlite3
from contextlib import closing
from typing import Any

import click
import pytest

from docs.make.commands import all_commands
from jobs.home import Home
from jobs.labels import COLUMNS
from pipeline.manifest import MANIFEST
from tests.docs.conftest import KEPT, Place
from tests.docs.markdown import DOCUMENTS, blocks, code_words, tables

FORMATS = DOCUMENTS["docs/FORMATS.md"]
DOCUMENTS_OF = {
    block.heading.strip("`"): json.loads(block.text) for block in blocks(FORMATS) if block.language == "json"
}
OF_CYCLE = "whisker --json run-now"  # which takes long, so what it has printed is kept
OPEN = "..."  # a field that stands for any others


def table(head: str) -> dict[str, str]:
    """Return the first two columns of the table with this first cell."""
    (found,) = [rows[1:] for rows in tables(FORMATS) if rows[0][0] == head]
    return {row[0]: row[1] for row in found}


def words(cells: "dict[str, str]") -> set[str]:
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


def test_all_that_a_home_holds_is_listed(finished: Place) -> None:
    names = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in (finished.folder / "whisker-home").iterdir()
    }
    listed = words(table("name"))
    assert names <= listed
    known = {
        getattr(Home(finished.folder), name)
        for name, part in vars(Home).items()
        if isinstance(part, property)
    }
    top = {path.relative_to(finished.folder).parts[0] for path in known}
    assert top <= {name.rstrip("/") for name in listed}


def test_every_table_of_the_database_is_listed(finished: Place) -> None:
    with closing(sqlite3.connect(finished.folder / "whisker-home" / "whisker.db")) as connection:
        found = {
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
    assert words(table("table")) == found - {"alembic_version", "sqlite_sequence"}


def test_every_field_and_file_of_a_model_is_listed(finished: Place) -> None:
    folder = finished.folder / "whisker-home" / "models" / "champion"
    manifest = json.loads((folder / MANIFEST).read_text())
    assert words(table("field")) == set(manifest)
    assert {path.name for path in folder.iterdir()} <= words(table("file"))
    assert set(manifest["preprocessing"]) <= set(code_words(FORMATS))


def test_the_columns_of_lists_are_named() -> None:
    assert set(COLUMNS) <= set(code_words(FORMATS))


@pytest.mark.parametrize("command", DOCUMENTS_OF)
def test_a_document_has_the_fields_that_are_written_down(command: str, finished: Place) -> None:
    kept = finished.folder / KEPT
    printed = kept.read_text() if command == OF_CYCLE else finished.run(command).stdout
    assert_same_form(DOCUMENTS_OF[command], json.loads(printed), command)


def test_every_command_that_answers_has_its_document() -> None:
    described = {word for command in DOCUMENTS_OF for word in command.split()} | set(code_words(FORMATS))
    for context in all_commands():
        *_, name = context.command_path.split()
        if not isinstance(context.command, click.Group):
            assert name in described or f"weights {name}" in described, name


def assert_same_form(written: Any, real: Any, where: str) -> None:
    """Compare names and kinds of values; null and empty lists fit anything."""
    if written is None or real is None:
        return
    if isinstance(written, dict):
        assert isinstance(real, dict), where
        if OPEN not in written:
            assert written.keys() == real.keys(), where
        for name in written.keys() & real.keys():
            assert_same_form(written[name], real[name], f"{where}: {name}")
    elif isinstance(written, list):
        assert isinstance(real, list), where
        if written and real:
            assert_same_form(written[0], real[0], f"{where}, first")
    else:
        assert isinstance(real, _kinds(written)), f"{where}: {real!r}"


def _kinds(value: object) -> tuple[type, ...]:
    return (int, float) if type(value) in (int, float) else (type(value),)
