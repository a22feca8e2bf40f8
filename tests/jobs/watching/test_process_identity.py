"""Which process is it?"""

import subprocess
import sys
from dataclasses import replace

from jobs.watching.process_identity import identity_of, this_process


def test_a_process_knows_itself_to_be_alive() -> None:
    assert this_process() == this_process()
    assert this_process().is_alive()


def test_a_process_that_has_ended_is_dead_also_before_its_parent_has_heard_of_it() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    one = identity_of(child.pid)
    assert one.is_alive()
    child.kill()
    while one.is_alive():
        pass
    child.communicate()
    assert one.is_alive() is False


def test_another_process_with_the_same_number_is_not_taken_for_it() -> None:
    assert replace(this_process(), start="an earlier boot:5").is_alive() is False


def test_of_another_machine_nothing_is_claimed() -> None:
    assert replace(this_process(), host="elsewhere").is_alive() is None
