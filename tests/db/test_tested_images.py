"""The test images of a run, and where they lie today."""

import pytest
from sqlalchemy.orm import Session

from db import store
from pipeline.errors import NoSuchRecord
from tests.db.samples import PHOTOS, begin_cycle, begin_run, file_state, sha, snapshot


def test_test_images_are_found_where_the_last_look_saw_their_content(session: Session) -> None:
    run_id = begin_run(session, begin_cycle(session)[0])
    moved = (file_state(b"test/cat/elsewhere.jpg", sha256=sha("a")), file_state(b"new.jpg", sha256=sha("x")))
    store.save_files(session, PHOTOS, moved)
    store.save_files(session, "/other", [file_state(b"copy.jpg", sha256=sha("b"))])
    images = store.tested_images(session, run_id)
    assert store.images_folder_of(session, run_id) == PHOTOS
    assert {(image.sha256, image.label, image.path) for image in images} == {
        (sha("a"), "cat", b"test/cat/elsewhere.jpg"),
        (sha("b"), "dog", b"test/dog/b.jpg"),
    }


def test_copies_are_one_image_and_a_file_that_could_not_be_read_is_none(session: Session) -> None:
    run_id = begin_run(session, begin_cycle(session)[0])
    copies = [file_state(path, sha256=sha("a")) for path in (b"z.jpg", b"a.jpg")]
    store.save_files(session, PHOTOS, [*copies, file_state(b"unread.jpg", sha256=None, problem="cut off")])
    images = store.tested_images(session, run_id)
    assert [image.path for image in images] == [b"a.jpg", b"test/dog/b.jpg"]


def test_a_later_cycle_has_test_images_of_its_own(session: Session) -> None:
    first = begin_run(session, begin_cycle(session)[0])
    second = begin_run(session, begin_cycle(session, snapshot("xyabcd"))[0])
    names = [{image.sha256 for image in store.tested_images(session, run_id)} for run_id in (first, second)]
    assert names == [{sha("a"), sha("b")}, {sha("x"), sha("y")}]


def test_no_run_has_none(session: Session) -> None:
    with pytest.raises(NoSuchRecord, match="there is no run 99"):
        store.images_folder_of(session, 99)
    with pytest.raises(NoSuchRecord, match="there is no run 99"):
        store.tested_images(session, 99)
