"""The cache of rows."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.feature_store import FeatureTable, content_hashes, delete_cache
from pipeline.records import SnapshotImage

WIDTH = 10
RECORD = 32 + 4 * WIDTH + 4
PLENTY = 10**9


def hashes(*numbers: int) -> Any:
    digests = [hashlib.sha256(str(number).encode()).hexdigest() for number in numbers]
    return content_hashes([SnapshotImage(digest, "cat", "train", b"x") for digest in digests])


def rows_of(*numbers: int) -> Any:
    return np.repeat(np.array(numbers, np.float32)[:, None], WIDTH, axis=1)


def table_in(cache: Path, key: str = "key", limit: int = PLENTY) -> FeatureTable:
    return FeatureTable(cache, key, WIDTH, limit)


def fill(cache: Path, *numbers: int, key: str = "key", limit: int = PLENTY) -> FeatureTable:
    table = table_in(cache, key, limit)
    table.append(hashes(*numbers), rows_of(*numbers))
    return table


def read(cache: Path, *numbers: int, key: str = "key") -> tuple[list[int], FeatureTable]:
    """Return which of the numbers are there, after a check that their rows are theirs."""
    table = table_in(cache, key)
    rows = np.full((len(numbers), WIDTH), -1, np.float32)
    found = table.read(hashes(*numbers), rows)
    assert (rows[found] == rows_of(*numbers)[found]).all()
    assert (rows[~found] == -1).all()
    return [number for number, is_found in zip(numbers, found, strict=True) if is_found], table


def segments(cache: Path) -> list[Path]:
    return sorted(cache.glob("*/*.rows"))


def test_rows_come_back_in_any_order_and_the_others_are_missing(tmp_path: Path) -> None:
    fill(tmp_path, 1, 2, 3)
    fill(tmp_path, 4)
    assert read(tmp_path, 4, 9, 2, 1, 8)[0] == [4, 2, 1]
    assert len(segments(tmp_path)) == 1, "small additions share a file"
    assert segments(tmp_path)[0].stat().st_size == 4 * RECORD


def test_another_key_has_other_rows(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    assert read(tmp_path, 1, key="other")[0] == []


def test_an_empty_cache_and_no_images_are_fine(tmp_path: Path) -> None:
    assert read(tmp_path / "nowhere", 1)[0] == []
    assert not (tmp_path / "nowhere").exists()
    fill(tmp_path, 1)
    assert read(tmp_path)[0] == []


def test_a_hash_that_ends_in_zero_bytes_is_kept_whole(tmp_path: Path) -> None:
    images = [SnapshotImage("ab" * 31 + end, "cat", "train", b"x") for end in ("00", "01")]
    images.append(SnapshotImage("ab" * 16 + "00" * 16, "cat", "train", b"x"))
    table_in(tmp_path).append(content_hashes(images), rows_of(1, 2, 3))
    rows = np.zeros((3, WIDTH), np.float32)
    assert table_in(tmp_path).read(content_hashes(images), rows).all()
    assert (rows == rows_of(1, 2, 3)).all()


@pytest.mark.parametrize("offset", [0, 31, 32, 50, RECORD - 4, RECORD - 1])
def test_a_flipped_bit_costs_its_row_and_no_other(tmp_path: Path, offset: int) -> None:
    fill(tmp_path, 1, 2, 3)
    content = bytearray(segments(tmp_path)[0].read_bytes())
    content[RECORD + offset] ^= 1
    segments(tmp_path)[0].write_bytes(content)
    found, table = read(tmp_path, 1, 2, 3)
    assert found == [1, 3]
    in_hash = offset < 32  # then nobody can tell whose row it was
    assert table.problems == ([] if in_hash else ["1 damaged records are not used"])
    fill(tmp_path, 2)
    found, table = read(tmp_path, 1, 2, 3)
    assert found == [1, 2, 3]
    assert table.problems == []


@pytest.mark.parametrize("left", [0, 1, RECORD - 1, RECORD, 2 * RECORD + 33])
def test_a_file_that_was_cut_short_keeps_its_whole_records_and_goes_on(tmp_path: Path, left: int) -> None:
    fill(tmp_path, 1, 2, 3)
    os.truncate(segments(tmp_path)[0], left)
    whole = [1, 2, 3][: left // RECORD]
    assert read(tmp_path, 1, 2, 3)[0] == whole
    fill(tmp_path, 4)
    assert read(tmp_path, 1, 2, 3, 4)[0] == [*whole, 4]


WRITER = """
import sys
from pathlib import Path
from tests.pipeline.test_feature_store import fill, table_in, hashes, rows_of
table = table_in(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(int(sys.argv[2]), int(sys.argv[3])):
    table.append(hashes(number), rows_of(number))
    assert not table.problems, table.problems
"""


def writer(cache: Path, begin: int, end: int) -> "subprocess.Popen[str]":
    arguments = [sys.executable, "-c", WRITER, str(cache), str(begin), str(end)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def test_two_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    both = [writer(tmp_path, 0, 300), writer(tmp_path, 300, 600)]
    for process in both:
        process.communicate()
    assert [process.returncode for process in both] == [0, 0]
    assert read(tmp_path, *range(600))[0] == list(range(600))


def test_a_process_that_is_killed_leaves_a_usable_cache(tmp_path: Path) -> None:
    with writer(tmp_path, 0, 10**6) as process:
        assert process.stdout
        process.stdout.readline()
        deadline = time.monotonic() + 30
        while not segments(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.2)
        process.send_signal(signal.SIGKILL)
    found = read(tmp_path, *range(1000))[0]
    assert found
    assert found == list(range(len(found)))
    fill(tmp_path, 5000)
    assert read(tmp_path, *found, 5000)[0] == [*found, 5000]


def age(file: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(file, (then, then))


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    for key, seconds in (("a", 300), ("b", 200), ("c", 100)):
        fill(tmp_path, 1, 2, key=key)
        age(segments(tmp_path)[-1], seconds)
    read(tmp_path, 1, key="a")
    fill(tmp_path, 3, 4, key="d", limit=6 * RECORD)
    assert sorted(file.parent.name for file in segments(tmp_path)) == ["a", "c", "d"]


def test_what_this_run_uses_stays_and_then_the_cache_is_full(tmp_path: Path) -> None:
    table = fill(tmp_path, 1, 2, 3, limit=4 * RECORD)
    for number in (4, 5, 6):
        table.append(hashes(number), rows_of(number))
    assert table.problems == [f"nothing more is kept, since it is full at cache_gb = {4 * RECORD / 1e9:g}"]
    assert read(tmp_path, *range(1, 7))[0] == [1, 2, 3, 4]


def test_the_files_of_the_cache_are_not_looked_at_for_each_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[Path] = []
    glob = Path.glob

    def counted(folder: Path, pattern: str) -> Any:
        listed.append(folder)
        return glob(folder, pattern)

    monkeypatch.setattr(Path, "glob", counted)
    table = table_in(tmp_path)
    for number in range(50):
        table.append(hashes(number), rows_of(number))
    assert len(listed) <= 4
    assert read(tmp_path, *range(50))[0] == list(range(50))


def test_a_lower_limit_holds_from_the_next_use_on(tmp_path: Path) -> None:
    fill(tmp_path, 1, 2, key="a")
    age(segments(tmp_path)[0], 100)
    table_in(tmp_path, "b", limit=RECORD)
    assert segments(tmp_path) == []


def test_large_tables_are_several_files_that_can_go_one_by_one(tmp_path: Path) -> None:
    limit = 16 * RECORD
    table = table_in(tmp_path, limit=limit)
    for number in range(12):
        table.append(hashes(number), rows_of(number))
    assert len(segments(tmp_path)) == 6
    for place, file in enumerate(segments(tmp_path)):
        age(file, 1000 - place)
    later = table_in(tmp_path, limit=limit)
    for number in range(100, 106):
        later.append(hashes(number), rows_of(number))
    assert read(tmp_path, *range(12))[0] == list(range(2, 12))


def test_a_cache_that_is_deleted_meanwhile_is_begun_again(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    table = fill(cache, 1)
    shutil.rmtree(cache)
    table.append(hashes(2), rows_of(2))
    assert table.problems == []
    assert read(cache, 1, 2)[0] == [2]
    delete_cache(cache)
    assert not cache.exists()
    delete_cache(cache)


def test_a_full_disk_is_a_problem_and_no_error(tmp_path: Path) -> None:
    program = f"""
import resource
from pathlib import Path
from tests.pipeline.test_feature_store import RECORD, fill, hashes, read, rows_of
resource.setrlimit(resource.RLIMIT_FSIZE, (3 * RECORD + 40, 3 * RECORD + 40))
cache = Path({str(tmp_path)!r})
table = fill(cache, 1, 2)
for number in (3, 4, 5):
    table.append(hashes(number), rows_of(number))
print(table.problems)
print(read(cache, 1, 2, 3, 4, 5)[0])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0].startswith("['nothing more is kept, since ")
    assert done.stdout.splitlines()[1] == "[1, 2, 3]"
    fill(tmp_path, 4)
    assert read(tmp_path, 1, 2, 3, 4, 5)[0] == [1, 2, 3, 4]


def test_a_file_in_the_place_of_the_cache_is_a_problem_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("not a folder")
    table = fill(tmp_path / "cache", 1)
    assert len(table.problems) == 1
    assert table.problems[0].startswith("nothing more is kept, since ")
    assert read(tmp_path / "cache", 1)[0] == []


def test_a_folder_in_the_place_of_a_file_is_a_problem_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "key" / "00000000000000000001.rows").mkdir(parents=True)
    found, table = read(tmp_path, 1)
    assert found == []
    assert table.problems == ["00000000000000000001.rows cannot be read (Is a directory)"]
