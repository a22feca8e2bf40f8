"""A real PostgreSQL server for the tests: Debian's programs, in a folder of its own, gone afterwards."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

OWNER = "whisker"  # owns the databases of the tests, and is no superuser
GUARDED = "guarded"  # must give its password, `PASSWORD`, over TCP
PASSWORD = "not/to@be:shown"

# Fast before all: nothing here need outlive the machine, though a commit must outlive the server. Time zone
# and collation are not those of the program, so that whoever relies on the server's is found out.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "16MB",
    "max_connections": "40",
    "autovacuum": "off",
    "jit": "off",
    "timezone": "Asia/Kathmandu",
}
ACCESS = f"""
local all all trust
host all {GUARDED} 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
"""
# Waits for the end of its input, which also comes when the tests are killed.
WATCH = 'cat >/dev/null; "$0/pg_ctl" -D "$1/data" -m immediate stop >/dev/null 2>&1; cd /; rm -rf "$1"'
EMPTY = """
DO $$ DECLARE name text; BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
    SET LOCAL session_replication_role = replica;  -- no foreign keys
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'
        LOOP EXECUTE format('DELETE FROM %I', name); END LOOP;
    PERFORM setval(seqrelid, 1, false) FROM pg_sequence;
END $$
"""


class Server:
    """One server with its databases. `stop` and `start` are for tests of what an outage does."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs = programs
        self.folder = folder
        self.port = _free_port()
        self._numbers = count(1)

    def make(self, **changes: str) -> None:
        """Make the folder of the data, and start with our settings but for some changes."""
        options = "-U postgres -A trust -E UTF8 --locale=C --locale-provider=icu --icu-locale=en-US"
        self._run("initdb", "--no-sync", *options.split())
        place = {"port": str(self.port), "unix_socket_directories": str(self.folder)}
        settings = SETTINGS | place | changes
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        (self.folder / "data" / "pg_hba.conf").write_text(ACCESS)
        self.start()
        self.sql(f"CREATE ROLE {OWNER} LOGIN")
        self.sql(f"CREATE ROLE {GUARDED} LOGIN PASSWORD '{PASSWORD}'")

    def start(self) -> None:
        self._run("pg_ctl", "start", "-w", "-l", str(self.folder / "log"))

    def stop(self) -> None:
        """Stop at once, as a machine that loses its power does."""
        self._run("pg_ctl", "stop", "-w", "-m", "immediate")

    def url(self, database: str, user: str = OWNER, password: str = "") -> str:
        secret = f":{password}" if password else ""
        return f"postgresql+psycopg://{user}{secret}@127.0.0.1:{self.port}/{database}"

    def sql(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run a statement as the superuser; return its rows."""
        address = f"host={self.folder} port={self.port} user=postgres dbname={database}"
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return [] if cursor.description is None else cursor.fetchall()

    def new_database(self, template: str = "template1", options: str = "") -> str:
        """Make a database, and return its name."""
        name = f"home{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template} {options}")
        return name

    def empty(self, name: str) -> None:
        """Remove all rows but that of the revision, let numbers begin at 1, and end all connections."""
        self.sql(EMPTY, name)

    @contextmanager
    def database(self, template: str = "template1", options: str = "") -> Iterator[str]:
        """Give the URL of a new database, which is empty or a copy of another one, and goes afterwards."""
        name = self.new_database(template, options)
        try:
            yield self.url(name)
        finally:
            self.sql(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), "-D", str(self.folder / "data"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, **_identity())
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{self._log()}"

    def _log(self) -> str:
        log = self.folder / "log"
        return log.read_text() if log.exists() else ""


@contextmanager
def running_server(**changes: str) -> Iterator[Server]:
    """Start a server in a folder of its own, or skip; both are gone afterwards, also where we are killed.

    `changes` are settings of the server that are not ours.
    """
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="whisker-pg-", dir="/tmp"))  # the path of a socket must be short
    if identity := _identity():
        os.chown(folder, identity["user"], identity["group"])
    command = ["sh", "-c", WATCH, str(programs), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, **identity):
        server = Server(programs, folder)
        server.make(**changes)
        yield server


def _programs() -> Path | None:
    """Return the folder of the newest server's programs; Debian keeps them out of the path."""
    found = list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return max(found, key=lambda file: int(file.parent.parent.name)).parent
    in_path = shutil.which("initdb")
    return Path(in_path).parent if in_path else None


def _identity() -> dict[str, Any]:
    """Return as whom to start programs: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres", names["nobody"])
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
