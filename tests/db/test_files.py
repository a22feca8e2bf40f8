from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.batches import BATCH
from pipeline.records import FileState
from tests.db.samples import NOT_UTF8, ONE_DATABASE, PHOTOS, file_state

STATES = st.builds(
    FileState,
    path=st.binary(min_size=1, max_size=40),
    size=st.integers(0, 2**62),
    mtime_ns=st.integers(-(2**62), 2**62),
    ctime_ns=st.integers(-(2**62), 2**62),
    inode=st.integers(0, 2**64 - 1),
    sha256=st.none() | st.text("0123456789abcdef", min_size=64, max_size=64),
    width=st.none() | st.integers(1, 10**6),
    height=st.none() | st.integers(1, 10**6),
    problem=st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    fingerprint=st.none() | st.binary(max_size=64),
)


@settings(ONE_DATABASE, max_examples=30)
@given(states=st.lists(STATES, unique_by=lambda state: state.path, max_size=10))
def test_every_file_comes_back_as_it_was_saved(
    states: list[FileState], sessions: sessionmaker[Session]
) -> None:
    with sessions() as session:
        store.save_files(session, PHOTOS, states)
        assert store.known_files(session, PHOTOS) == {state.path: state for state in states}


def test_known_files_come_in_pages_by_path(session: Session) -> None:
    names = [b"a/" + NOT_UTF8, b"a/b", b"a/c", b"b"]
    store.save_files(session, PHOTOS, [file_state(name) for name in reversed(names)])
    store.save_files(session, "/other", [file_state(b"a/a")])
    pages, last = [], b""
    while page := store.known_files_after(session, PHOTOS, last, 3):
        pages.append([state.path for state in page])
        last = page[-1].path
    by_path = sorted(names)
    assert pages == [by_path[:3], by_path[3:]]


def test_a_changed_file_replaces_what_was_known_of_it(session: Session) -> None:
    store.save_files(session, PHOTOS, [file_state(NOT_UTF8), file_state(b"b")])
    changed = file_state(NOT_UTF8, size=7, sha256=None, problem="it is cut off")
    store.save_files(session, PHOTOS, [changed])
    assert store.known_files(session, PHOTOS) == {NOT_UTF8: changed, b"b": file_state(b"b")}


def test_a_forgotten_file_is_gone_and_an_unknown_one_does_not_matter(session: Session) -> None:
    store.save_files(session, PHOTOS, [file_state(b"a"), file_state(b"b")])
    store.forget_files(session, PHOTOS, [b"a", b"never seen"])
    assert list(store.known_files(session, PHOTOS)) == [b"b"]


def test_two_folders_of_images_do_not_mix(session: Session) -> None:
    store.save_files(session, PHOTOS, [file_state(b"a")])
    store.save_files(session, "/other", [file_state(b"a", size=9)])
    store.forget_files(session, "/other", [b"a"])
    assert store.known_files(session, PHOTOS) == {b"a": file_state(b"a")}
    assert store.known_files(session, "/other") == {}


def test_more_files_than_one_statement_takes(session: Session) -> None:
    names = [b"%d" % number for number in range(BATCH + 10)]
    store.save_files(session, PHOTOS, (file_state(name) for name in names))
    assert set(store.known_files(session, PHOTOS)) == set(names)
    store.forget_files(session, PHOTOS, names[1:])
    assert list(store.known_files(session, PHOTOS)) == [b"0"]


def test_the_files_of_a_folder_are_those_directly_in_it(session: Session) -> None:
    paths = [b"cat/a", b"cat/b", b"cat/deep/c", b"cat.old/d", b"cat0", b"dog/e", b"cat/caf\xe9\n.jpg"]
    store.save_files(session, PHOTOS, [file_state(path) for path in paths])
    assert set(store.known_files_in(session, PHOTOS, b"cat")) == {b"cat/a", b"cat/b", b"cat/caf\xe9\n.jpg"}
    assert set(store.known_files_in(session, PHOTOS, b"cat/deep")) == {b"cat/deep/c"}
    assert store.known_files_in(session, "/other", b"cat") == {}


def test_a_folder_has_a_digest_until_one_of_its_files_is_saved_or_forgotten(session: Session) -> None:
    files = [file_state(b"cat/a"), file_state(b"dog/b")]
    store.save_files(session, PHOTOS, files, {b"cat": "c" * 64, b"dog": "d" * 64})
    assert store.folder_digests(session, PHOTOS) == {b"cat": "c" * 64, b"dog": "d" * 64}
    store.save_files(session, PHOTOS, [file_state(b"cat/new")])
    assert store.folder_digests(session, PHOTOS) == {b"cat": None, b"dog": "d" * 64}
    store.save_files(session, PHOTOS, [], {b"cat": "e" * 64})
    store.forget_files(session, PHOTOS, [b"cat/new", b"dog/b"])
    assert store.folder_digests(session, PHOTOS) == {b"cat": None}
    assert store.folder_digests(session, "/other") == {}


def test_files_are_found_by_their_content_in_one_folder_and_by_path(session: Session) -> None:
    same, other = "a" * 64, "b" * 64
    store.save_files(session, PHOTOS, [file_state(b"z", sha256=same), file_state(NOT_UTF8, sha256=same)])
    store.save_files(session, PHOTOS, [file_state(b"other", sha256=other), file_state(b"?", sha256=None)])
    store.save_files(session, "/other", [file_state(b"a", sha256=same)])
    found = store.files_with_content(session, PHOTOS, same)
    assert found == [file_state(NOT_UTF8, sha256=same), file_state(b"z", sha256=same)]
    assert store.files_with_content(session, PHOTOS, "c" * 64) == []
