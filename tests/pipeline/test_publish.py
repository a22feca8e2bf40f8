"""Files that appear whole or not at all."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import SaveFailed
from pipeline.publish import sha256_of, write_whole


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "new" / "page.html"
    write_whole(file, b"old")
    write_whole(file, b"new")
    assert file.read_bytes() == b"new"
    assert [path.name for path in file.parent.iterdir()] == ["page.html"]


def test_a_full_disk_leaves_the_old_file_and_no_part(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_bytes(b"old")
    program = f"""
import resource, signal
from pathlib import Path
from pipeline.errors import SaveFailed
from pipeline.publish import write_whole
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_whole(Path({str(file)!r}), b"x" * 5000)
except SaveFailed as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "page.html cannot be written: File too large" in done.stdout
    assert file.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1000, "the limit is the child's alone"


def test_a_folder_in_the_way_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    with pytest.raises(SaveFailed, match=r"page\.html cannot be written"):
        write_whole(tmp_path / "page.html", b"new")


def test_the_hash_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_of(tmp_path / "abc").startswith("ba7816bf8f01cfea414140de5dae2223")


def test_a_file_in_place_of_the_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "reports").write_bytes(b"")
    with pytest.raises(SaveFailed, match=r"page\.html cannot be written"):
        write_whole(tmp_path / "reports" / "page.html", b"new")
