import re
import sqlite3
import tomllib

import pytest

from db.sqlite_engine import journal_mode
from jobs.examination.check import Check
from jobs.examination.software import (
    REQUIREMENTS,
    distributions_check,
    import_check,
    package_check,
    processors_check,
    python_check,
    sqlite_check,
)
from pipeline.probe_child import ProbeOutcome
from tests.conftest import REPOSITORY


@pytest.mark.parametrize(
    ("version", "system", "status"),
    [((3, 11), "Linux", "ok"), ((3, 12), "Linux", "problem"), ((3, 11), "Darwin", "warning")],
)
def test_only_python_3_11_will_do(version: tuple[int, int], system: str, status: str) -> None:
    assert python_check(version, system).status == status


@pytest.mark.parametrize(
    ("name", "version", "status"),
    [
        ("numpy", "1.23.5", "ok"),
        ("numpy", "1.24.0", "problem"),
        ("numpy", "2.0.0rc1", "problem"),
        ("Pillow", "13.0.0", "ok"),
        ("Pillow", "12.9.9", "problem"),
        ("matplotlib", "3.10.9", "ok"),
        ("APScheduler", "4.0.0a6", "problem"),
        ("Jinja2", None, "problem"),
    ],
)
def test_a_package_must_lie_within_its_bounds(name: str, version: str | None, status: str) -> None:
    check = package_check(name, version)
    assert check.status == status
    assert status == "ok" or f"pip install '{name}>=" in check.message


def test_the_floor_of_pillow_is_named_as_what_it_is() -> None:
    assert "attacked by a crafted JPEG" in package_check("Pillow", "12.3.0").message


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_the_bounds_are_those_of_the_packaging(name: str) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [line for line in project["dependencies"] if re.match(rf"{name}\b", line, re.IGNORECASE)]
    first, end, _ = REQUIREMENTS[name]
    assert declared == [f"{name.lower()}>={first}" + (f",<{end}" if end else "")]


def test_no_mxnet_or_two_of_them_is_a_problem() -> None:
    assert distributions_check({}).status == "problem"
    assert distributions_check({"mxnet": "1.9.1", "mxnet-cu112": "1.9.1"}).status == "problem"
    assert distributions_check({"mxnet": "1.9.1"}) == Check("MXNet", "ok", "mxnet 1.9.1")


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (ProbeOutcome({"problem": "MXNet cannot be imported (no bool)"}, 1, ""), "no bool"),
        (ProbeOutcome({}, -6, "terminate called"), "signal 6: terminate called"),
        (ProbeOutcome({}, None, ""), "did not answer within 60 seconds"),
    ],
)
def test_an_mxnet_that_cannot_be_imported_is_a_problem(outcome: ProbeOutcome, words: str) -> None:
    check = import_check(outcome)
    assert check.status == "problem"
    assert words in check.message


@pytest.mark.parametrize(
    ("threads", "status"), [(None, "ok"), ("2", "ok"), ("1", "warning"), ("lots", "warning")]
)
def test_the_number_of_threads_should_be_that_of_the_processors(threads: str | None, status: str) -> None:
    assert processors_check(2, threads).status == status


@pytest.mark.parametrize(
    ("version", "mode"),
    [((3, 40, 1), "DELETE"), ((3, 51, 2), "DELETE"), ((3, 51, 3), "WAL"), ((4, 0, 0), "WAL")],
)
def test_the_journal_mode_follows_from_sqlite_s_version(version: tuple[int, ...], mode: str) -> None:
    check = sqlite_check(version)
    assert check.status == "ok"
    assert f"journal mode {mode}" in check.message
    assert ("corrupt" in check.message) == (mode == "DELETE")


def test_the_journal_mode_is_the_one_that_the_database_gets() -> None:
    assert f"journal mode {journal_mode()}" in sqlite_check(sqlite3.sqlite_version_info).message
