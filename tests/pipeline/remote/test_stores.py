import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import NoImagesFolder, TooFewClasses
from pipeline.image_folder import read_from, those_as_seen
from pipeline.layout import find_layout
from pipeline.records import FileState
from pipeline.remote import s3 as s3_module
from pipeline.scan import scan
from pipeline.scan_result import NOTHING_KNOWN, Index, ScanResult, settled_files
from tests.pipeline.folders import index_of
from tests.pipeline.pictures import save_picture
from tests.pipeline.remote.stores import Filled, OnS3, filled

KINDS = ("memory", "s3", "web")
ODD = (
    " a b.jpg",
    "100%25.jpg",
    "c#d?e&f.jpg",
    'q"<x>.jpg',
    "línea.jpg",
    "+.jpg",
    "A.jpg",
    "a.jpg",
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the files of a folder with two classes."""
    folder = tmp_path_factory.mktemp("files")
    for number in range(6):
        save_picture(folder / ("cat", "dog")[number % 2] / f"{number}.jpg", number)
    save_picture(folder / "cat" / "more" / "6.jpg", 6)
    (folder / "dog" / "7.jpg").write_bytes(b"no image")
    (folder / "dog" / ".hidden.jpg").write_bytes(b"")
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.jpg")}


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, files: dict[str, bytes], tmp_path: Path) -> Iterator[Filled]:
    with filled(request.param, files, tmp_path, request) as found:
        yield found


def looked(store: Filled, index: Index = NOTHING_KNOWN) -> ScanResult:
    return scan(store.folder, index, settle_seconds=0)


def known(result: ScanResult) -> Index:
    return index_of(settled_files((), result), result.digests)


def contents(states: tuple[FileState, ...]) -> dict[bytes, tuple[str | None, str | None]]:
    return {state.path: (state.sha256, state.problem) for state in states}


def test_a_scan_finds_what_it_finds_in_a_folder_of_this_machine(
    store: Filled, files: dict[str, bytes], tmp_path: Path
) -> None:
    for name, data in files.items():
        path = tmp_path / "same" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    here = scan(tmp_path / "same", NOTHING_KNOWN, settle_seconds=0)
    there = looked(store)
    assert contents(there.changed_files) == contents(here.changed_files)
    assert there.layout.classes == ("cat", "dog")
    assert {state.fingerprint for state in there.changed_files} == {s.fingerprint for s in here.changed_files}
    assert there.digest and there.digest != here.digest


def test_an_unchanged_store_is_only_listed(store: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    first = looked(store)
    monkeypatch.setattr(type(store.folder.store), "read", None)
    again = looked(store, known(first))
    assert (again.changed_files, again.gone_paths, again.settling) == ((), (), ())
    assert again.digest == first.digest


def test_what_is_new_replaced_or_gone_is_seen(store: Filled, files: dict[str, bytes]) -> None:
    first = looked(store)
    store.write("cat/new.jpg", files["dog/1.jpg"])
    store.write("dog/3.jpg", files["cat/4.jpg"] + b"\0")
    store.remove("cat/more/6.jpg")
    result = looked(store, known(first))
    assert [state.path for state in result.changed_files] == [b"cat/new.jpg", b"dog/3.jpg"]
    assert (result.new, result.changed, result.gone_paths) == (1, 1, (b"cat/more/6.jpg",))


def test_what_is_as_it_was_seen_is_told_from_the_rest(store: Filled, files: dict[str, bytes]) -> None:
    seen = looked(store).changed_files
    store.write("dog/3.jpg", files["cat/4.jpg"] + b"\0")
    store.remove("cat/more/6.jpg")
    same = {state.path for state in those_as_seen(store.folder, seen)}
    assert same == {state.path for state in seen} - {b"dog/3.jpg", b"cat/more/6.jpg"}


def test_odd_names_are_listed_and_read(store: Filled, files: dict[str, bytes]) -> None:
    names = ODD if isinstance(store, OnS3) else (*ODD, "new\nline.jpg")  # which moto's routes cannot take
    for name in names:
        store.write(f"cat/{name}", files["cat/0.jpg"])
    paths = {state.path for state in looked(store).changed_files if state.problem is None}
    odd = {b"cat/" + os.fsencode(name) for name in names}
    assert odd <= paths
    without_copies = replace(store.folder, cache=None)
    assert {read_from(without_copies, path) for path in odd} == {files["cat/0.jpg"]}


def test_what_is_young_waits_for_the_next_look(store: Filled) -> None:
    result = scan(store.folder, NOTHING_KNOWN, settle_seconds=3600)
    assert (result.changed_files, result.digest) == ((), None)
    assert len(result.settling) == 8


def test_what_was_read_once_is_a_copy_from_then_on(
    store: Filled, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = looked(store)
    monkeypatch.setattr(type(store.folder.store), "read", None)
    assert looked(store).changed_files == first.changed_files  # without an index, as after a crash
    for state in first.changed_files:
        assert read_from(store.folder, state.path, state.sha256) == files[os.fsdecode(state.path)]


def test_a_folder_that_is_not_there_is_one_sentence(store: Filled) -> None:
    nowhere = replace(store.folder, url=store.folder.url.replace("photos", "nothing"))
    with pytest.raises((NoImagesFolder, TooFewClasses), match="nothing"):
        find_layout(nowhere)


def test_s3_is_listed_page_by_page_and_keys_that_are_no_files_do_not_count(
    files: dict[str, bytes], tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_module, "KEYS_AT_ONCE", 2)
    odd = {"": b"", "cat/": b"", "cat/empty/": b"", "cat//x.jpg": b"x", "dog/full/": b"x"}
    beside = {"../photos-too/cat/8.jpg": b"x"}
    with filled("s3", files | odd | beside, tmp_path, request) as store:
        result = looked(store)
    assert len([state for state in result.changed_files if state.problem is None]) == 7
    assert {state.path: state.problem for state in result.changed_files if state.problem} == {
        b"dog/7.jpg": "not an image",
        b"cat//": "its name has // in it, or ends with /",
        b"dog/full//": "its name has // in it, or ends with /",
    }


def test_a_bucket_that_is_not_there_and_a_wrong_option_are_one_sentence(
    files: dict[str, bytes], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with filled("s3", files, tmp_path, request) as store:
        with pytest.raises(NoImagesFolder, match=r"s3://no-such-bucket does not exist"):
            find_layout(replace(store.folder, url="s3://no-such-bucket"))
        options = {"endpoint_url": "my-secret-place", "key": "x", "secret": "x"}
        with pytest.raises(NoImagesFolder, match=r"Invalid endpoint: \*\*\*\); correct what"):
            find_layout(replace(store.folder, options=options))
