"""PostgreSQL's own programs, which read and write whole databases: where they are, how they are called."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from pipeline.errors import DatabaseError

DEBIAN = Path("/usr/lib/postgresql")  # which keeps those of each version in a folder of their own
NEEDED = ("pg_dump", "pg_restore", "psql")
Process = subprocess.Popen[bytes]


def programs_for(server_version: int) -> dict[str, Path]:
    """Return the programs by name, of the server's version or the nearest one after it.

    DatabaseError if one is missing: those of an older version would not know all that the server has, and
    those of a newer one may ask it for what it does not know.
    """
    found = {name: _nearest(name, server_version) for name in NEEDED}
    if lacking := [name for name, program in found.items() if program is None]:
        raise DatabaseError(
            f"the database cannot be copied from here, since {' and '.join(lacking)} of PostgreSQL"
            f" {server_version} or newer is not installed; install its client programs, or let the server"
            " itself be backed up"
        )
    return {name: program for name, program in found.items() if program}


def _nearest(name: str, version: int) -> Path | None:
    in_path = shutil.which(name)
    candidates = [*DEBIAN.glob(f"*/bin/{name}"), *([Path(in_path)] if in_path else [])]
    return min((one for one in candidates if _version_of(one) >= version), key=_version_of, default=None)


@cache
def _version_of(program: Path) -> int:
    """Return the major version of a program; 0 if it does not say."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.search(r"(\d+)[.\d]*", done.stdout)
    return int(match[1]) if match else 0


def on_database(url: URL) -> tuple[list[str], dict[str, str]]:
    """Return the argument that names a database, and the environment that gives the password.

    So nobody sees it who looks at the processes of the machine.
    """
    secret = {} if url.password is None else {"PGPASSWORD": str(url.password)}
    there = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    environment = {**os.environ, **secret, "PGAPPNAME": "whisker", "PGCONNECT_TIMEOUT": "10", "LC_ALL": "C"}
    return [f"--dbname={there}"], environment


def require_success(process: Process, what: str) -> None:
    """Wait for the end of a program; DatabaseError with its last words if it failed."""
    said = process.communicate()[1].decode(errors="replace").strip().splitlines()
    if process.returncode != 0:
        last = said[-1] if said else f"exit status {process.returncode}"
        raise DatabaseError(f"{what} ({last})")


def start(arguments: Sequence[str | Path], **options: Any) -> Process:
    """Start a program whose standard error is kept for `require_success`."""
    quiet: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.PIPE,
    }
    return subprocess.Popen([str(one) for one in arguments], **{**quiet, **options})
