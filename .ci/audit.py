"""Ask which installed packages have known holes; where the service cannot be asked, say so and pass.

    python .ci/audit.py VENV

pip-audit gets a virtual environment of its own beside VENV, since its dependencies are none of ours.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 300
# MXNet is retired and holds numpy below 1.24, so what is found in these two cannot be mended by an update.
# Whisker reads with them only files whose SHA-256 it knows, or which it has written itself.
CANNOT_BE_UPDATED = frozenset({"mxnet", "mxnet-cu112", "numpy"})


def main(venv: Path) -> int:
    """Print what was found; return 1 if an update would close a hole."""
    answer = ask(venv)
    if answer is None:
        return skipped("pip-audit cannot be installed, or its service cannot be reached")
    return judge(answer)


def ask(venv: Path) -> Mapping[str, Any] | None:
    """Return the answer of pip-audit for the packages of `venv`; None if there is none."""
    own = venv.with_name(f"{venv.name}-audit")
    (packages,) = venv.glob("lib/python*/site-packages")
    run(sys.executable, "-m", "venv", str(own))
    run(str(own / "bin" / "python"), "-m", "pip", "install", "--quiet", "--upgrade", "pip-audit")
    options = ("--format", "json", "--progress-spinner", "off")
    out = run(str(own / "bin" / "pip-audit"), "--path", str(packages), *options)
    try:
        return dict(json.loads(out))
    except ValueError:
        return None


def run(*command: str) -> str:
    """Return what a command prints, or nothing if it cannot be run or hangs."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def judge(answer: Mapping[str, Any]) -> int:
    """Print what pip-audit knows of the packages; return 1 if an update would close a hole."""
    asked = [package for package in answer["dependencies"] if "skip_reason" not in package]
    if not asked:
        return skipped("the service knows none of the packages, so it is a mirror without advisories")
    holes = [(package, hole) for package in asked for hole in package["vulns"]]
    for package, hole in holes:
        fixed = ", ".join(hole["fix_versions"]) or "no version"
        print(f"{package['name']} {package['version']}: {hole['id']}, mended in {fixed}")
    print(f"audited {len(asked)} of {len(answer['dependencies'])} packages: {len(holes)} known holes")
    can_be_closed = [p for p, hole in holes if hole["fix_versions"] and p["name"] not in CANNOT_BE_UPDATED]
    return 1 if can_be_closed else 0


def skipped(reason: str) -> int:
    """Say that nothing was audited, and why."""
    print(f"audit skipped: {reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
