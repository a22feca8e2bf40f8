"""How many processors may be used."""

import os
import subprocess
import sys

from pipeline.processors import usable_processors


def test_it_is_what_the_affinity_mask_allows() -> None:
    assert 1 <= usable_processors() <= len(os.sched_getaffinity(0))


def test_a_process_that_is_pinned_to_one_processor_uses_one() -> None:
    program = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from pipeline.processors import usable_processors; print(usable_processors())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
