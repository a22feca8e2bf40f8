"""The app held against its own description, by Schemathesis."""

from typing import Any

import pytest
import schemathesis
from hypothesis import given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from jobs.preparation import Request
from jobs.serving.access import access_for
from jobs.serving.app import make_app
from tests.jobs.serving.server import Served

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 15  # of each operation
RIGHT, WRONG = schemathesis.GenerationMode
WITH_INPUT = (("GET", "/pictures/{sha256}"), ("POST", "/decisions"), ("POST", "/predict"))


@pytest.fixture(scope="session")
def described(finished: Request) -> schemathesis.BaseSchema:
    """Return the description of an app of its own, which runs in this process."""
    app = make_app(finished.home, access_for("127.0.0.1", None, ["testserver"]))
    return schemathesis.openapi.from_asgi("/openapi.json", app)


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [
        ("GET", "/health", RIGHT),
        ("GET", "/doubts", RIGHT),
        *((*of, mode) for of in WITH_INPUT for mode in (RIGHT, WRONG)),
    ],
)
def test_no_request_gets_an_answer_that_is_not_described(
    described: schemathesis.BaseSchema, method: str, path: str, mode: schemathesis.GenerationMode
) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
    @given(case=described[path][method].as_strategy(generation_mode=mode))
    def holds(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(checks=CHECKS)

    holds()


def test_the_description_needs_no_network(served: Served) -> None:
    described = served.get("/openapi.json").document
    assert sorted(described["paths"]) == [
        "/decisions",
        "/doubts",
        "/health",
        "/pictures/{sha256}",
        "/predict",
    ]
    assert set(described["paths"]["/predict"]["post"]["requestBody"]["content"]) == {
        "image/*",
        "application/octet-stream",
        "multipart/form-data",
    }
    for path in ("/docs", "/redoc"):
        assert served.get(path).status == 404
