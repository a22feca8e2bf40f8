"""What the tests do with themselves."""

import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import REPOSITORY

CONFTEST = """
import pytest
from tests.conftest import pytest_collection_modifyitems

@pytest.fixture(scope="session")
def finished():
    return None
"""
TESTS = """
import pytest

@pytest.mark.parametrize("number", range(4))
def test_shares(finished, number):
    pass
"""


def test_those_that_share_something_slow_to_make_run_in_one_process(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_sharing.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-v", "-n", "2", "--dist", "loadgroup", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    processes = re.findall(r"\[(gw\d)\].* PASSED", done.stdout)
    assert len(processes) == 4, done.stdout + done.stderr
    assert len(set(processes)) == 1
