"""The server that has the records, where it is not a file of the home. It is only asked."""

from sqlalchemy import URL

from db.place import in_words
from db.revisions import VERSIONS, known_revisions
from db.server_facts import LEAST_VERSION, ServerFacts, server_facts
from jobs.examination.check import Check
from jobs.examination.home import schema_check
from pipeline.errors import WhiskerError

TOLERANCE_SECONDS = 5.0  # between two clocks that are right; instants of one cycle come from several hosts
LOOPBACK = (None, "localhost", "127.0.0.1", "::1")


def examine_server(url: URL) -> list[Check]:
    """Return whether the server can be reached, is new enough, and has our tables and our time."""
    try:
        facts = server_facts(url)
    except WhiskerError as error:
        return [Check("database", "problem", str(error))]
    return [
        server_check(facts, in_words(url)),
        clock_check(facts),
        tables_check(facts),
        *_open_checks(facts, url),
    ]


def server_check(facts: ServerFacts, name: str) -> Check:
    """Return whether the server and the database are such that Whisker can use them."""
    if not facts.is_new_enough:
        message = f"the server of {name} is PostgreSQL {facts.version}"
        return Check(
            "database", "problem", f"{message}; Whisker needs {LEAST_VERSION} or newer, so upgrade it"
        )
    if facts.encoding != "UTF8":
        mend = "make one with `createdb --encoding UTF8 --template template0`"
        return Check("database", "problem", f"the database {name} has the encoding {facts.encoding}; {mend}")
    return Check("database", "ok", f"the database {name} can be reached, PostgreSQL {facts.version}, UTF8")


def tables_check(facts: ServerFacts) -> Check:
    """Return whether our tables are there, of the newest schema."""
    if facts.revision is None:
        return Check("schema", "ok", "there are no tables in the database yet; the first cycle makes them")
    return schema_check([facts.revision], known_revisions(VERSIONS))


def clock_check(facts: ServerFacts) -> Check:
    """Return whether the server's clock is ours, nearly."""
    difference = abs(facts.ahead_seconds)
    if difference > TOLERANCE_SECONDS:
        way = "ahead of" if facts.ahead_seconds > 0 else "behind"
        message = f"the clock of the database's server is {difference:.0f} seconds {way} ours"
        return Check("clock of the server", "warning", f"{message}; let a time server keep both right")
    return Check(
        "clock of the server", "ok", f"it differs from ours by less than {TOLERANCE_SECONDS:g} seconds"
    )


def _open_checks(facts: ServerFacts, url: URL) -> list[Check]:
    """Return a warning where others on the network can read what passes."""
    host = url.host or url.query.get("host")
    if facts.is_encrypted or host in LOOPBACK or str(host).startswith("/"):
        return []
    message = f"what passes between here and {host} is not encrypted"
    return [
        Check(
            "database",
            "warning",
            f"{message}; add `?sslmode=verify-full` to database_url, or trust the network",
        )
    ]
