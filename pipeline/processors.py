"""How many processors this process may use."""

import math
import os
from pathlib import Path

CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")


def usable_processors() -> int:
    """Return the number of processors that the affinity mask and the container's quota leave us."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, _container_quota() or allowed))


def computing_threads() -> int:
    """Return the number of threads: the processors that may be used, or OMP_NUM_THREADS if that is lower."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    allowed = usable_processors()
    return min(allowed, int(asked)) if asked.isdigit() and int(asked) > 0 else allowed


def processor_flags(facts: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Return the names of what the processor can do, such as `avx512_bf16`; none where Linux tells none."""
    try:
        lines = facts.read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    flags = (line.partition(":")[2] for line in lines if line.startswith("flags"))
    return frozenset(next(flags, "").split())


def _container_quota() -> int | None:
    """Return the processors granted by cgroup v2's `cpu.max`, rounded up; None without a limit."""
    try:
        quota, period = CGROUP_LIMIT.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return None
    return None if quota == "max" else math.ceil(int(quota) / int(period))
