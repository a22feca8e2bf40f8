"""Too little memory, by a limit on the process."""

import resource

import pytest

from tests.faults.conftest import Injected
from tests.faults.subject import Subject
from tests.faults.whole import facts_of

MIB = 1024 * 1024


@pytest.mark.long
@pytest.mark.parametrize("limit", [600, 800, 1000, 1200, 1600])
def test_too_little_memory_ends_the_cycle_and_nothing_else(
    limit: int, settled: Subject, injected: Injected
) -> None:
    before = facts_of(settled)

    def low() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limit * MIB, limit * MIB))

    done = settled.run("run-now", preexec_fn=low)
    assert done.returncode != 0 or limit > 600
    again = settled.run("run-now")
    assert again.returncode == 0, again.stderr
    injected("too little memory (RLIMIT_AS)", "the cycle ends; works again with more", settled, before)
