from pathlib import Path

import numpy as np
import pytest

from pipeline.room import room_for


def test_few_numbers_lie_in_memory_and_many_in_a_file_without_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not isinstance(room_for((10, 4), tmp_path), np.memmap)
    monkeypatch.setattr("pipeline.room.IN_MEMORY", 100)
    cache = tmp_path / "cache"
    many = room_for((10, 4), cache)
    many[:] = np.arange(40).reshape(10, 4)
    assert isinstance(many, np.memmap)
    assert (many.shape, many.dtype, float(many[9, 3])) == ((10, 4), np.float32, 39.0)
    assert list(cache.iterdir()) == [], "nothing is left, however the process ends"


def test_no_room_on_the_disk_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"No space left|File too large"):
        room_for((2**40, 2**10), tmp_path)
