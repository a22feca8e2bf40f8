"""Fixtures of the fault suite, and the table that it ends with."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from pipeline.drawings import draw_demo_images
from tests.faults.subject import Subject, make_subject
from tests.faults.whole import Facts, breaches

Injected = Callable[..., None]
ROW = "injected fault"


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of few drawn images; read only."""
    folder = tmp_path_factory.mktemp("pictures") / "images"
    draw_demo_images(folder, train_per_class=8, test_per_class=4, seed=3)
    return folder


@pytest.fixture
def subject(tmp_path: Path, pictures: Path, tiny_weights: Path) -> Subject:
    """Return a home in which nothing has run; its fine-tuning trains all layers, for two epochs."""
    return make_subject(tmp_path / "subject", pictures, tiny_weights, of_recipe="epochs = 2")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, pictures: Path, tiny_weights: Path) -> Subject:
    """Return a home with one finished cycle that nothing has disturbed; read only, or copied."""
    folder = tmp_path_factory.mktemp("undisturbed") / "subject"
    subject = make_subject(folder, pictures, tiny_weights, of_recipe="epochs = 2")
    done = subject.cycle()
    assert done.returncode == 0, done.stderr
    return subject


@pytest.fixture
def settled(undisturbed: Subject, tmp_path: Path) -> Subject:
    """Return a copy of a home with one finished cycle."""
    return undisturbed.copy(tmp_path / "settled")


@pytest.fixture(autouse=True)
def nothing_left_running(tmp_path: Path) -> Iterator[None]:
    """End what a test that failed has left at work in its folder."""
    yield
    for process in psutil.process_iter(["cmdline"]):
        if any(str(tmp_path) in word for word in process.info["cmdline"] or ()):
            process.kill()


@pytest.fixture
def injected(record_property: Callable[[str, object], None]) -> Injected:
    """Return how a test says what it injected; it fails where anything is lost."""

    def record(
        fault: str, outcome: str, subject: Subject, before: Facts, *, times: int = 1, **expected: bool
    ) -> None:
        lost = breaches(subject, before, **expected)
        record_property(ROW, (fault, times, outcome, len(lost)))
        assert not lost, "\n".join(lost)

    return record


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table: fault, how often it was injected, what came of it, what was lost."""
    rows: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in report.user_properties if getattr(report, "when", "") == "call" else ():
                if name == ROW:
                    fault, times, outcome, lost = value
                    counts = rows[fault, outcome]
                    counts[0] += times
                    counts[1] += lost
    if rows:
        _print_table(terminalreporter, rows)


def _print_table(reporter: pytest.TerminalReporter, rows: dict[tuple[str, str], list[int]]) -> None:
    reporter.section("injected faults")
    reporter.write_line("| fault | times | what came of it | lost |")
    reporter.write_line("|---|---|---|---|")
    for (fault, outcome), (times, lost) in sorted(rows.items()):
        reporter.write_line(f"| {fault} | {times} | {outcome} | {lost} |")
    total = [sum(counts[i] for counts in rows.values()) for i in (0, 1)]
    reporter.write_line(f"{total[0]} faults injected, {total[1]} things lost")
