"""The software under Whisker: Python, packages, MXNet, system libraries, SQLite, processors, weights."""

import ctypes
import importlib.metadata
import os
import platform
import sqlite3
import sys
from collections.abc import Mapping
from pathlib import Path

from jobs.examination.check import Check
from pipeline.backbones import BACKBONES
from pipeline.cuda_libraries import distributions_problem, mxnet_distributions
from pipeline.errors import WeightsError
from pipeline.pretrained.weights import find_weights
from pipeline.probe_child import ProbeOutcome, describe_end, run_probe
from pipeline.processors import usable_processors

IMPORT_SECONDS = 60.0
PACKAGED = "efficientnet_lite0"
WAL_IS_SAFE_FROM = (3, 51, 3)

# Package -> (first version that will do, first that will not any more, what goes wrong outside).
REQUIREMENTS: dict[str, tuple[str, str | None, str]] = {
    "numpy": ("1.23.5", "1.24", "MXNet needs the name np.bool, which numpy 1.24 removed"),
    "Pillow": ("13", None, "older versions can be attacked by a crafted JPEG (CVE-2026-112403)"),
    "SQLAlchemy": ("2.0.40", "2.1", "Whisker was tested with 2.0"),
    "alembic": ("1.13", "2", "Whisker was tested with 1.x"),
    "APScheduler": ("3.11", "4", "version 4 has another interface"),
    "Jinja2": ("3.1.6", "4", "older versions have known security holes"),
    "matplotlib": ("3.8", "3.11", "3.11 needs a newer numpy than MXNet can use"),
}
SYSTEM_LIBRARIES = {
    "libgomp.so.1": ("libgomp1", "libgomp"),
    "libquadmath.so.0": ("libquadmath0", "libquadmath"),
}


def examine_software() -> list[Check]:
    """Return the checks of everything that is installed."""
    installed = mxnet_distributions()
    checks = [
        python_check((sys.version_info.major, sys.version_info.minor), platform.system()),
        *(package_check(name, _installed_version(name)) for name in REQUIREMENTS),
        distributions_check(installed),
        *(_system_library_check(soname) for soname in SYSTEM_LIBRARIES),
    ]
    if not distributions_problem(installed):
        outcome = run_probe("pipeline.device_check", "cpu", timeout_seconds=IMPORT_SECONDS)
        checks.append(import_check(outcome))
    processors = processors_check(usable_processors(), os.environ.get("OMP_NUM_THREADS"))
    return [*checks, processors, _weights_check(), sqlite_check(sqlite3.sqlite_version_info)]


def python_check(version: tuple[int, int], system: str) -> Check:
    """Return whether MXNet can run on this Python and operating system."""
    found = f"Python {version[0]}.{version[1]} on {system}"
    if version != (3, 11):
        return Check("Python", "problem", f"{found} cannot run MXNet with Whisker; install Python 3.11")
    if system != "Linux":
        return Check("Python", "warning", f"{found} was never tried; Linux is what Whisker is tested on")
    return Check("Python", "ok", f"{found}")


def package_check(name: str, version: str | None) -> Check:
    """Return whether an installed version (None if there is none) lies within what Whisker needs."""
    first, end, reason = REQUIREMENTS[name]
    wanted = f"{name}>={first}" + (f",<{end}" if end else "")
    mend = f"run `pip install '{wanted}'`"
    if version is None:
        return Check(name, "problem", f"{name} is not installed; {mend}")
    fits = _numbers(version) >= _numbers(first) and (end is None or _numbers(version) < _numbers(end))
    if not fits:
        return Check(name, "problem", f"{name} {version} does not fit, since {reason}; {mend}")
    return Check(name, "ok", f"{name} {version}")


def distributions_check(installed: Mapping[str, str]) -> Check:
    """Return whether exactly one MXNet distribution is installed."""
    problem = distributions_problem(installed)
    if problem:
        return Check("MXNet", "problem", problem)
    return Check("MXNet", "ok", ", ".join(f"{name} {version}" for name, version in installed.items()))


def import_check(outcome: ProbeOutcome) -> Check:
    """Return whether a child process could import MXNet and train one step on the CPU."""
    if outcome.facts.get("proved"):
        return Check("MXNet on the CPU", "ok", "MXNet imports and trains one step on the CPU")
    problem = outcome.facts.get("problem")
    if problem:
        return Check("MXNet on the CPU", "problem", str(problem))
    end = describe_end(outcome, IMPORT_SECONDS)
    mend = "install MXNet again with `pip install --force-reinstall --no-deps mxnet==1.9.1` (or mxnet-cu112)"
    return Check("MXNet on the CPU", "problem", f"a process that imports MXNet fails, {end}; {mend}")


def processors_check(usable: int, threads: str | None) -> Check:
    """Return whether MXNet will use all processors that we may; `threads` is OMP_NUM_THREADS, if set."""
    found = f"{usable} usable processor{'s' if usable > 1 else ''}"
    if threads is None:
        return Check("processors", "ok", f"{found}; OMP_NUM_THREADS is not set, so MXNet gets {usable}")
    if threads == str(usable):
        return Check("processors", "ok", f"{found}, and OMP_NUM_THREADS is {threads}")
    return Check(
        "processors", "warning", f"{found}, but OMP_NUM_THREADS is {threads!r}; unset it to use each once"
    )


def sqlite_check(version: tuple[int, ...]) -> Check:
    """Return which journal mode follows from the version of SQLite that Python is linked with."""
    text = ".".join(map(str, version[:3]))
    if version[:3] >= WAL_IS_SAFE_FROM:
        return Check("SQLite", "ok", f"SQLite {text}, so databases use the journal mode WAL")
    return Check(
        "SQLite",
        "ok",
        f"SQLite {text}, so databases use the journal mode DELETE: before 3.51.3, WAL can in rare cases "
        "corrupt a database that two processes write",
    )


def _system_library_check(soname: str) -> Check:
    try:
        ctypes.CDLL(soname)
    except OSError as error:
        debian, fedora = SYSTEM_LIBRARIES[soname]
        mend = f"run `apt install {debian}` or `dnf install {fedora}`"
        return Check(soname, "problem", f"MXNet needs {soname}, which cannot be loaded ({error}); {mend}")
    return Check(soname, "ok", f"{soname} can be loaded")


def _weights_check() -> Check:
    """Return whether the packaged pretrained weights are the file that they should be (SHA-256)."""
    try:
        found = find_weights(BACKBONES[PACKAGED], Path(os.devnull), download=False)
    except WeightsError as error:
        return Check("pretrained weights", "problem", str(error))
    return Check(
        "pretrained weights", "ok", f"{PACKAGED} is installed and whole ({found.path.name}, SHA-256)"
    )


def _installed_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: (3, 11) for `3.11rc1`."""
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    return tuple(numbers)
