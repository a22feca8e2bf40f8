"""Who is answered: names, pages of other sites, tokens."""

import socket

import pytest

from jobs.serving.access import LEAST_TOKEN, Access, Asked, access_for, bearer, is_loopback, refusal_of
from pipeline.errors import BadSettings

TOKEN = "a token of the test"
HERE = "127.0.0.1:8008"


def status(method: str, access: Access, token: str | None = None, **headers: str) -> int:
    named = {"host": HERE, **{name.replace("_", "-"): value for name, value in headers.items()}}
    refusal = refusal_of(Asked(method, named, token), access)
    return 200 if refusal is None else refusal.status


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (HERE, 200),
        ("localhost:8008", 200),
        ("LOCALHOST", 200),
        ("localhost:9", 200),  # through a tunnel
        ("[::1]:8008", 200),
        ("192.168.1.5", 200),  # no name, so nobody can have let it point here
        ("photos.example", 200),
        ("evil.example:8008", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("evil.example@localhost", 200),  # a user name; no browser sends one
        ("", 421),
        ("[::1", 421),
    ],
)
def test_a_server_answers_only_to_its_own_names(host: str, expected: int) -> None:
    assert status("GET", access_for("127.0.0.1", None, ["photos.example"]), host=host) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 200),  # a program
        ({"origin": f"http://{HERE}"}, 200),
        ({"origin": f"https://{HERE}"}, 200),  # a proxy in front
        ({"origin": "http://evil.example"}, 403),
        ({"origin": f"http://{HERE}.evil.example"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "null"}, 403),
        ({"sec_fetch_site": "same-origin"}, 200),
        ({"sec_fetch_site": "none"}, 200),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"origin": f"http://{HERE}", "sec_fetch_site": "cross-site"}, 403),
    ],
)
def test_a_page_of_another_site_can_change_nothing(headers: dict[str, str], expected: int) -> None:
    access = access_for("127.0.0.1", None)
    assert status("POST", access, **headers) == expected
    assert status("DELETE", access, **headers) == expected
    assert status("GET", access, **headers) == 200


@pytest.mark.parametrize(
    ("token", "expected"), [(TOKEN, 200), (None, 401), ("", 401), (TOKEN[:-1], 401), ("é", 401)]
)
def test_a_token_opens_and_nothing_else_does(token: str | None, expected: int) -> None:
    access = access_for("127.0.0.1", TOKEN)
    assert status("GET", access, token) == status("POST", access, token) == expected


def test_a_page_of_another_site_is_refused_with_the_token_too() -> None:
    assert status("POST", access_for("127.0.0.1", TOKEN), TOKEN, origin="http://evil.example") == 403


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("photos.example", False),
    ],
)
def test_who_can_be_reached_from_other_machines_has_a_token(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    access = access_for(host, None)
    assert (access.token is None) is loopback
    assert loopback or socket.gethostname().lower() in access.names
    if access.token is not None:
        assert len(access.token) > LEAST_TOKEN
        assert access.token != access_for(host, None).token


def test_a_token_is_made_where_somebody_asks_for_one() -> None:
    made = access_for("127.0.0.1", "auto").token
    assert made is not None and len(made) > LEAST_TOKEN


@pytest.mark.parametrize("token", ["", "short", "é" * 20, "two\nlines of a token"])
def test_a_token_that_is_no_secret_is_refused(token: str) -> None:
    with pytest.raises(BadSettings, match="the token must be"):
        access_for("127.0.0.1", token)


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", None), ("abc", None), ("", None)],
)
def test_a_program_sends_its_token_in_a_header(header: str, token: str | None) -> None:
    assert bearer({"authorization": header} if header else {}) == token
