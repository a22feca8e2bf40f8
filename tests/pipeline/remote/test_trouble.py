import ssl

import aiohttp
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError
from s3fs.errors import translate_boto_error

from pipeline.errors import BadImage
from pipeline.remote.trouble import Busy, Passing, Patience, Refused, Trouble, Vanished, trouble_of


def of_s3(status: int, code: str) -> Exception:
    """Return what s3fs raises for an answer of a server."""
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    made: Exception = translate_boto_error(ClientError(answer, "GetObject"))
    return made


def of_http(status: int) -> aiohttp.ClientResponseError:
    return aiohttp.ClientResponseError(None, (), status=status)


KINDS: list[tuple[Exception, type[Trouble], str]] = [
    (of_s3(404, "NoSuchKey"), Vanished, "vanished"),
    (of_s3(403, "AccessDenied"), Refused, "permission denied"),
    (of_s3(503, "SlowDown"), Busy, "the server answers 503"),
    (of_s3(500, "InternalError"), Passing, "the server answers 500"),
    (of_s3(400, "AuthorizationHeaderMalformed"), Refused, "a request that the server refuses"),
    (of_http(410), Vanished, "vanished"),
    (of_http(429), Busy, "the server answers 429"),
    (of_http(418), Refused, "the server answers 418"),
    (aiohttp.ClientPayloadError(), Passing, "the server's answer was cut off"),
    (aiohttp.ServerDisconnectedError(), Passing, "the server's answer was cut off"),
    (EndpointConnectionError(endpoint_url="x"), Passing, "no connection: EndpointConnectionError"),
    (ReadTimeoutError(endpoint_url="x"), Passing, "the server does not answer in time"),
    (NoCredentialsError(), Refused, "no credentials were found"),
    (ConnectionResetError(), Passing, "no connection: ConnectionResetError"),
    (ssl.SSLCertVerificationError(), Passing, "no connection: SSLCertVerificationError"),
    (FileNotFoundError(), Vanished, "vanished"),
    (PermissionError(), Refused, "permission denied"),
    (TimeoutError(), Passing, "the server does not answer in time"),
]


@pytest.mark.parametrize(("error", "kind", "words"), KINDS)
def test_an_error_of_a_library_is_one_of_four_kinds(
    error: Exception, kind: type[Trouble], words: str
) -> None:
    trouble = trouble_of(error)
    assert (type(trouble), str(trouble)) == (kind, words)


@pytest.mark.parametrize("error", [TypeError("ours"), KeyError("ours"), BadImage("too large")])
def test_an_error_of_ours_is_no_trouble_of_a_store(error: Exception) -> None:
    with pytest.raises(type(error)):
        trouble_of(error)


def attempts(patience: Patience, error: Exception) -> int:
    made = []

    def action() -> None:
        made.append(1)
        raise error

    with pytest.raises(Trouble):
        patience.call(action)
    return len(made)


def test_what_passes_is_tried_with_longer_and_longer_waits_and_the_rest_once() -> None:
    waits: list[float] = []
    patience = Patience(attempts=4, first_wait=1.0, sleep=waits.append)
    assert attempts(patience, ConnectionResetError()) == 4
    assert [0.5 * 2**n <= wait <= 2**n for n, wait in enumerate(waits)] == [True, True, True]
    assert attempts(patience, PermissionError()) == 1


def test_a_server_that_lets_everybody_wait_is_not_waited_for_again_and_again() -> None:
    assert attempts(Patience(attempts=4, longest=-1.0), TimeoutError()) == 1
