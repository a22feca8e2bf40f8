"""A champion whose files are damaged, cut off or gone."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import Injected
from tests.faults.subject import Subject
from tests.faults.test_disk import one_sentence
from tests.faults.whole import facts_of

PARAMETERS = "network-0000.params"


def flipped(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0x40
    file.write_bytes(data)


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def gone(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize(
    "damage", [flipped, *(pytest.param(d, marks=pytest.mark.long) for d in (cut_off, gone))]
)
def test_a_damaged_champion_predicts_nothing_and_the_next_cycle_has_a_new_one(
    damage: Callable[[Path], None], settled: Subject, injected: Injected
) -> None:
    before = facts_of(settled)
    file = settled.home / "models" / "run-0001" / PARAMETERS
    whole = file.read_bytes()
    damage(file)
    picture = next(settled.images.rglob("*.jpg"))
    done = settled.run("predict", picture)
    assert done.returncode == 1, done.stdout
    assert "run-0001" in one_sentence(done)
    again = settled.run("run-now")
    assert again.returncode == 0, again.stderr
    assert settled.run("predict", picture).returncode == 0, "the new model has taken its place"
    file.write_bytes(whole)
    injected(
        "damaged model of the champion", "refused by its hash; replaced by the next cycle", settled, before
    )
