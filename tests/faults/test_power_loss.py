"""What a power loss may take: nothing that has its name. Seen in the order of system calls (`strace`).

A file must be on the disk before it gets its name, and its folder after that.
"""

import re
import shutil
import signal
from pathlib import Path

import pytest

from tests.faults.conftest import Injected
from tests.faults.subject import Subject
from tests.faults.whole import facts_of

CALLS = "openat,close,fsync,fdatasync,rename,renameat,renameat2,dup,dup2"


def traced(subject: Subject, log: Path) -> list[str]:
    """Run a cycle under strace; return its calls, in order, with the paths of their files."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    trace = ("strace", "-f", "-y", "-qq", "-e", f"trace={CALLS}", "-o", str(log))
    done = subject.cycle(before=trace)
    assert done.returncode == 0, done.stderr
    return log.read_text(errors="replace").splitlines()


@pytest.mark.long
def test_a_file_is_synced_before_it_gets_its_name_and_its_folder_after(
    subject: Subject, tmp_path: Path, injected: Injected
) -> None:
    synced: set[str] = set()
    waiting: dict[str, str] = {}  # folder -> what was renamed in it and is not yet safe
    renamed = 0
    for line in traced(subject, tmp_path / "calls"):
        if match := re.search(r"f(?:data)?sync\(\d+<(.+?)>\) += 0", line):
            synced.add(match[1])
            waiting.pop(match[1], None)
        elif match := re.search(
            r'rename(?:at2?)?\((?:AT_FDCWD<.*?>, )?"(.+?)", (?:AT_FDCWD<.*?>, )?"(.+?)".* = 0', line
        ):
            source, target = match[1], match[2]
            if not target.startswith(str(subject.home)) or "/cache/" in target:
                continue  # the cache is checked when it is read, and may go at any time
            if target.endswith("/champion"):
                continue  # a link, which the next start puts right
            renamed += 1
            assert source in synced, f"{target} got its name before it was on the disk"
            waiting[str(Path(target).parent)] = target
    assert renamed >= 4
    assert not waiting, f"a power loss could take the names of {waiting}"
    before = facts_of(subject)
    injected(
        "order of writing, for a power loss", "synced before it gets its name", subject, before, times=renamed
    )


SWEPT = [("rename", n) for n in range(1, 13)] + [
    (call, n) for call in ("fsync", "unlink") for n in range(1, 25, 2)
]


@pytest.mark.long
@pytest.mark.parametrize(("call", "nth"), SWEPT)
def test_killed_at_the_nth_call_that_changes_the_disk(
    call: str, nth: int, subject: Subject, injected: Injected
) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    inject = f"inject={call}:signal=KILL:when={nth}"
    done = subject.cycle(
        before=("strace", "-f", "-qq", "-e", f"trace={call}", "-e", inject, "-o", "/dev/null")
    )
    assert done.returncode in (0, -signal.SIGKILL, 128 + signal.SIGKILL), done.stderr
    before = facts_of(subject)
    assert subject.cycle().returncode == 0
    injected(f"kill -9 at the n-th {call}", "goes on at the next start", subject, before)
