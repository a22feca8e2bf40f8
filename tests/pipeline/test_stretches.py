import numpy as np
import pytest

from pipeline.stretches import keep_only, stretches


@pytest.fixture(autouse=True)
def three_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.stretches.ROWS", 3)


def test_stretches_cover_all_rows_once() -> None:
    assert [list(range(10))[some] for some in stretches(7)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(stretches(0)) == []


@pytest.mark.parametrize("kept", [[], [0], [9], [1, 2, 3, 4, 8, 9], list(range(10))])
def test_the_kept_rows_stay_in_their_order_and_in_their_place(kept: list[int]) -> None:
    values = np.arange(20).reshape(10, 2)
    expected = values[kept].tolist()
    found = keep_only(values, np.array(kept, np.int64))
    assert found.tolist() == expected
    assert np.shares_memory(found, values) or not kept, "nothing as large as all of them was made"
