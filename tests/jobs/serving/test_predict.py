"""`POST /predict`: what is said of images, and of what is none."""

import base64
import io
import json
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from jobs.champion import promote_by_hand
from jobs.home import Home
from jobs.preparation import Request
from jobs.serving.answer import answer
from jobs.serving.champion import Champion
from jobs.serving.uploads import MOST_BYTES
from pipeline.manifest import ONNX
from tests.conftest import REPOSITORY
from tests.jobs.kinds import BAD, GOOD
from tests.jobs.serving.server import Served
from tests.jobs.stored_homes import without_onnx

BOUNDARY = "of-the-test"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def form(*parts: tuple[str, bytes]) -> bytes:
    return (
        b"".join(
            b"--%s\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n"
            % (BOUNDARY.encode(), words.encode(), content)
            for words, content in parts
        )
        + b"--%s--\r\n" % BOUNDARY.encode()
    )


def said_by_the_command(home: Home, file: Path) -> Any:
    words = [sys.executable, REPOSITORY / "cli.py", "--home", home.folder, "--json", "predict", file]
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_it_says_what_the_command_says(served: Served, finished: Request, drawn: Path) -> None:
    file = drawn / "test" / "cat" / "drawn-0002.jpg"
    by_command = said_by_the_command(finished.home, file)
    answer = served.predict(file.read_bytes()).document
    (row,) = by_command["predictions"]
    assert (answer["run"], answer["label"]) == (by_command["run"], row["label"])
    assert answer["probabilities"] == pytest.approx(row["probabilities"], abs=1e-6)
    assert answer["probability"] == max(answer["probabilities"].values())
    with Image.open(file) as image:
        assert (answer["width"], answer["height"]) == image.size
    assert answer["picture"] is None


def test_an_image_comes_in_the_body_or_as_the_file_of_a_form(served: Served, photo: bytes) -> None:
    expected = served.predict(photo).document
    disposition = 'name="file"; filename="a dog.jpg"'
    as_form = form(('name="note"', b"text"), (disposition, photo))
    for body, kind in (
        (photo, "application/octet-stream"),
        (photo, "image/whatever"),
        (as_form, FORM),
    ):
        assert served.predict(body, Content_Type=kind).document == expected


def test_the_heat_map_is_a_picture_over_what_the_model_saw(served: Served, photo: bytes) -> None:
    answer = served.predict(photo, "?picture=true").document
    with_map = answer["heat_map"]
    kind, _, content = with_map["png"].partition(",")
    assert kind == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as tint:
        assert tint.mode == "RGBA"
        assert np.asarray(tint)[..., 3].max() > 100
    assert 0 <= with_map["x"] < with_map["x"] + with_map["width"] <= answer["width"]
    assert 0 <= with_map["y"] < with_map["y"] + with_map["height"] <= answer["height"]
    assert answer["picture"].startswith("data:image/jpeg;base64,")
    assert served.predict(photo, "?heat_map=false").document["heat_map"] is None


def test_mxnet_is_not_loaded(served: Served, photo: bytes) -> None:
    assert served.predict(photo).status == 200
    loaded = Path(f"/proc/{served.process.pid}/maps").read_text()
    assert "onnxruntime" in loaded
    assert "libmxnet" not in loaded


@pytest.mark.parametrize("kind", GOOD)
def test_each_kind_of_image_is_classified(served: Served, kind: str) -> None:
    make, _ = GOOD[kind]
    assert served.predict(make()).status == 200


@pytest.mark.parametrize("name", [name for name in BAD if name != "empty.jpg"])
def test_what_would_go_into_quarantine_is_refused_with_that_reason(served: Served, name: str) -> None:
    make, reason = BAD[name]
    reply = served.predict(make())
    assert (reply.status, reply.sentence) == (422, f"the image cannot be used: {reason}")


@pytest.mark.parametrize(
    ("body", "kind", "status", "words"),
    [
        (b"", "image/jpeg", 422, "there is no image"),
        (b"x", "text/plain", 415, "'text/plain'"),
        (b"x", "application/x-www-form-urlencoded", 415, "Content-Type: image/jpeg"),
        (b"x", "", 415, "without Content-Type"),
        (b"x", "multipart/form-data", 400, "boundary"),
        (b"no form", FORM, 400, ""),
        (
            form(('name="file"', b"text")),
            FORM,
            422,
            "there is no image",
        ),
        (form(), FORM, 422, "there is no image"),
        (
            form(*[('name="file"; filename="a"', b"x")] * 2),
            FORM,
            400,
            "Too many files",
        ),
        (bytes(MOST_BYTES + 1), "image/jpeg", 413, "larger than 20 MiB"),
        (
            form(('name="file"; filename="a"', bytes(MOST_BYTES + 1))),
            FORM,
            413,
            "larger than 20 MiB",
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_rubbish_is_refused_with_a_sentence(
    served: Served, body: bytes, kind: str, status: int, words: str
) -> None:
    reply = served.predict(body, Content_Type=kind)
    assert (reply.status, words in reply.sentence) == (status, True), reply.sentence


def test_a_body_that_ends_early_disturbs_nobody(served: Served, photo: bytes) -> None:
    host, _, port = served.host.rpartition(":")
    with socket.create_connection((host, int(port))) as connection:
        start = f"POST /predict HTTP/1.1\r\nHost: {served.host}\r\nContent-Type: image/jpeg\r\n"
        connection.sendall(start.encode() + b"Content-Length: 1000\r\n\r\nonly this")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert served.predict(photo).status == 200


@pytest.mark.parametrize("query", ["?heat_map=perhaps", "?picture=2"])
def test_a_wrong_option_is_a_sentence(served: Served, photo: bytes, query: str) -> None:
    reply = served.predict(photo, query)
    assert reply.status == 422
    assert reply.sentence.startswith(f"query.{query[1:].partition('=')[0]}: ")


def test_another_champion_answers_without_a_restart(changing: tuple[Home, Served], photo: bytes) -> None:
    home, served = changing
    before = served.predict(photo).document
    promote_by_hand(home, 2, "the test")
    after = served.predict(photo).document
    assert (before["run"], after["run"]) == (1, 2)
    assert before["probabilities"] != after["probabilities"]


def test_a_damaged_model_is_a_sentence_and_the_server_goes_on(
    changing: tuple[Home, Served], photo: bytes
) -> None:
    home, served = changing
    assert served.predict(photo).document["run"] == 1
    promote_by_hand(home, 2, "the test")
    file = home.model(2) / ONNX
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    reply = served.predict(photo)
    assert (reply.status, "has changed since it was written" in reply.sentence) == (503, True)
    file.write_bytes(whole)
    assert served.predict(photo).document["run"] == 2


def test_a_model_without_onnx_answers_without_a_map(home: Home, photo: bytes) -> None:
    with_map = answer(Champion(home).now(), photo, heat_map=True, picture=False)
    without_onnx(home, 1)
    without = answer(Champion(home).now(), photo, heat_map=True, picture=False)
    assert with_map.heat_map is not None and without.heat_map is None
    assert without.probabilities == pytest.approx(with_map.probabilities, abs=1e-5)
