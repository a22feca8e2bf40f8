"""The verdict box: all that a reader must know before believing a cycle's numbers, what is wrong first."""

from pipeline.records import Cycle
from pipeline.report.checks_of_data import checks_of_data
from pipeline.report.checks_of_result import checks_of_result
from pipeline.report.checks_of_runs import checks_of_runs
from pipeline.report.verdict_check import LEVELS, Check


def checks_of(cycle: Cycle) -> tuple[Check, ...]:
    """Return the checks of a cycle that may have ended anywhere, sorted by how much they matter."""
    found = [*checks_of_result(cycle), *checks_of_runs(cycle), *checks_of_data(cycle)]
    return tuple(sorted(found, key=lambda check: LEVELS.index(check.level)))
