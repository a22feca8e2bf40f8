"""What is logged: its form, its file, and that it ends no work."""

import json
import logging
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.config import LogSettings
from jobs.logs.file import log_file
from jobs.logs.lines import JsonLine, TerminalLine, TextLine, log_ids
from jobs.logs.terminal import TerminalLog
from pipeline.errors import Interrupted, NoHome

FORGED = "cat\n2026-01-01 00:00:00 all is well\x1b[2K\u202e.jpg"
log = logging.getLogger("whisker")


def settings(**changed: object) -> LogSettings:
    return LogSettings(**({"level": "info", "format": "text", "max_bytes": 10**6, "keep": 3} | changed))  # type: ignore[arg-type]


def record(message: str, *, at: float = 0.25, error: BaseException | None = None) -> logging.LogRecord:
    exc_info = (type(error), error, None) if error else None
    made = logging.LogRecord("whisker", logging.WARNING, "", 0, "%s", (message,), exc_info)
    made.created = at
    return made


@pytest.fixture(autouse=True)
def own_level() -> Iterator[None]:
    before = log.level
    log.setLevel(logging.WARNING)
    yield
    log.setLevel(before)


@pytest.mark.parametrize("form", [TerminalLine(), TextLine(), JsonLine()])
def test_a_file_name_cannot_pass_for_a_line_of_its_own(form: logging.Formatter) -> None:
    line = form.format(record(FORGED))
    assert line.isprintable()
    assert "all is well" in line


@pytest.mark.parametrize("form", [TextLine(), JsonLine()])
def test_in_a_file_a_traceback_is_part_of_its_line(form: logging.Formatter) -> None:
    line = form.format(record("it failed", error=ValueError(FORGED)))
    assert line.isprintable()
    assert "ValueError: cat" in line


def test_on_a_terminal_the_lines_of_a_traceback_are_indented() -> None:
    first, *others = TerminalLine().format(record("it failed", error=ValueError(FORGED))).split("\n")
    assert first.endswith(" it failed")
    assert all(line.startswith("    ") and line.isprintable() for line in others)


def test_a_line_of_text_has_the_instant_in_utc_the_level_and_the_ids() -> None:
    with log_ids(cycle=3):
        with log_ids(run=5):
            assert TextLine().format(record("hm")) == "1970-01-01T00:00:00.250Z WARNING cycle=3 run=5 hm"
        assert TextLine().format(record("hm")) == "1970-01-01T00:00:00.250Z WARNING cycle=3 hm"
    assert TextLine().format(record("hm")) == "1970-01-01T00:00:00.250Z WARNING hm"


def test_a_line_of_json_is_an_object_with_the_ids() -> None:
    with log_ids(cycle=3):
        event = json.loads(JsonLine().format(record("hm", error=ValueError("why"))))
    process = event.pop("process")
    assert process > 0
    assert event == {
        "at": "1970-01-01T00:00:00.250Z",
        "level": "warning",
        "logger": "whisker",
        "cycle": 3,
        "message": "hm",
        "traceback": "ValueError: why",
    }


def test_the_file_holds_what_is_logged_from_its_level_on_and_the_error_that_ends_it(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "cycle.log"
    with pytest.raises(NoHome), log_file(file, settings()):
        log.debug("too much")
        log.info("a fact")
        raise NoHome("there is no home")
    log.error("after the end")
    lines = [line.split(" ", 1)[1] for line in file.read_text().splitlines()]
    assert lines == ["INFO a fact", "ERROR ends with NoHome: there is no home"]
    assert log.level == logging.WARNING


@pytest.mark.parametrize(
    ("error", "level", "traced"),
    [
        (Interrupted(15), "warning", False),
        (KeyboardInterrupt(), "warning", False),
        (KeyError(1), "error", True),
    ],
)
def test_only_an_error_that_nobody_expects_has_a_traceback(
    tmp_path: Path, error: BaseException, level: str, traced: bool
) -> None:
    with pytest.raises(type(error)), log_file(tmp_path / "cycle.log", settings(format="json")):
        raise error
    event = json.loads((tmp_path / "cycle.log").read_text())
    assert (event["level"], "traceback" in event) == (level, traced)


def test_only_its_owner_reads_the_file(tmp_path: Path) -> None:
    with log_file(tmp_path / "logs" / "cycle.log", settings()):
        log.info("a fact")
    assert stat.S_IMODE((tmp_path / "logs" / "cycle.log").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "logs").stat().st_mode) == 0o700


def test_a_file_that_has_grown_is_put_aside_and_only_some_are_kept(tmp_path: Path) -> None:
    for number in range(50):
        with log_file(tmp_path / "cycle.log", settings(max_bytes=200, keep=2)):
            log.info("fact %d", number)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cycle.log", "cycle.log.1", "cycle.log.2"]
    assert all(path.stat().st_size <= 200 for path in tmp_path.iterdir())
    assert (tmp_path / "cycle.log").read_text().endswith("fact 49\n")


def full_disk(folder: Path) -> Path:
    (folder / "cycle.log").symlink_to("/dev/full")
    return folder / "cycle.log"


def no_folder(folder: Path) -> Path:
    (folder / "logs").write_text("")
    return folder / "logs" / "cycle.log"


@pytest.mark.parametrize("broken", [full_disk, no_folder])
def test_a_log_that_cannot_be_written_is_said_once_and_ends_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], broken: object
) -> None:
    file = broken(tmp_path)  # type: ignore[operator]
    done = 0
    with log_file(file, settings()):
        for _ in range(3):
            log.info("a fact")
            done += 1
    assert done == 3
    assert capsys.readouterr().err.count(f"the log {file} cannot be kept") == 1


def test_a_file_that_cannot_be_put_aside_grows_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "cycle.log.1" / "in the way").mkdir(parents=True)
    with log_file(tmp_path / "cycle.log", settings(max_bytes=10, keep=1)):
        for number in range(3):
            log.info("fact %d", number)
    assert [line[-6:] for line in (tmp_path / "cycle.log").read_text().splitlines()] == [
        "fact 0",
        "fact 1",
        "fact 2",
    ]
    assert capsys.readouterr().err.count("cannot be kept") == 1


def test_a_closed_standard_error_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = TerminalLog()
    with (tmp_path / "closed").open("w") as closed:
        pass
    monkeypatch.setattr(sys, "stderr", closed)
    terminal.handle(record("a fact"))
    terminal.say_failure("it failed", with_traceback=False)


def test_a_failure_is_said_line_by_line_and_with_json_as_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = TerminalLog()
    terminal.say_failure("one\ntwo\x1b", with_traceback=False)
    assert capsys.readouterr().err == "whisker: one\nwhisker: two\\x1b\n"
    terminal.follow(logging.INFO, as_json=True)
    log.addHandler(terminal)
    try:
        terminal.say_failure("one\ntwo", with_traceback=False)
    finally:
        log.removeHandler(terminal)
    event = json.loads(capsys.readouterr().err)
    assert (event["level"], event["message"]) == ("error", "one\ntwo")
