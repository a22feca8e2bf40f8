"""Who is told what, over real connections of the loopback."""

import hashlib
import hmac
import json
import logging
import socket
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli import cli
from jobs.config import NoticeSettings
from jobs.notices.notice import Notice
from jobs.notices.send import deliver, notify
from jobs.notices.webhook import post, signature
from jobs.settings.load import load_config
from pipeline.errors import BadSettings
from tests.jobs.receivers import Receiver, Reply, receiving

# Raised by one of apprise's services when all of them are imported.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

NOTICE = Notice(
    events=("promoted", "finished"),
    home=Path("/home/whisker\n"),
    at=datetime(2026, 3, 1, 4, 0, tzinfo=UTC),
    reason="it is better",
    cycle=3,
    run=5,
    accuracy=0.99,
    report=Path("/home/whisker/reports/cycle-0003.html"),
)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("WHISKER_WEBHOOK_SECRET", raising=False)


class Sleeps(list[float]):
    """Notes how long would have been slept."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def settings(receiver: Receiver, **changed: Any) -> NoticeSettings:
    return replace(NoticeSettings(webhook=receiver.address), **changed)


def sent(receiver: Receiver, sleeps: Sleeps, clock: float = 1_000.0) -> tuple[int, str | None]:
    posted = post(receiver.address, b"{}", identity="one", secret=b"key", sleep=sleeps, clock=lambda: clock)
    return posted.attempts, posted.error


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def test_the_receiver_gets_a_document_with_all_that_is_known() -> None:
    with receiving() as receiver:
        notify(settings(receiver), NOTICE)
    (request,) = receiver.received
    body = json.loads(request.body)
    assert body.pop("id") == request.headers["X-Whisker-Id"]
    assert "there is a new champion" in body["text"]
    assert "test accuracy 0.9900" in body.pop("text")
    assert body == {
        "event": "promoted",
        "at": "2026-03-01T04:00:00+00:00",
        "home": "/home/whisker\\n",
        "cycle": 3,
        "run": 5,
        "accuracy": 0.99,
        "reason": "it is better",
        "report": "/home/whisker/reports/cycle-0003.html",
    }
    assert request.path == "/hooks/s3cret-token"
    assert request.headers["Content-Type"] == "application/json"
    assert "X-Whisker-Signature" not in request.headers


def test_a_receiver_that_knows_the_secret_can_verify_the_signature(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a shared secret\n")
    with receiving() as receiver:
        notify(settings(receiver, webhook_secret_file=tmp_path / "key"), NOTICE)
    (request,) = receiver.received
    signed = request.headers["X-Whisker-Timestamp"].encode() + b"." + request.body
    expected = hmac.new(b"a shared secret", signed, hashlib.sha256).hexdigest()
    assert request.headers["X-Whisker-Signature"] == f"sha256={expected}"


def test_the_secret_of_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("of the file")
    with receiving() as receiver:
        told = settings(receiver, webhook_secret_file=tmp_path / "key")
        deliver(told, "test", NOTICE, environment={"WHISKER_WEBHOOK_SECRET": "of the environment"})
    (request,) = receiver.received
    expected = signature(b"of the environment", request.headers["X-Whisker-Timestamp"], request.body)
    assert request.headers["X-Whisker-Signature"] == expected


def test_without_its_secret_file_nothing_is_sent(tmp_path: Path) -> None:
    with receiving() as receiver:
        (delivery,) = deliver(settings(receiver, webhook_secret_file=tmp_path / "key"), "test", NOTICE)
    assert delivery.error == "the file webhook_secret_file cannot be read: No such file or directory"
    assert receiver.received == []


def test_what_a_server_may_mend_is_tried_again_with_the_same_id() -> None:
    sleeps = Sleeps()
    with receiving(Reply(500), Reply(429), Reply(200)) as receiver:
        assert sent(receiver, sleeps) == (3, None)
    assert sleeps == [1.0, 2.0]
    assert {request.headers["X-Whisker-Id"] for request in receiver.received} == {"one"}


@pytest.mark.parametrize("status", [500, 503, 408, 429])
def test_after_the_fourth_attempt_it_is_given_up(status: int) -> None:
    sleeps = Sleeps()
    with receiving(*4 * [Reply(status)]) as receiver:
        assert sent(receiver, sleeps) == (4, f"it answers with status {status}")
    assert sleeps == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_what_a_server_refuses_is_not_tried_again(status: int) -> None:
    with receiving(Reply(status)) as receiver:
        assert sent(receiver, Sleeps()) == (1, f"it answers with status {status}")
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("asked", "slept"),
    [
        ("7", 7.0),
        ("3600", 10.0),
        ("9" * 400, 10.0),
        ("0", 1.0),
        ("-5", 1.0),
        ("nan", 1.0),
        ("soon", 1.0),
        (format_datetime(datetime.fromtimestamp(1_005, UTC), usegmt=True), 5.0),
        (format_datetime(datetime.fromtimestamp(5, UTC), usegmt=True), 1.0),
    ],
)
def test_retry_after_is_honoured_within_bounds(asked: str, slept: float) -> None:
    sleeps = Sleeps()
    with receiving(Reply(503, {"Retry-After": asked})) as receiver:
        assert sent(receiver, sleeps) == (2, None)
    assert sleeps == [slept]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["file:///etc/passwd", "/elsewhere"])
def test_no_redirection_is_followed(status: int, target: str) -> None:
    with receiving(Reply(status, {"Location": target})) as receiver:
        attempts, error = sent(receiver, Sleeps())
    assert (attempts, error) == (
        1,
        f"it answers with a redirection ({status}); set the address that it leads to",
    )
    assert len(receiver.received) == 1


def test_a_closed_port_is_tried_again_and_then_said(caplog: pytest.LogCaptureFixture) -> None:
    sleeps = Sleeps()
    notify(NoticeSettings(webhook=f"http://127.0.0.1:{closed_port()}/s3cret-token"), NOTICE, sleep=sleeps)
    assert sleeps == [1.0, 2.0, 4.0]
    (line,) = [record.getMessage() for record in caplog.records]
    told, reason = line.split(": ", 1)
    assert told == "the webhook http://127.0.0.1/*** could not be told 'promoted'"
    assert reason == "it cannot be reached: Connection refused"


def test_a_server_that_answers_too_late_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    held = threading.Event()
    with receiving(Reply(held=held)) as receiver:
        try:
            (delivery,) = deliver(settings(receiver), "test", NOTICE, most_seconds=0.1)
        finally:
            held.set()
    assert delivery.error == "it did not answer within 0.1 seconds"


def test_a_server_that_accepts_and_says_nothing_is_a_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.notices.webhook.TIMEOUT_SECONDS", 0.05)
    held = threading.Event()
    with receiving(*4 * [Reply(held=held)]) as receiver:
        try:
            attempts, error = sent(receiver, Sleeps())
        finally:
            held.set()
    assert attempts == 4
    assert error is not None
    assert error.startswith("it did not answer within")


def test_a_server_that_speaks_no_http_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        receiver = Receiver(server.getsockname()[1], [])

        def answer() -> None:
            for _ in range(4):
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"220 s3cret-token ready\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        attempts, error = sent(receiver, Sleeps())
        thread.join()
    assert (attempts, error) == (4, "it cannot be reached: BadStatusLine")


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (("finished", "promoted"), "promoted"),
        (("finished",), "finished"),
        (("failed", "stuck"), None),
        ((), None),
    ],
)
def test_of_what_an_event_may_be_called_the_most_telling_that_is_wanted_is_sent(
    events: tuple[str, ...], told: str | None
) -> None:
    with receiving() as receiver:
        notify(settings(receiver, events=events), NOTICE)
    assert [json.loads(request.body)["event"] for request in receiver.received] == ([told] if told else [])


def test_no_secret_is_logged_whatever_goes_wrong(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    (tmp_path / "key").write_text("s3cret-key")
    with receiving(Reply(500), Reply(302), Reply(404), Reply(404)) as receiver:
        everywhere = settings(
            receiver,
            webhook_secret_file=tmp_path / "key",
            apprise=(
                f"json://127.0.0.1:{receiver.port}/s3cret-token",
                "slack://s3cret-token",
                "x://s3cret-token",
            ),
        )
        deliver(everywhere, "test", NOTICE, sleep=Sleeps())
        notify(everywhere, NOTICE, sleep=Sleeps())
    notify(everywhere, NOTICE, sleep=Sleeps())
    said = caplog.text + "".join(capfd.readouterr())
    assert said.count("could not be told") > 3
    assert "s3cret" not in said


def test_apprise_tells_its_services(tmp_path: Path) -> None:
    (tmp_path / "more").write_text("# at work\n\njsons://127.0.0.1:1/s3cret-token\n")
    with receiving() as receiver:
        deliveries = deliver(
            NoticeSettings(
                apprise=(f"json://127.0.0.1:{receiver.port}/hook",), apprise_file=tmp_path / "more"
            ),
            "rejected",
            NOTICE,
            sleep=Sleeps(),
        )
    assert deliveries[0].error is None
    (request,) = receiver.received
    body = json.loads(request.body)
    assert body["title"] == "Whisker: the new model was rejected"
    assert "it is better" in body["message"]
    assert [(delivery.receiver, delivery.attempts) for delivery in deliveries] == [
        ("apprise 1 (json://***)", 1),
        ("apprise 2 (jsons://***)", 2),
    ]
    assert deliveries[1].error


def test_a_file_of_addresses_that_holds_something_else_is_said_without_it(tmp_path: Path) -> None:
    (tmp_path / "more").write_text("s3cret-token\n")
    (delivery,) = deliver(NoticeSettings(apprise_file=tmp_path / "more"), "test", NOTICE)
    assert delivery.error == "the file apprise_file is not a list of addresses such as mailto://..."


def test_without_the_package_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    (delivery,) = deliver(NoticeSettings(apprise=("json://x",)), "test", NOTICE)
    assert "pip install 'whisker[notify]'" in str(delivery.error)
    (tmp_path / "whisker.toml").write_text("[notify]\napprise = ['json://x']\n")
    with pytest.raises(BadSettings, match=r"line 2: apprise needs .*pip install 'whisker\[notify\]'"):
        load_config(tmp_path / "whisker.toml", {})


def told_by_command(home: Path, text: str) -> tuple[int, Any]:
    (home / "whisker.toml").write_text(text)
    result = CliRunner().invoke(cli, ["--home", str(home), "--json", "notify-test"])
    return result.exit_code, json.loads(result.stdout)


def test_the_command_says_who_was_told(tmp_path: Path) -> None:
    with receiving(Reply(200), Reply(404)) as receiver:
        text = f"[notify]\nwebhook = '{receiver.address}'\nevents = []\n"
        assert told_by_command(tmp_path, text)[0] == 0
        status, document = told_by_command(tmp_path, text)
    assert [json.loads(request.body)["event"] for request in receiver.received] == ["test", "test"]
    assert status == 1
    assert document["deliveries"] == [
        {"receiver": "the webhook http://127.0.0.1/***", "attempts": 1, "error": "it answers with status 404"}
    ]


def test_the_command_is_wrong_use_where_nobody_is_to_be_told(tmp_path: Path) -> None:
    status, document = told_by_command(tmp_path, "")
    assert status == 2
    assert "set webhook or apprise" in document["error"]
