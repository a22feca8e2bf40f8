"""A server process from its start to its end, and who it answers."""

import hashlib
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from jobs.home import Home
from jobs.preparation import Request
from jobs.serving.reports import report_page
from tests.conftest import REPOSITORY
from tests.jobs.serving.server import Served, command, ended, serving
from tests.processes import started

TOKEN = "a-token-of-the-test"
PAGES = ("/", "/look-over", "/reports/", "/reports/cycle-0001.html", "/static/style.css", "/openapi.json")


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it_and_one_document_was_printed(finished: Request, number: int, status: int) -> None:
    with serving(finished.home.folder) as served:
        assert served.get("/health").document == {"status": "ok"}
        exit_status, out, err = served.end(number)
    assert (exit_status, out) == (status, "")
    assert "Traceback" not in err


def test_people_get_the_address_and_the_log_shows_requests_without_the_token(finished: Request) -> None:
    folder = finished.home.folder
    words = ("--home", folder, "--verbose", "serve", "--port", 0, "--host", "0.0.0.0")
    with started(*words, environment=os.environ) as process:
        assert process.stdout is not None
        opened, _, rest = process.stdout.readline().partition(" ")
        assert rest == f"shows {folder}; Ctrl-C ends it\n"
        address, _, token = opened.partition("?token=")
        port = address.rstrip("/").rpartition(":")[2]
        served = Served(process, f"http://127.0.0.1:{port}/", token)
        assert served.get(f"/look-over?token={token}").status == 200
        assert served.get("/look-over").status == 401
        _, _, err = served.end()
    assert "127.0.0.1 GET /look-over: 200" in err
    assert token not in err


def test_a_port_that_is_taken_is_a_sentence(served: Served, finished: Request) -> None:
    port = served.host.rpartition(":")[2]
    done = ended(command(finished.home.folder, "--port", port))
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"] == (
        f"port {port} of 127.0.0.1 is in use; choose another --port, or end the program that listens there"
    )


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (("--host", "192.0.2.1"), 1, "is no address of this machine"),
        (("--host", "no.such.host.invalid"), 1, "cannot be used"),
        (("--token", "short"), 2, "the token must be"),
        (("--port", "70000"), 2, "70000"),
    ],
)
def test_what_cannot_be_served_is_said(
    finished: Request, options: tuple[str, ...], status: int, words: str
) -> None:
    done = ended(command(finished.home.folder, *options))
    assert done.returncode == status
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_packages_the_way_to_them_is_said(finished: Request) -> None:
    program = (
        "import importlib.util as u, sys; found = u.find_spec; "
        "u.find_spec = lambda name, *rest: None if name == 'uvicorn' else found(name, *rest); "
        f"sys.path.insert(0, {str(REPOSITORY)!r}); import cli; cli.main()"
    )
    done = ended([sys.executable, "-c", program, "--home", str(finished.home.folder), "serve"])
    assert done.returncode == 2
    assert done.stderr == ("whisker: serve needs the package uvicorn; run `pip install 'whisker[serve]'`\n")


def test_a_home_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    done = ended(command(tmp_path / "none"))
    assert done.returncode == 2
    assert not (tmp_path / "none").exists()


def test_looking_changes_no_file_of_the_home(served: Served, finished: Request, photo: bytes) -> None:
    before = contents(finished.home.folder)
    for path in (*PAGES, "/doubts", "/health"):
        assert served.get(path).status == 200, path
    assert served.predict(photo).status == 200
    assert contents(finished.home.folder) == before


def test_before_the_first_cycle_all_says_so_and_no_database_is_made(tmp_path: Path, photo: bytes) -> None:
    home = Home(tmp_path / "home")
    home.create(None)
    with serving(home.folder) as served:
        assert served.get("/health").status == served.get("/").status == 200
        for reply in (served.predict(photo), served.get("/doubts"), served.get("/reports/")):
            assert reply.status == 503
            assert "run-now" in reply.sentence
        assert served.get("/reports/cycle-0001.html").status == 404
    assert list(home.folder.iterdir()) == []


def test_each_answer_closes_the_site(served: Served) -> None:
    for path in (*PAGES, "/doubts", "/no-such-page", "/health"):
        headers = served.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


def test_the_pages_of_the_app_run_no_script_of_their_own_text(served: Served) -> None:
    assert "script-src 'self'" in served.get("/look-over").headers["content-security-policy"]
    report = served.get("/reports/cycle-0001.html")
    assert "script-src 'sha256-" in report.headers["content-security-policy"]
    assert b"<script>" in report.body


@pytest.mark.parametrize(
    "path",
    [
        "/reports/../whisker.db",
        "/reports/..%2fwhisker.db",
        "/reports/%2e%2e/whisker.db",
        "/reports/..%5cwhisker.db",
        "/reports/whisker.db",
        "/reports//etc/passwd",
        "/reports/index.html%00",
        "/reports/cycle-9999.html",
        "/reports/cycle-%D9%A1.html",  # a digit, but none of ASCII
        "/static/../cli.py",
        "/static/whisker.toml",
        "/static/__init__.py",
        "/static/..%2f..%2fcli.py",
        "/pictures/../whisker.db",
        "//etc/passwd",
        "/whisker.db",
    ],
)
def test_nothing_is_read_but_what_is_shown(served: Served, path: str) -> None:
    reply = served.get(path)
    assert reply.status in {404, 422}
    assert b"SQLite" not in reply.body and b"root:" not in reply.body


def test_a_page_that_is_missing_is_rendered_with_the_others(home: Home) -> None:
    before = {page.name: page.read_bytes() for page in home.reports.iterdir()}
    for file in home.reports.iterdir():
        file.unlink()
    assert report_page(home, "cycle-0001.html") is None
    for name in ("index.html", "cycle-0001.html"):
        page = report_page(home, name)
        assert page is not None and page.html == before[name]


def test_other_names_and_other_sites_are_refused(served: Served, photo: bytes) -> None:
    assert served.get("/", Host="evil.example").status == 421
    assert served.get("/health", Host="evil.example").status == 421
    assert served.predict(photo, Origin="http://evil.example").status == 403
    assert served.decide("0" * 64, "cat", Origin="null").status == 403
    assert served.predict(photo, Origin=f"http://{served.host}").status == 200


def test_a_token_comes_in_a_header_or_once_in_the_address(finished: Request) -> None:
    with serving(finished.home.folder, environment={"WHISKER_TOKEN": TOKEN}) as served:
        assert served.token is None, "who has chosen it knows it"
        assert served.get("/health").status == 200
        for path in (*PAGES, "/doubts", "/no-such-page"):
            assert served.get(path).status == 401, path
        assert served.get("/", Authorization=f"Bearer {TOKEN}").status == 200
        assert served.get("/", Authorization="Bearer another-token-here").status == 401
        assert served.get("/?token=another-token-here").status == 401

        opened = served.get(f"/look-over?token={TOKEN}")
        cookie, *attributes = opened.headers["set-cookie"].split("; ")
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(attributes)
        assert TOKEN.encode() not in opened.body
        assert served.get("/look-over", Cookie=cookie).status == 200
        assert served.get("/look-over", Cookie=cookie[:-1]).status == 401
