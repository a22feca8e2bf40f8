"""A clock that is wrong, or that somebody sets, seen by the whole process (`faketime`)."""

import shutil
from random import Random

import pytest

from pipeline.drawings import draw_animal
from tests.faults.conftest import Injected
from tests.faults.outcome import rows
from tests.faults.subject import Subject
from tests.faults.whole import facts_of


@pytest.mark.long
@pytest.mark.parametrize("shift", ["-400d", "-2h", "+2h", "+400d"])
def test_a_clock_that_was_set_between_two_cycles_hides_no_image(
    shift: str, settled: Subject, injected: Injected
) -> None:
    if shutil.which("faketime") is None:
        pytest.skip("faketime is not installed")
    draw_animal("cat", Random(5)).save(settled.images / "train" / "cat" / "new.jpg")
    before = facts_of(settled)
    done = settled.cycle(before=("faketime", "-f", shift))
    assert done.returncode == 0, done.stderr
    again = settled.cycle()
    assert again.returncode == 0, again.stderr
    assert rows(settled, "SELECT count(*) FROM cycle WHERE status = 'finished'") == [(2,)]
    injected("clock set by hours or a year", "new images used once", settled, before)
