"""Doubtful labels: what is listed, what is decided, and when that counts."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from db import store
from db.session import open_current, open_read_only
from jobs.home import Home
from jobs.lock import hold
from jobs.preparation import Request
from jobs.serving.doubts import Folder, look_over
from jobs.serving.pictures import picture_of
from pipeline.records import LabelDecision
from tests.db.samples import NOON
from tests.jobs.serving.server import Served
from tests.moved_home import copy_home


def decisions(home: Home) -> dict[str, LabelDecision]:
    with open_read_only(home.database)() as session:
        return store.label_decisions(session)


def content_of(home: Home, path: bytes) -> str:
    """Return the hash of a file, as the index knows it."""
    with open_read_only(home.database)() as session:
        folder = store.last_finished_folder(session)
        assert folder is not None
        return str(store.known_files(session, folder)[path].sha256)


def by_name(found: Any) -> dict[str, Any]:
    return {Path(doubt["path"]).stem: doubt for doubt in found["doubts"]}


def test_conflicts_suspects_and_quarantine_are_listed(served: Served) -> None:
    found = served.get("/doubts").document
    assert (found["classes"], found["keys"]) == (["cat", "dog"], {"cat": "c", "dog": "d"})
    doubts = by_name(found)
    kinds = {name: (doubt["kind"], doubt["labels"], doubt["suggested"]) for name, doubt in doubts.items()}
    assert kinds["drawn-0001"] == ("conflict", ["cat", "dog"], None)
    assert kinds["drawn-0002"] == ("conflict", ["cat"], None)
    assert kinds["near"] == ("conflict", ["dog"], None)
    assert kinds["wrong"] == ("suspect", ["cat"], "dog")
    assert doubts["near"]["partner"]["path"] == "train/cat/drawn-0002.jpg"
    assert 0 <= doubts["wrong"]["probability"] < 0.5
    assert found["in_all"] == found["left"] == len(doubts)
    assert found["quarantine"] == [{"path": "train/cat/broken.jpg", "reason": "truncated"}]
    assert found["earlier"] == []


Changing = tuple[Home, Served]


def test_a_decision_is_kept_at_once_and_can_be_taken_back(changing: Changing) -> None:
    home, served = changing
    before = served.get("/doubts").document
    wrong = by_name(before)["wrong"]["sha256"]
    for decision, label in (("dog", "dog"), ("cat", "cat"), ("exclude", None)):
        assert served.decide(wrong, decision).status == 204
        assert decisions(home) == {wrong: LabelDecision(wrong, label)}
        found = served.get("/doubts").document
        assert by_name(found)["wrong"]["decision"] == decision
        assert found["left"] == before["left"] - 1
        assert list(by_name(found)) == list(by_name(before)), "each keeps its place"
    assert served.decide(wrong, None).status == 204
    assert decisions(home) == {}
    assert served.get("/doubts").document == before


def test_a_decision_settles_what_agrees_with_it_and_speaks_for_what_does_not(changing: Changing) -> None:
    _, served = changing
    doubts = by_name(served.get("/doubts").document)
    served.decide(doubts["near"]["sha256"], "cat")
    after = by_name(served.get("/doubts").document)
    assert (after["near"]["decision"], after["near"]["settled"]) == ("cat", False)
    assert (after["drawn-0002"]["decision"], after["drawn-0002"]["settled"]) == (None, True)
    served.decide(doubts["near"]["sha256"], "dog")
    after = by_name(served.get("/doubts").document)
    assert (after["drawn-0002"]["settled"], after["drawn-0002"]["suggested"]) == (False, "dog")


def test_a_decision_about_an_image_that_is_not_doubtful_now_is_listed_apart(changing: Changing) -> None:
    home, served = changing
    plain = content_of(home, b"train/dog/drawn-0005.jpg")
    assert served.decide(plain, "exclude").status == 204
    found = served.get("/doubts").document
    assert found["earlier"] == [{"sha256": plain, "path": "train/dog/drawn-0005.jpg", "decision": "exclude"}]
    served.decide(plain, None)
    assert served.get("/doubts").document["earlier"] == []


def test_decisions_are_taken_while_a_cycle_holds_the_home(changing: Changing) -> None:
    home, served = changing
    wrong = by_name(served.get("/doubts").document)["wrong"]["sha256"]
    with hold(home.lock_file, "a cycle of the test"):
        assert served.decide(wrong, "dog").status == 204
    assert decisions(home) == {wrong: LabelDecision(wrong, "dog")}


@pytest.mark.parametrize(
    ("sha256", "decision", "words"),
    [
        ("0" * 64, "dog", "no image of the folder has the content hash"),
        ("known", "fish", "'fish' is neither a class (cat, dog) nor 'exclude'"),
        ("known", "", "is neither a class"),
        ("../../etc/passwd", "dog", "body.sha256"),
        ("A" * 64, "dog", "body.sha256"),
    ],
)
def test_what_cannot_be_decided_is_a_sentence(
    served: Served, finished: Request, sha256: str, decision: str, words: str
) -> None:
    known = by_name(served.get("/doubts").document)["wrong"]["sha256"]
    reply = served.decide(known if sha256 == "known" else sha256, decision)
    assert (reply.status, words in reply.sentence) == (422, True), reply.sentence
    assert decisions(finished.home) == {}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"[]", 422),
        (b"null", 422),
        (b'{"sha256": 1, "decision": []}', 422),
        (b"\xff", 400),
    ],
)
def test_a_decision_that_is_no_document_is_refused(served: Served, body: bytes, status: int) -> None:
    reply = served.ask("POST", "/decisions", body, Content_Type="application/json")
    assert reply.status == status
    assert "body" in reply.sentence


def test_a_form_of_another_page_is_no_decision(served: Served) -> None:
    body = b'{"sha256": "' + b"0" * 64 + b'", "decision": "cat"}'
    assert served.ask("POST", "/decisions", body, Content_Type="text/plain").status == 422


def test_a_picture_is_asked_for_by_its_content(served: Served) -> None:
    wrong = by_name(served.get("/doubts").document)["wrong"]["sha256"]
    for size, side in (("small", 160), ("large", 640)):
        reply = served.get(f"/pictures/{wrong}?size={size}")
        assert reply.headers["content-type"] == "image/jpeg"
        with Image.open(io.BytesIO(reply.body)) as picture:
            assert max(picture.size) <= side
    assert served.get(f"/pictures/{'0' * 64}").status == 404
    assert served.get("/pictures/wrong.jpg").status == 422


def test_a_file_that_has_become_another_is_not_shown(finished: Request, tmp_path: Path) -> None:
    copy_home(finished.home.folder.parent, tmp_path)
    home, images = Home(tmp_path / "home"), tmp_path / "images"
    sha256 = content_of(home, b"train/dog/drawn-0005.jpg")
    assert picture_of(home, sha256, 160) is not None
    (tmp_path / "secret.jpg").write_bytes((images / "train" / "cat" / "drawn-0006.jpg").read_bytes())
    (images / "train" / "dog" / "drawn-0005.jpg").unlink()
    (images / "train" / "dog" / "drawn-0005.jpg").symlink_to(tmp_path / "secret.jpg")
    assert picture_of(home, sha256, 160) is None


def test_pictures_are_compared_again_when_files_change_and_not_when_labels_do(home: Home) -> None:
    folder, near = Folder(), content_of(home, b"train/dog/near.jpg")
    with open_current(home.database).begin() as session:
        known = folder.known(session)
        assert known is not None
        store.save_label_decisions(session, [LabelDecision(near, None)], NOON)
        assert folder.known(session) is known
        assert look_over(session, folder) == look_over(session)
        root, file = str(known.indexed.layout.folder), known.indexed.files[0]
        store.save_files(session, root, [replace(file, size=1)], {})  # its folder is not settled now
        changed = folder.known(session)
        assert changed is not None
        assert replace(file, size=1) in changed.indexed.files
