"""How many processors may be used."""

import os
import subprocess
import sys
from pathlib import Path

from pipeline.processors import processor_flags, usable_processors


def test_it_is_what_the_affinity_mask_allows() -> None:
    assert 1 <= usable_processors() <= len(os.sched_getaffinity(0))


def test_a_process_that_is_pinned_to_one_processor_uses_one() -> None:
    program = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from pipeline.processors import usable_processors; print(usable_processors())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_the_flags_are_those_of_the_first_processor(tmp_path: Path) -> None:
    facts = tmp_path / "cpuinfo"
    facts.write_text("processor\t: 0\nflags\t\t: fpu avx512_bf16\n\nprocessor\t: 1\nflags\t\t: fpu\n")
    assert processor_flags(facts) == {"fpu", "avx512_bf16"}


def test_where_the_system_tells_no_flags_there_are_none(tmp_path: Path) -> None:
    facts = tmp_path / "cpuinfo"
    assert processor_flags(facts) == frozenset()
    facts.write_text("Features\t: asimd bf16\n")
    assert processor_flags(facts) == frozenset()
