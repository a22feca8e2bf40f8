"""Scanning a real folder: layouts, changes, files in the making, and all that is no plain file."""

import io
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import NoImagesFolder, TooFewClasses, UnclearFolders, WhiskerError
from pipeline.layout import find_layout
from pipeline.read_files import FILES_AT_ONCE
from pipeline.records import FileState
from pipeline.scan import scan
from pipeline.scan_result import NOTHING_KNOWN, Index, ScanResult, settled_files
from tests.pipeline.folders import index_of

LATER = time.time() + 3600


def photo(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of three photos each."""
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        for number in range(3):
            (tmp_path / label / f"{number}.jpg").write_bytes(photo(number + 10 * (label == "dog")))
    return tmp_path


@dataclass(frozen=True)
class Seen:
    """What a scan found, and what the index knows after it. Other names are those of `ScanResult`."""

    result: ScanResult
    files: tuple[FileState, ...]
    index: Index

    def __getattr__(self, name: str) -> Any:
        return getattr(self.result, name)


def seen(folder: Path, index: Index = NOTHING_KNOWN, **how: Any) -> Seen:
    """Scan, and save what was found as a cycle does that forgets what is gone."""
    result = scan(folder, index, **{"settle_seconds": 0, **how})
    known = [file for inside in index.digests for file in index.files_in(inside).values()]
    files = tuple(settled_files(known, result))
    return Seen(result, files, index_of(files, {**index.digests, **result.digests}))


def look(folder: Path, before: Seen | None = None, *, settle_seconds: float = 60) -> Seen:
    """Scan an hour from now, when what the test has written is settled."""
    index = before.index if before else NOTHING_KNOWN
    return seen(folder, index, settle_seconds=settle_seconds, now=lambda: LATER)


def counts(result: Seen) -> tuple[int, int, int]:
    return result.new, result.changed, len(result.gone_paths)


def problems(result: Seen) -> dict[bytes, str]:
    return {state.path: state.problem for state in result.files if state.problem}


# ---------------------------------------------------------------- layout


def make_folders(root: Path, *names: str) -> None:
    for name in names:
        (root / name).mkdir(parents=True)


def test_class_folders_directly_below_are_the_classes(tmp_path: Path) -> None:
    make_folders(tmp_path, "dog", "cat", ".git", "cat/deeper", "@eaDir")
    layout = find_layout(tmp_path)
    assert (layout.split_folders, layout.classes) == (False, ("cat", "dog"))


def test_train_and_test_decide_and_others_beside_them_are_ignored(tmp_path: Path) -> None:
    make_folders(tmp_path, "train/cat", "train/dog", "test/cat", "test/dog", "arrivals/bird")
    layout = find_layout(tmp_path)
    assert (layout.split_folders, layout.classes) == (True, ("cat", "dog"))


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")


UNUSABLE: dict[str, tuple[Callable[[Path], None], type[WhiskerError], str]] = {
    "missing": (lambda root: None, NoImagesFolder, "does not exist"),
    "a file": (write, NoImagesFolder, "is a file"),
    "empty": (lambda root: root.mkdir(), TooFewClasses, "has no class folder"),
    "one class": (lambda root: make_folders(root, "cat"), TooFewClasses, "has only one class folder ('cat')"),
    "loose images": (lambda root: write(root / "a.jpg"), TooFewClasses, "for the 1 file that lies directly"),
    "one class in train and test": (
        lambda root: make_folders(root, "train/cat", "test/cat"),
        TooFewClasses,
        "train has only one class folder ('cat')",
    ),
    "a class in train alone": (
        lambda root: make_folders(root, "train/cat", "train/dog", "test/cat"),
        UnclearFolders,
        "class 'dog' has a folder in",
    ),
    "train without test": (
        lambda root: make_folders(root, "train/cat", "train/dog"),
        UnclearFolders,
        "'train', but not both",
    ),
    "capital letters": (
        lambda root: make_folders(root, "Train/cat", "Test/cat"),
        UnclearFolders,
        "lower case",
    ),
    "a class name in another encoding": (
        lambda root: make_folders(root, "cat", os.fsdecode(b"caf\xe9")),
        UnclearFolders,
        "'caf\\udce9'",
    ),
    "a class name of two lines": (
        lambda root: make_folders(root, "cat", "a\nb"),
        UnclearFolders,
        "cannot be printed",
    ),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_an_unusable_folder_is_refused_in_one_line_that_names_it(kind: str, tmp_path: Path) -> None:
    make, error, words = UNUSABLE[kind]
    folder = tmp_path / "photos"
    make(folder)
    with pytest.raises(error) as refusal:
        find_layout(folder)
    message = str(refusal.value)
    assert words in message
    assert str(folder) in message
    assert "\n" not in message


# ---------------------------------------------------------------- changes


def test_the_first_scan_reads_everything_and_the_second_nothing(photos: Path) -> None:
    first = look(photos)
    assert counts(first) == (6, 0, 0)
    assert [state.path for state in first.files] == sorted(
        f"{label}/{number}.jpg".encode() for label in ("cat", "dog") for number in range(3)
    )
    assert all((state.width, state.height, state.problem) == (32, 24, None) for state in first.files)

    second = look(photos, first)
    assert counts(second) == (0, 0, 0)
    assert second.files == first.files
    assert second.changed_files == ()


def test_unchanged_files_are_not_opened_again(photos: Path) -> None:
    first = look(photos)
    known = first.index
    opened: list[int] = []
    seen(photos, known, settle_seconds=0, progress=lambda done, total: opened.append(total))
    assert opened == []


def test_new_changed_and_gone_files_are_told_apart(photos: Path) -> None:
    first = look(photos)
    (photos / "cat/new.jpg").write_bytes(photo(50))
    (photos / "cat/0.jpg").write_bytes(photo(51))
    (photos / "dog/2.jpg").unlink()
    second = look(photos, first)
    assert counts(second) == (1, 1, 1)
    assert [state.path for state in second.changed_files] == [b"cat/0.jpg", b"cat/new.jpg"]
    assert second.gone_paths == (b"dog/2.jpg",)


def test_other_content_of_the_same_size_and_modification_time_is_noticed(photos: Path) -> None:
    first = look(photos)
    file = photos / "cat/0.jpg"
    before = file.stat()
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    assert counts(look(photos, first)) == (0, 1, 0)


def test_a_file_swapped_for_an_older_copy_is_noticed(photos: Path) -> None:
    first = look(photos)
    (photos / "cat/1.jpg").replace(photos / "cat/0.jpg")
    assert counts(look(photos, first)) == (0, 1, 1)


def test_nested_folders_count_for_their_class(photos: Path) -> None:
    (photos / "cat/2024/july").mkdir(parents=True)
    (photos / "cat/2024/july/x.jpg").write_bytes(photo(60))
    assert b"cat/2024/july/x.jpg" in {state.path for state in look(photos).files}


def test_with_train_and_test_the_arrivals_are_not_looked_at(tmp_path: Path) -> None:
    for place in ("train/cat", "train/dog", "test/cat", "test/dog", "arrivals/cat"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "a.jpg").write_bytes(photo(len(place)))
    assert [state.path for state in look(tmp_path).files] == [
        b"test/cat/a.jpg",
        b"test/dog/a.jpg",
        b"train/cat/a.jpg",
        b"train/dog/a.jpg",
    ]


IGNORED = [".hidden.jpg", "a.jpg.part", "a.jpg.crdownload", "a.jpg~", "a.tmp", "Thumbs.db", "desktop.ini"]


@pytest.mark.parametrize("name", IGNORED)
def test_hidden_and_unfinished_names_never_count(photos: Path, name: str) -> None:
    (photos / "cat" / name).write_bytes(photo(1))
    assert len(look(photos).files) == 6


def test_what_is_no_image_is_listed_with_its_problem_and_asked_only_once(photos: Path) -> None:
    (photos / "cat/README.txt").write_bytes(b"these are cats")
    (photos / "cat/text.jpg").write_bytes(b"a text")
    (photos / "dog/empty.jpg").write_bytes(b"")
    (photos / "dog/half.jpg").write_bytes(photo(1)[:400])
    first = look(photos)
    assert problems(first) == {
        b"cat/README.txt": "not an image",
        b"cat/text.jpg": "not an image",
        b"dog/empty.jpg": "no bytes",
        b"dog/half.jpg": "truncated",
    }
    assert counts(first) == (10, 0, 0)
    assert counts(look(photos, first)) == (0, 0, 0)


NAMES = [
    b"new\nline.jpg",
    b"'quotes\".jpg",
    b"<script>alert(1)</script>.jpg".replace(b"/", b"-"),
    b"{{7*7}}.jpg",
    b"-rf",
    b"caf\xe9.jpg",
    "\u202egpj.tac.jpg".encode(),
    "é.jpg".encode(),
    "e\u0301.jpg".encode(),
    b"x" * 251 + b".jpg",
]


def test_any_name_that_the_system_allows_is_kept_byte_for_byte(photos: Path) -> None:
    for number, name in enumerate(NAMES):
        (photos / "cat" / os.fsdecode(name)).write_bytes(photo(100 + number))
    found = {state.path: state.problem for state in look(photos).files}
    assert all(found[b"cat/" + name] is None for name in NAMES)


# ---------------------------------------------------------------- settling


def test_young_files_are_left_for_a_later_scan(photos: Path) -> None:
    result = seen(photos, settle_seconds=60)
    assert len(result.settling) == 6
    assert result.files == ()
    assert counts(seen(photos, settle_seconds=60, now=lambda: time.time() + 61)) == (6, 0, 0)


def test_a_copy_with_an_old_modification_time_is_still_young(photos: Path) -> None:
    first = look(photos)
    (photos / "cat/new.jpg").write_bytes(photo(50))
    os.utime(photos / "cat/new.jpg", (1e9, 1e9))
    known = first.index
    result = seen(photos, known, settle_seconds=60)
    assert result.settling == (b"cat/new.jpg",)
    assert counts(result) == (0, 0, 0)


def test_a_modification_time_in_the_future_does_not_hide_a_file(photos: Path) -> None:
    os.utime(photos / "cat/0.jpg", (LATER + 1e8, LATER + 1e8))
    assert len(look(photos).files) == 6


def test_a_known_file_that_is_being_rewritten_is_neither_gone_nor_used(photos: Path) -> None:
    known = look(photos).index
    (photos / "cat/0.jpg").write_bytes(photo(50)[:200])
    result = seen(photos, known, settle_seconds=60)
    assert result.settling == (b"cat/0.jpg",)
    assert counts(result) == (0, 0, 0)
    assert len(result.files) == 5


def test_a_file_that_grows_or_vanishes_after_it_was_listed_is_settling(photos: Path) -> None:
    for number in range(FILES_AT_ONCE):  # the dogs come after these, and are not read before
        (photos / "cat" / f"more-{number}.jpg").write_bytes(photo(0))

    def disturb(done: int, total: int) -> None:
        if done == 1:
            with (photos / "dog/0.jpg").open("ab") as file:
                file.write(b"more")
            (photos / "dog/1.jpg").unlink()

    result = seen(photos, progress=disturb)
    assert result.settling == (b"dog/0.jpg", b"dog/1.jpg")
    assert len(result.files) == FILES_AT_ONCE + 4


# ---------------------------------------------------------------- no plain files


@pytest.mark.timeout(30)
def test_pipes_sockets_and_devices_are_skipped_and_links_to_nothing_listed(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(photos / "cat/pipe.jpg")
    (photos / "cat/zero.jpg").symlink_to("/dev/zero")
    (photos / "cat/nothing.jpg").symlink_to("gone.jpg")
    (photos / "cat/itself.jpg").symlink_to("itself.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(photos / "cat")  # a socket's whole path must be short
        listener.bind("socket.jpg")
    result = look(photos)
    assert problems(result) == {
        b"cat/itself.jpg": "a link to itself",
        b"cat/nothing.jpg": "a link to nothing",
    }
    assert len(result.files) == 8


def test_a_link_to_a_photo_is_a_photo(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "a.jpg"
    outside.write_bytes(photo(70))
    (photos / "cat/link.jpg").symlink_to(outside)
    states = {state.path: state for state in look(photos).files}
    assert states[b"cat/link.jpg"].problem is None


def test_a_class_may_be_a_link_to_a_folder_elsewhere(
    photos: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("birds")
    (outside / "a.jpg").write_bytes(photo(71))
    (photos / "bird").symlink_to(outside)
    result = look(photos)
    assert result.layout.classes == ("bird", "cat", "dog")
    assert b"bird/a.jpg" in {state.path for state in result.files}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("target", [".", "..", "../dog", "deep/.."])
def test_a_link_back_into_the_folder_ends_and_adds_nothing(photos: Path, target: str) -> None:
    (photos / "cat/deep").mkdir()
    (photos / "cat/deep/x.jpg").write_bytes(photo(72))
    (photos / "cat/loop").symlink_to(target)
    (photos / "cat/deep/loop").symlink_to(Path("..") / target)
    assert len(look(photos).files) == 7


@pytest.fixture
def as_nobody() -> Iterator[None]:
    """Give up the rights of root, who may read everything, for one test."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield
    os.seteuid(user)


def test_what_may_not_be_read_is_named_and_its_files_are_not_taken_for_gone(as_nobody: None) -> None:
    with tempfile.TemporaryDirectory() as name:  # whose parents, unlike those of tmp_path, are open
        folder = Path(name)
        for label in ("cat", "dog"):
            (folder / label).mkdir()
            (folder / label / "a.jpg").write_bytes(photo(len(label)))
            (folder / label / "b.jpg").write_bytes(photo(10 + len(label)))
        (folder / "dog/b.jpg").chmod(0)
        first = look(folder)
        assert problems(first) == {b"dog/b.jpg": "permission denied"}

        (folder / "cat").chmod(0)
        (folder / "dog/b.jpg").chmod(0o600)
        second = look(folder, first)
        (folder / "cat").chmod(0o700)
        assert [(bad.path, bad.reason) for bad in second.unreadable_folders] == [
            (b"cat", "permission denied")
        ]
        assert counts(second) == (0, 1, 0)
        assert problems(second) == {}


def test_a_scan_changes_nothing_in_the_folder(photos: Path) -> None:
    def state() -> list[tuple[Path, int, int]]:
        return [(p, p.stat().st_mtime_ns, p.stat().st_ctime_ns) for p in sorted(photos.rglob("*"))]

    before = state()
    look(photos)
    assert state() == before


# ---------------------------------------------------------------- progress and stop


def test_progress_counts_the_files_that_are_read(photos: Path) -> None:
    told: list[tuple[int, int]] = []
    seen(photos, progress=lambda done, total: told.append((done, total)))
    assert told == [(number, 6) for number in range(1, 7)]


def test_a_stopped_scan_keeps_what_it_has_read_and_calls_nothing_gone(photos: Path) -> None:
    first = look(photos)
    read: list[int] = []
    stopped = seen(
        photos,
        index_of([first.files[0]]),
        settle_seconds=0,
        progress=lambda done, total: read.append(done),
        should_stop=lambda: len(read) >= 2,
    )
    assert not stopped.complete
    assert counts(stopped) == (2, 0, 0)
    assert len(stopped.files) == 3
    assert first.complete


def test_the_real_photos_are_all_usable(catdog: Path) -> None:
    first = look(catdog)
    assert counts(first) == (2500, 0, 0)
    assert problems(first) == {}
    assert counts(look(catdog, first)) == (0, 0, 0)


def test_a_known_file_is_recognised_by_its_stat_alone(photos: Path) -> None:
    invented = index_of(replace(state, sha256="0" * 64) for state in look(photos).files)
    assert {state.sha256 for state in seen(photos, invented).files} == {"0" * 64}


# ---------------------------------------------------------------- folders that have not changed


def only_digests(before: Seen) -> Index:
    """Return an index that fails if anything is asked of a folder that has not changed."""

    def files_in(folder: bytes) -> dict[bytes, FileState]:
        raise AssertionError(f"asked for {folder!r}")

    return Index(before.index.digests, files_in)


def test_an_unchanged_folder_is_recognised_by_one_digest(photos: Path) -> None:
    first = look(photos)
    assert set(first.digests) == {b"cat", b"dog"}
    second = scan(photos, only_digests(first), settle_seconds=60, now=lambda: LATER)
    assert (second.changed_files, second.gone_paths, second.digests) == ((), (), {})
    assert second.digest == first.digest


CHANGES: list[Callable[[Path], object]] = [
    lambda cat: (cat / "0.jpg").write_bytes(photo(51)),
    lambda cat: (cat / "0.jpg").rename(cat / "new.jpg"),
    lambda cat: (cat / "0.jpg").unlink(),
    lambda cat: (cat / "new.jpg").write_bytes(photo(52)),
    lambda cat: os.utime(cat / "0.jpg", (1, 1)),
    lambda cat: (cat / "link.jpg").symlink_to("gone.jpg"),
    lambda cat: (cat / "deep").mkdir(),
]


@pytest.mark.parametrize("number", range(len(CHANGES)))
def test_any_change_in_a_folder_gives_the_data_another_digest(photos: Path, number: int) -> None:
    first = look(photos)
    CHANGES[number](photos / "cat")
    second = look(photos, first)
    assert second.digest != first.digest
    assert look(photos, second).digest == second.digest


def test_a_folder_that_is_gone_takes_its_files_with_it(photos: Path) -> None:
    (photos / "cat/deep").mkdir()
    (photos / "cat/deep/x.jpg").write_bytes(photo(72))
    first = look(photos)
    (photos / "cat/deep/x.jpg").unlink()
    (photos / "cat/deep").rmdir()
    second = look(photos, first)
    assert second.gone_paths == (b"cat/deep/x.jpg",)
    assert len(second.files) == 6


def test_a_folder_with_a_gone_file_is_compared_until_the_file_is_forgotten(photos: Path) -> None:
    first = look(photos)
    (photos / "cat/0.jpg").unlink()
    gone = look(photos, first)
    assert gone.digests == {b"cat": None}
    still_known = index_of(first.files, first.index.digests | gone.digests)
    assert seen(photos, still_known).gone_paths == (b"cat/0.jpg",)
    assert look(photos, gone).digests == {b"cat": look(photos).digests[b"cat"]}


def test_while_a_file_settles_the_data_have_no_digest(photos: Path) -> None:
    result = seen(photos, settle_seconds=60)
    assert result.digest is None
    assert result.digests == {b"cat": None, b"dog": None}


def test_a_stopped_scan_trusts_no_folder(photos: Path) -> None:
    stopped = seen(photos, should_stop=lambda: True)
    assert stopped.digest is None
    assert stopped.digests == {b"cat": None, b"dog": None}
    assert counts(seen(photos, stopped.index)) == (6, 0, 0)


def test_a_file_that_could_not_be_read_is_tried_again_by_each_scan(as_nobody: None) -> None:
    with tempfile.TemporaryDirectory() as name:  # whose parents, unlike those of tmp_path, are open
        folder = Path(name)
        for label in ("cat", "dog"):
            (folder / label).mkdir()
            (folder / label / "a.jpg").write_bytes(photo(len(label)))
        (folder / "dog/a.jpg").chmod(0)
        first = look(folder)
        assert first.digests[b"dog"] is None
        reads: list[int] = []
        seen(folder, first.index, progress=lambda done, total: reads.append(total))
        assert reads == [1]
